//! Corpora as they come: JSON Lines, plain text, rows of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::field::{self, Fault, Held};
use super::index::{GramLength, Index};
use super::place;
use super::scanner::{Scanner, Sighting};
use crate::Error;

/// Where in a corpus something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file, counted from 0.
    pub file: u32,
    /// The line, or the row of a table, from 1.
    pub line: u64,
    /// The byte of the file (unpacked, where it is packed), or of the row's text, from 0.
    pub byte: u64,
}

/// How often each run was found, and where first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// By the number of the run.
    pub(super) runs: BTreeMap<u32, (u64, Place)>,
    /// Documents searched.
    pub documents: u64,
    /// Bytes of text searched, as they stood there.
    pub text_bytes: u64,
}

impl Tally {
    /// Adds what another search found; the order does not matter.
    pub fn absorb(&mut self, other: Self) {
        self.documents += other.documents;
        self.text_bytes += other.text_bytes;
        for (number, (count, first)) in other.runs {
            let entry = self.runs.entry(number).or_insert((0, first));
            *entry = (entry.0 + count, entry.1.min(first));
        }
    }
}

/// Text that runs not yet whole may begin in.
#[derive(Debug, Default)]
struct Recent {
    bytes: Vec<u8>,
    /// The words of the document before it.
    words_before: u64,
}

/// How much of a plain text is kept at least.
const KEPT_BYTES: usize = 4 << 10;

/// How many line ends some bytes hold.
pub fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Reads one file of a corpus after another and searches it.
#[derive(Debug)]
pub struct Reader<'a> {
    scanner: Scanner<'a>,
    field: &'a str,
    /// Where the next byte lies.
    at: Place,
    /// The end of the plain text so far; it begins at that place.
    recent: Recent,
    tally: Tally,
    firsts: BTreeMap<u32, Place>,
}

impl<'a> Reader<'a> {
    /// Searches for what an index holds, in that field of JSON objects.
    pub fn new(index: &'a Index, field: &'a str) -> Self {
        let at = Place { file: 0, line: 1, byte: 0 };
        Self {
            scanner: Scanner::new(index),
            field,
            at,
            recent: Recent::default(),
            tally: Tally::default(),
            firsts: BTreeMap::new(),
        }
    }

    /// Goes to a place; what was read before is a document that has ended.
    pub fn go_to(&mut self, place: Place) {
        self.at = place;
    }

