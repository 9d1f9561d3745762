//! Marks, manifests and other hidden characters of a text.

use std::collections::BTreeMap;

use c2pa_unstructured_text::{vs, wrapper};

use super::alphabet::Class;
use super::manifest::check_jumbf;
use super::mark::{self, Frame, MarkKey};
use super::report::{FoundManifest, FoundMark, Place, RUNS_LISTED, Report, Run};
use super::scan::Scan;
use super::visible::visible;

/// Lists what is hidden in a text, and tests the marks under the keys.
pub fn find(text: &str, keys: &[MarkKey]) -> Report {
    let mut finder = Finder::default();
    let mut scan = Scan::of(text);
    for run in scan.by_ref() {
        finder.take_apart(&text[run.byte..run.byte + run.bytes], run);
    }
    let mut report = finder.report;
    report.characters = scan.characters();
    report.hidden = scan.hidden();
    report.kept = scan.kept();
    report.marks = judge(text, finder.frames, keys);
    report
}

/// Takes out what [`find`] lists, and keeps the rest as it is.
pub fn strip(text: &str) -> (String, Report) {
    (visible(text).into_owned(), find(text, &[]))
}

#[derive(Default)]
struct Finder {
    report: Report,
    /// The places of each distinct mark.
    frames: BTreeMap<Frame, Vec<Place>>,
}

impl Finder {
    /// Takes a run of hidden characters apart into wrappers, marks, and what is neither.
    fn take_apart(&mut self, mut text: &str, run: Place) {
        let mut other = Run { place: Place { bytes: 0, characters: 0, ..run }, classes: BTreeMap::new() };
        while let Some(first) = text.chars().next() {
            let here = after(other.place);
            let known = match first {
                wrapper::MARKER => self.manifest(text, here),
                mark::STARTER => self.mark(text, here),
                _ => None,
            };
            let bytes = known.map_or(first.len_utf8(), |place| place.bytes);
            if let Some(place) = known {
                self.put(other);
                other = Run { place: after(place), classes: BTreeMap::new() };
            } else {
                other.place.bytes += bytes;
                other.place.characters += 1;
                if let Some(class) = Class::of(first) {
                    *other.classes.entry(class).or_default() += 1;
                }
            }
            text = &text[bytes..];
        }
        self.put(other);
    }

    fn manifest(&mut self, text: &str, here: Place) -> Option<Place> {
        let selectors = &text[wrapper::MARKER.len_utf8()..];
        let (run, bytes) = vs::decode_run(selectors);
        if !run.starts_with(&wrapper::MAGIC) {
            return None;
        }
        let bytes = bytes + wrapper::MARKER.len_utf8();
        let place = Place { bytes, characters: run.len() + 1, ..here };
        let store = wrapper::locate_all(&text[..bytes]).pop();
        let is_jumbf = store.as_ref().is_some_and(|store| check_jumbf(&store.payload).is_ok());
        let store_bytes = store.map(|store| store.payload.len());
        self.report.manifests.push(FoundManifest { place, store_bytes, is_jumbf });
        Some(place)
    }

    fn mark(&mut self, text: &str, here: Place) -> Option<Place> {
        let (run, _) = vs::decode_run(&text[mark::STARTER.len_utf8()..]);
        let frame = Frame::read(&run)?;
        let place = Place { bytes: frame.text_bytes(), characters: frame.characters(), ..here };
        self.frames.entry(frame).or_default().push(place);
        Some(place)
    }

    fn put(&mut self, run: Run) {
        if run.place.characters == 0 {
            return;
        }
        self.report.run_count += 1;
        if self.report.runs.len() < RUNS_LISTED {
            self.report.runs.push(run);
        }
    }
}

/// The empty place behind another.
fn after(place: Place) -> Place {
    let (byte, character) = (place.byte + place.bytes, place.character + place.characters);
    Place { byte, character, bytes: 0, characters: 0 }
}

/// Tests each distinct mark once.
fn judge(text: &str, frames: BTreeMap<Frame, Vec<Place>>, keys: &[MarkKey]) -> Vec<FoundMark> {
    let mut digest = None;
    let mut marks: Vec<FoundMark> = frames
        .into_iter()
        .map(|(frame, places)| {
            let mut digest = || *digest.get_or_insert_with(|| mark::text_digest(text));
            let (authenticity, bound) = frame.judge(keys, &mut digest);
            FoundMark { payload: frame.payload().to_vec(), authenticity, bound, places }
        })
        .collect();
    marks.sort_by_key(|mark| mark.places.first().copied());
    marks
}
