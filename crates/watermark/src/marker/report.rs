//! What was found in a text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::alphabet::Class;

/// How many runs of other hidden characters a report lists; the rest is counted.
pub const RUNS_LISTED: usize = 10_000;

/// Where something stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Offset in bytes of UTF-8.
    pub byte: usize,
    /// Offset in characters (code points).
    pub character: usize,
    /// Length in bytes.
    pub bytes: usize,
    /// Length in characters.
    pub characters: usize,
}

/// Whether somebody with one of the keys made a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authenticity {
    /// No key was given to test it with.
    Untested,
    /// It does not hold under any of the keys: forged, damaged, or another's.
    Fails,
    /// It holds under the key at this index.
    Holds {
        /// The index among the keys given.
        key: usize,
    },
}

/// Whether a mark says to which text it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is bound to no text: it can be copied into any.
    Free,
    /// It is bound, and without its key nobody can say to which text.
    Unknown,
    /// It is bound to this very text.
    ThisText,
    /// It is bound to another text, or to this one before it was changed or cut.
    AnotherText,
}

/// A mark of ours, once for all its copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMark {
    /// What it carries.
    pub payload: Vec<u8>,
    /// Whether its code holds.
    pub authenticity: Authenticity,
    /// What it is bound to.
    pub bound: Bound,
    /// Where its copies stand, in order.
    pub places: Vec<Place>,
}

impl FoundMark {
    /// The payload in hexadecimal.
    pub fn payload_hex(&self) -> String {
        self.payload.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The payload as text, where it is text without control or invisible characters.
    pub fn payload_text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.payload).ok()?;
        text.chars().all(|c| !c.is_control() && Class::of(c).is_none()).then_some(text)
    }
}

/// A wrapper of a C2PA text manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundManifest {
    /// Where it stands.
    pub place: Place,
    /// The length of the manifest store; none where the wrapper cannot be read to its end.
    pub store_bytes: Option<usize>,
    /// Whether the store is a JUMBF superbox.
    pub is_jumbf: bool,
}

/// A run of hidden characters that is neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where it stands.
    pub place: Place,
    /// How many characters of each class it has.
    pub classes: BTreeMap<Class, usize>,
}

/// Everything hidden in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The text's length in characters.
    pub characters: usize,
    /// Marks of ours, by the place of their first copy.
    pub marks: Vec<FoundMark>,
    /// Wrappers of C2PA manifests, damaged ones among them.
    pub manifests: Vec<FoundManifest>,
    /// Other runs of hidden characters, up to [`RUNS_LISTED`].
    pub runs: Vec<Run>,
    /// How many other runs there are in all.
    pub run_count: usize,
    /// Hidden characters by class, those of marks and manifests among them.
    pub hidden: BTreeMap<Class, usize>,
    /// Characters of the same classes that stand where their script or an emoji wants them.
    pub kept: BTreeMap<Class, usize>,
}

impl Report {
    /// Whether anything hidden was found.
    pub fn is_marked(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// Whether a mark holds under one of the keys.
    pub fn holds(&self) -> bool {
        self.marks.iter().any(|mark| matches!(mark.authenticity, Authenticity::Holds { .. }))
    }

    /// How many wrappers can be read; more than one is invalid.
    pub fn readable_manifests(&self) -> usize {
        self.manifests.iter().filter(|one| one.store_bytes.is_some()).count()
    }
}
