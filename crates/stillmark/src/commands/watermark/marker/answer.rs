//! What a text hides, as JSON and for people.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_watermark::marker::{Authenticity, Bound, Class, Place, Report};

/// How many places are named to people.
const PLACES_TOLD: usize = 3;
/// How many runs are told to people.
const RUNS_TOLD: usize = 10;

/// The account of one text.
#[derive(Serialize)]
pub(super) struct Answer {
    schema: &'static str,
    verb: &'static str,
    file: PathBuf,
    #[serde(flatten)]
    found: Found,
    notes: [&'static str; 3],
    /// Where the text went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) out: Option<PathBuf>,
    /// The text itself, where stdout is its only place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

/// What was found.
#[derive(Serialize)]
pub(super) struct Found {
    /// With keys: whether a mark holds under one. Without: whether anything is hidden.
    #[serde(rename = "marked")]
    pub(super) is_marked: bool,
    /// By which of the two that was judged.
    judged_by: &'static str,
    characters: usize,
    marks: Vec<Mark>,
    manifests: Vec<Manifest>,
    runs: Vec<Run>,
    run_count: usize,
    hidden: BTreeMap<&'static str, usize>,
    kept: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct Mark {
    payload_hex: String,
    payload_text: Option<String>,
    mac: &'static str,
    key: Option<PathBuf>,
    bound: &'static str,
    places: Vec<Where>,
}

#[derive(Serialize)]
struct Manifest {
    #[serde(flatten)]
    place: Where,
    state: &'static str,
    store_bytes: Option<usize>,
}

#[derive(Serialize)]
struct Run {
    #[serde(flatten)]
    place: Where,
    classes: BTreeMap<&'static str, usize>,
}

#[derive(Serialize, Clone, Copy)]
struct Where {
    byte: usize,
    character: usize,
    bytes: usize,
    characters: usize,
}

/// What such marks can and cannot show, in every answer.
const NOTES: [&str; 3] = [
    "any sanitizer removes hidden characters: that none are found proves nothing",
    "a mark whose MAC holds was made by someone with the key; bound to this text, for this text",
    "hidden characters without a MAC can be put there by anyone, and by accident",
];

impl Answer {
    /// The account of a text.
    pub(super) fn of_text(verb: &'static str, file: &Path, found: Found) -> Self {
        let schema = "stillmark/watermark-marker/v1";
        Self { schema, verb, file: file.to_owned(), found, notes: NOTES, out: None, text: None }
    }
}

impl Found {
    /// What a report says, with the files of the keys that it was made with.
    pub(super) fn of(report: &Report, keys: &[PathBuf]) -> Self {
        let readable = report.readable_manifests();
        let marks = report.marks.iter().map(|mark| Mark {
            payload_hex: mark.payload_hex(),
            payload_text: mark.payload_text().map(str::to_owned),
            mac: match mark.authenticity {
                Authenticity::Untested => "untested",
                Authenticity::Fails => "fails",
                Authenticity::Holds { .. } => "holds",
            },
            key: match mark.authenticity {
                Authenticity::Holds { key } => keys.get(key).cloned(),
                _ => None,
            },
            bound: bound(mark.bound),
            places: mark.places.iter().copied().map(Where::of).collect(),
        });
        let manifests = report.manifests.iter().map(|manifest| Manifest {
            place: Where::of(manifest.place),
            state: match manifest.store_bytes {
                None => "damaged",
                Some(_) if 1 < readable => "one-of-several",
                Some(_) if !manifest.is_jumbf => "not-jumbf",
                Some(_) => "readable",
            },
            store_bytes: manifest.store_bytes,
        });
        let runs = report.runs.iter();
        let (is_marked, judged_by) =
            if keys.is_empty() { (report.is_marked(), "anything-hidden") } else { (report.holds(), "key") };
        Self {
            is_marked,
            judged_by,
            characters: report.characters,
            marks: marks.collect(),
            manifests: manifests.collect(),
            runs: runs.map(|run| Run { place: Where::of(run.place), classes: named(&run.classes) }).collect(),
            run_count: report.run_count,
            hidden: named(&report.hidden),
            kept: named(&report.kept),
        }
    }
}

impl Where {
    fn of(place: Place) -> Self {
        let Place { byte, character, bytes, characters } = place;
        Self { byte, character, bytes, characters }
    }
}

fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Free => "none",
        Bound::Unknown => "unknown",
        Bound::ThisText => "this-text",
        Bound::AnotherText => "another-text",
    }
}

fn named(classes: &BTreeMap<Class, usize>) -> BTreeMap<&'static str, usize> {
    classes.iter().map(|(class, count)| (class.as_str(), *count)).collect()
}

/// An account for people: a table of what was found, then what it shows.
pub(super) fn told(answer: &Answer) -> String {
    let found = &answer.found;
    let verdict = if found.is_marked { "marked" } else { "not marked" };
    let judged = if found.judged_by == "key" { "by a key given" } else { "anything hidden counts" };
    let mut lines =
        vec![format!("{verdict} ({judged}): {}, {} characters", answer.file.display(), found.characters)];
    lines.extend(found.marks.iter().map(mark_told));
    lines.extend(found.manifests.iter().map(|manifest| {
        let size = manifest.store_bytes.map_or(String::new(), |bytes| format!(", {bytes} bytes"));
        format!("  manifest {}{size}, at {}", manifest.state, place_told(manifest.place))
    }));
    for run in found.runs.iter().take(RUNS_TOLD) {
        lines.push(format!("  run      {}, at {}", counts_told(&run.classes), place_told(run.place)));
    }
    if RUNS_TOLD < found.run_count {
        lines.push(format!("  run      … {} more", found.run_count - RUNS_TOLD));
    }
    if !found.hidden.is_empty() {
        lines.push(format!("  hidden   {}", counts_told(&found.hidden)));
    }
    if !found.kept.is_empty() {
        lines.push(format!(
            "  wanted   {} (by emoji, scripts or words: not hidden)",
            counts_told(&found.kept)
        ));
    }
    if let Some(out) = &answer.out {
        lines.push(format!("  written  {}", out.display()));
    }
    lines.extend(answer.notes.iter().map(|note| format!("  note     {note}")));
    lines.join("\n")
}

fn mark_told(mark: &Mark) -> String {
    let payload = mark.payload_text.as_ref().map_or(mark.payload_hex.clone(), |text| format!("`{text}`"));
    let mac = match (&mark.key, mark.mac) {
        (Some(key), _) => format!("MAC holds under {}", key.display()),
        (None, "fails") => "MAC fails under the keys given".to_owned(),
        _ => "MAC untested without its key".to_owned(),
    };
    let bound = match mark.bound {
        "none" => "bound to no text",
        "this-text" => "bound to this text",
        "another-text" => "bound to another text, or to this one before it was changed",
        _ => "bound to a text that only its key can tell",
    };
    let mut places: Vec<String> =
        mark.places.iter().take(PLACES_TOLD).map(|place| place_told(*place)).collect();
    if PLACES_TOLD < mark.places.len() {
        places.push(format!("{} more", mark.places.len() - PLACES_TOLD));
    }
    format!(
        "  mark     {payload}, {mac}, {bound}\n           {} times: {}",
        mark.places.len(),
        places.join("; ")
    )
}

fn place_told(place: Where) -> String {
    format!("byte {} (character {})", place.byte, place.character)
}

fn counts_told(counts: &BTreeMap<&'static str, usize>) -> String {
    counts.iter().map(|(class, count)| format!("{count} {class}")).collect::<Vec<_>>().join(", ")
}
