//! Documents for others, from recorded facts only: what was not recorded says so, and nothing is guessed.
//!
//! [`Facts`] is the one store that every writer reads. The same folder gives the same bytes: dates are the run's,
//! and serial numbers follow from digests.

mod completeness;
mod croissant;
mod cyclonedx;
mod declarations;
mod eu;
mod form;
mod notice;
mod scores;
mod section;
mod spdx;

use stillmark_evidence::Verified;
use stillmark_evidence::documents::{self as stated, ABSENT, Kind, Record, Told};
use stillmark_evidence::verify::FolderFacts;

pub use completeness::Completeness;

/// A family of documents, as `disclose --formats` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The model hub: a card, and scores.
    Hf,
    /// CycloneDX 1.6 and 1.7.
    CycloneDx,
    /// SPDX 3.0.1.
    Spdx,
    /// Croissant 1.1.
    Croissant,
    /// The EU's summary of training content and model documentation form.
    Eu,
}

/// A document that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: String,
}

/// Everything that is recorded of a student, and what is not.
#[derive(Debug)]
pub struct Facts<'a> {
    record: Record<'a>,
    named: stated::Facts,
}

impl Format {
    /// Every format.
    pub const EVERY: [Self; 5] = [Self::Hf, Self::CycloneDx, Self::Spdx, Self::Croissant, Self::Eu];
    /// Their words, as `--formats` takes them.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("hf", Self::Hf),
        ("cyclonedx", Self::CycloneDx),
        ("spdx", Self::Spdx),
        ("croissant", Self::Croissant),
        ("eu", Self::Eu),
    ];

    /// The documents of this format.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Hf => &[Kind::ModelCard, Kind::Scores],
            Self::CycloneDx => &[Kind::CycloneDx16, Kind::CycloneDx17],
            Self::Spdx => &[Kind::Spdx],
            Self::Croissant => &[Kind::Croissant],
            Self::Eu => &[Kind::EuSummary, Kind::DocumentationForm],
        }
    }
}

impl<'a> Facts<'a> {
    /// The facts of a verified folder, where its run, data and model are signed.
    pub fn of(facts: &'a Verified<FolderFacts>) -> Option<Self> {
        let record = facts.record()?;
        let named = stated::facts(&record);
        Some(Self { record, named })
    }

    /// What is recorded, and what is not.
    pub fn completeness(&self) -> Completeness {
        completeness::of(&self.named)
    }

    /// Writes a document; none where there is nothing to write of its kind.
    pub fn write(&self, kind: Kind) -> Option<Document> {
        let text = match kind {
            Kind::ModelCard => stated::render(&Told::of(&self.record)),
            Kind::Scores => scores::write(self)?,
            Kind::CycloneDx16 => cyclonedx::write(self, "1.6"),
            Kind::CycloneDx17 => cyclonedx::write(self, "1.7"),
            Kind::Spdx => spdx::write(self),
            Kind::Croissant => croissant::write(self),
            Kind::EuSummary => eu::write(self),
            Kind::DocumentationForm => form::write(self),
            Kind::Notice => notice::write(self),
        };
        Some(Document { kind, text })
    }

    /// A fact by its name.
    fn get(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    /// A fact by its name, or that it was not recorded.
    fn shown(&self, name: &str) -> &str {
        self.get(name).unwrap_or(ABSENT)
    }

    /// The facts whose names begin so, without that beginning.
    fn family(&self, prefix: &str) -> Vec<(&str, &str)> {
        let of_family =
            self.named.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, &**value)));
        // A teacher `a` has no facts of a teacher `a: b`.
        let is_own = |name: &str| !prefix.ends_with(": ") || !name.contains(": ");
        of_family.filter(|(name, _)| is_own(name)).collect()
    }

    /// When the run ended.
    fn finished(&self) -> Option<&str> {
        self.get("finished")
    }
}

/// A JSON value as the text of a file.
fn pretty(value: &serde_json::Value) -> String {
    // Alternate display is indented JSON, and cannot fail.
    format!("{value:#}\n")
}