    /// Searches whole lines, a JSON object each, every one a document; empty lines are passed over.
    pub fn json_lines(&mut self, lines: &[u8]) -> Result<(), Error> {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', lines).chain([lines.len()]) {
            let line = &lines[start..end];
            if !line.trim_ascii().is_empty() {
                self.json_line(line)?;
            }
            let behind = (end + 1).min(lines.len());
            self.at.byte += (behind - start) as u64;
            self.at.line += u64::from(end < lines.len());
            start = behind;
        }
        Ok(())
    }

    fn json_line(&mut self, line: &[u8]) -> Result<(), Error> {
        let Some(inner) = self.text_of(line)? else { return Ok(()) };
        self.scanner.json(inner);
        self.tally.documents += 1;
        self.tally.text_bytes += inner.len() as u64;
        let sightings = self.scanner.end_document();
        if !sightings.is_empty() {
            let offset = inner.as_ptr() as usize - line.as_ptr() as usize;
            let start = Place { byte: self.at.byte + offset as u64, ..self.at };
            self.note(&sightings, |wanted| {
                let bytes = place::in_json(inner, wanted);
                bytes.into_iter().map(|byte| Place { byte: start.byte + byte as u64, ..start }).collect()
            });
        }
        Ok(())
    }

    /// The text of a line's document, as JSON spells it; none where it is `null`.
    fn text_of<'l>(&self, line: &'l [u8]) -> Result<Option<&'l str>, Error> {
        let malformed = |problem: String| Error::Malformed {
            format: "JSON Lines",
            at: format!("line {}", self.at.line),
            problem,
        };
        let line = std::str::from_utf8(line).map_err(|_| malformed("it is not text in UTF-8".to_owned()))?;
        match field::find(line, self.field) {
            Ok(Some(Held::Text(inner))) => Ok(Some(inner)),
            Ok(Some(Held::Null)) => Ok(None),
            Ok(Some(Held::Other)) => Err(malformed(format!("the field `{}` is no text", self.field))),
            Ok(None) => Err(malformed(format!("there is no field `{}`", self.field))),
            Err(Fault::Twice) => Err(malformed(format!("the field `{}` stands there twice", self.field))),
            Err(Fault::Json(problem, at)) => {
                Err(malformed(format!("no JSON object with text: {problem} (byte {})", at + 1)))
            }
        }
    }

    /// Searches more of a plain text, which is one document. Pieces must end behind white space, or where the text ends.
    pub fn text(&mut self, piece: &[u8]) {
        self.scanner.text(piece);
        let words = self.scanner.words();
        let sightings = self.scanner.sightings();
        self.tally.text_bytes += piece.len() as u64;
        self.recent.bytes.extend_from_slice(piece);
        self.locate(&sightings);
        self.forget(words);
    }

    /// Ends a plain text.
    pub fn end_text(&mut self) {
        let sightings = self.scanner.end_document();
        self.locate(&sightings);
        let recent = std::mem::take(&mut self.recent.bytes);
        self.at.line += memchr::memchr_iter(b'\n', &recent).count() as u64;
        self.at.byte += recent.len() as u64;
        self.recent.words_before = 0;
        self.tally.documents += 1;
    }

    /// Finds what was sighted in the recent text, which begins where the next byte is said to lie.
    fn locate(&mut self, sightings: &[Sighting]) {
        let (start, recent) = (self.at, std::mem::take(&mut self.recent));
        self.note(sightings, |wanted| {
            let mut lines = (0, start.line);
            let place = |byte: usize| {
                lines.1 += memchr::memchr_iter(b'\n', &recent.bytes[lines.0..byte]).count() as u64;
                lines.0 = byte;
                Place { line: lines.1, byte: start.byte + byte as u64, ..start }
            };
            place::in_text(&recent.bytes, recent.words_before, wanted).into_iter().map(place).collect()
        });
        self.recent = recent;
    }

    /// Keeps of the recent text what runs that go on in the next piece may begin in.
    fn forget(&mut self, words: u64) {
        let recent = &mut self.recent.bytes;
        let mut length = KEPT_BYTES;
        while length < recent.len() {
            let from = recent.len() - length;
            let space = recent[from..].iter().position(u8::is_ascii_whitespace);
            let cut = space.map_or(recent.len(), |at| from + at + 1);
            let ended = place::ended(&recent[cut..]);
            if ended as usize >= GramLength::MOST {
                self.at.line += memchr::memchr_iter(b'\n', &recent[..cut]).count() as u64;
                self.at.byte += cut as u64;
                self.recent.words_before = words - ended;
                recent.drain(..cut);
                return;
            }
            length *= 2;
        }
    }

    /// Searches a text that is a document of its own: a row of a table.
    pub fn row(&mut self, text: &[u8]) {
        self.scanner.text(text);
        let sightings = self.scanner.end_document();
        let start = self.at;
        self.note(&sightings, |wanted| {
            let bytes = place::in_text(text, 0, wanted);
            bytes.into_iter().map(|byte| Place { byte: byte as u64, ..start }).collect()
        });
        self.tally.documents += 1;
        self.tally.text_bytes += text.len() as u64;
        self.at.line += 1;
    }

    /// Notes where runs were first seen.
    fn note(&mut self, sightings: &[Sighting], locate: impl FnOnce(&[u64]) -> Vec<Place>) {
        if sightings.is_empty() {
            return;
        }
        let mut wanted: Vec<u64> = sightings.iter().map(|sighting| sighting.word).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let places = locate(&wanted);
        for sighting in sightings {
            let at = wanted.binary_search(&sighting.word).unwrap_or(0);
            if let Some(&place) = places.get(at) {
                self.firsts.entry(sighting.number).or_insert(place);
            }
        }
    }

    /// What was found since this was last called.
    pub fn take(&mut self) -> Tally {
        let (counts, firsts) = (self.scanner.take(), std::mem::take(&mut self.firsts));
        let mut tally = std::mem::take(&mut self.tally);
        let first = |number: u32| firsts.get(&number).copied().unwrap_or(self.at);
        tally.runs =
            counts.into_iter().map(|(number, count)| (number, (u64::from(count), first(number)))).collect();
        tally
    }
}
