//! Which license a text really is (docs/spec/license-recognition.md).
//!
//! `words` reads a text as the words that count, `fingerprint` holds a known text as hashes of its
//! runs of words, `likeness` compares the two. No license text is in the repository.

mod fingerprint;
mod likeness;
mod shipped;
mod words;

use serde::Serialize;
use stillmark_evidence::Digest;

pub use fingerprint::Fingerprint;

use crate::error::Error;
use likeness::{Compared, compare, told_apart};

/// Dice likeness from which a text counts as a known one.
const ALIKE: f64 = 0.9;
/// Part of a known text's runs from which a longer text counts as holding it whole.
const WHOLE: f64 = 0.97;
/// Runs below which a known text is too short to be found inside another: short ones are quoted everywhere.
const LEAST_RUNS: usize = 400;
/// Candidates are listed down to this likeness; a text that stands inside the other is always listed.
const WORTH_NAMING: f64 = 0.3;
/// The most candidates that are listed.
const MOST_CANDIDATES: usize = 5;

/// Known texts, by which others are recognized.
#[derive(Debug, Clone)]
pub struct Recognizer {
    known: Vec<Fingerprint>,
}

/// How a text stands to the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// The words are the known text's, one by one.
    Exact,
    /// Nearly all runs of words are the known text's; some words differ.
    Alike,
    /// It holds a known text whole, and other text besides.
    Extended,
    /// It is like several known texts, and what tells those apart does not decide.
    Ambiguous,
    /// It is like none of the known texts.
    Unknown,
}

impl Match {
    /// The word as it is spelled in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Alike => "alike",
            Self::Extended => "extended",
            Self::Ambiguous => "ambiguous",
            Self::Unknown => "unknown",
        }
    }

    /// Every word.
    pub const ALL: [Self; 5] = [Self::Exact, Self::Alike, Self::Extended, Self::Ambiguous, Self::Unknown];
}

/// A known text that another resembles.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The id of the terms pack.
    pub id: String,
    /// Twice the shared runs of words, over all runs of both.
    pub likeness: f64,
    /// The part of the known text's runs that the other holds.
    pub held: f64,
    /// Where the known text was read.
    pub source: String,
}

/// What a text was recognized as.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognition {
    /// How it stands to the known texts.
    pub verdict: Match,
    /// The most alike known texts, best first.
    pub candidates: Vec<Candidate>,
    /// The digest of the words that count.
    pub words_sha256: Digest,
}

impl Recognition {
    /// The one known text that it is, exactly, nearly, or with other text besides.
    pub fn id(&self) -> Option<&str> {
        match self.verdict {
            Match::Exact | Match::Alike | Match::Extended => {
                self.candidates.first().map(|best| best.id.as_str())
            }
            Match::Ambiguous | Match::Unknown => None,
        }
    }

    /// Its likeness to one known text; 0 where that is not among the candidates.
    pub fn likeness_to(&self, id: &str) -> f64 {
        self.candidates.iter().find(|candidate| candidate.id == id).map_or(0.0, |found| found.likeness)
    }
}

impl Recognizer {
    /// Reads the fingerprints that come with this crate.
    pub fn shipped() -> Result<Self, Error> {
        Ok(Self::new(shipped::FILES.iter().map(|file| Fingerprint::parse(file)).collect::<Result<_, _>>()?))
    }

    /// Recognizes by these texts.
    pub fn new(known: Vec<Fingerprint>) -> Self {
        Self { known }
    }

    /// Whether a text of the pack has a fingerprint.
    pub fn knows(&self, id: &str) -> bool {
        self.known.iter().any(|known| known.id() == id)
    }

    /// Every fingerprint.
    pub fn known(&self) -> &[Fingerprint] {
        &self.known
    }

    /// Says which known text this one is.
    pub fn recognize(&self, text: &str) -> Recognition {
        let own = Fingerprint::of("", "", text);
        let mut all: Vec<(&Fingerprint, Compared)> =
            self.known.iter().map(|known| (known, compare(&own, known))).collect();
        all.sort_by(|left, right| {
            right.1.likeness.total_cmp(&left.1.likeness).then_with(|| left.0.id().cmp(right.0.id()))
        });
        let mut ids = std::collections::BTreeSet::new();
        all.retain(|(known, _)| ids.insert(known.id().to_owned()));
        let verdict = verdict(&own, &self.known, &mut all);
        let named = all.iter().enumerate().take(MOST_CANDIDATES);
        let candidates = named
            .filter(|(rank, (_, compared))| {
                WORTH_NAMING <= compared.likeness || (*rank == 0 && verdict == Match::Extended)
            })
            .map(|(_, (known, compared))| Candidate {
                id: known.id().to_owned(),
                likeness: compared.likeness,
                held: compared.held,
                source: known.source().to_owned(),
            })
            .collect();
        Recognition { verdict, candidates, words_sha256: own.words_sha256() }
    }
}

/// Judges the likenesses, best first; whatever decides is moved to the front.
fn verdict(own: &Fingerprint, known: &[Fingerprint], all: &mut [(&Fingerprint, Compared)]) -> Match {
    let same = known.iter().find(|known| known.words_sha256() == own.words_sha256());
    if let Some(same) = same.filter(|_| !own.is_empty()) {
        bring_to_front(all, |(known, _)| known.id() == same.id());
        return Match::Exact;
    }
    let Some((best, compared)) = all.first().copied() else { return Match::Unknown };
    if ALIKE <= compared.likeness {
        let rivals = all.iter().skip(1).filter(|(_, rival)| ALIKE - 0.05 <= rival.likeness);
        let clear = rivals.into_iter().all(|(rival, _)| told_apart(own, best, rival));
        return if clear { Match::Alike } else { Match::Ambiguous };
    }
    let holds =
        |(known, compared): &(&Fingerprint, Compared)| LEAST_RUNS <= known.runs() && WHOLE <= compared.held;
    let within: Vec<&Fingerprint> = all.iter().filter(|pair| holds(pair)).map(|(known, _)| *known).collect();
    let Some(most) = within
        .iter()
        .copied()
        .max_by(|left, right| compare(own, left).held.total_cmp(&compare(own, right).held))
    else {
        return Match::Unknown;
    };
    if !within.iter().filter(|rival| rival.id() != most.id()).all(|rival| told_apart(own, most, rival)) {
        return Match::Ambiguous;
    }
    bring_to_front(all, |(known, _)| known.id() == most.id());
    Match::Extended
}

fn bring_to_front<T>(list: &mut [T], wanted: impl FnMut(&T) -> bool) {
    if let Some(position) = list.iter().position(wanted) {
        list[..=position].rotate_right(1);
    }
}
