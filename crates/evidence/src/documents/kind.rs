//! The kinds of documents, their files, and which facts each carries.

use super::facts::Facts;

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The proposed model card, with the hub's front matter.
    ModelCard,
    /// Scores in the hub's format.
    Scores,
    /// A CycloneDX 1.6 bill of materials.
    CycloneDx16,
    /// A CycloneDX 1.7 bill of materials.
    CycloneDx17,
    /// An SPDX 3.0.1 document with the AI and Dataset profiles.
    Spdx,
    /// Croissant 1.1 metadata of the records.
    Croissant,
    /// The EU's summary of training content.
    EuSummary,
    /// The EU's model documentation form.
    DocumentationForm,
    /// The notices that the duties ask for.
    Notice,
}

/// What each document but the card and the notice tells of the data.
const DATA: [&str; 6] = ["rows", "tokens", "record", "verdict", "tokenizer", "student"];
/// What only the data's own metadata tells.
const DATA_LICENSE: &str = "data license";
const IDENTITY: [&str; 10] = [
    "student",
    "version",
    "supplier",
    "contact",
    "url",
    "released",
    "download location",
    "finished",
    "base",
    "license",
];
const RECIPE: [&str; 16] = [
    "architecture",
    "parameters",
    "student digest",
    "base digest",
    "losses",
    "learning rate",
    "steps",
    "training tokens",
    "sequence length",
    "batch",
    "seed",
    "threads",
    "instruction set",
    "precision",
    "made by",
    "verdict",
];

impl Kind {
    /// Every kind, in the order in which they are written.
    pub const ALL: [Self; 9] = [
        Self::ModelCard,
        Self::Scores,
        Self::CycloneDx16,
        Self::CycloneDx17,
        Self::Spdx,
        Self::Croissant,
        Self::EuSummary,
        Self::DocumentationForm,
        Self::Notice,
    ];

    /// Its file in the run folder.
    pub fn path(self) -> &'static str {
        match self {
            Self::ModelCard => "disclosure/modelcard.md",
            Self::Scores => "disclosure/eval_results/held-out.yaml",
            Self::CycloneDx16 => "disclosure/cyclonedx-1.6.json",
            Self::CycloneDx17 => "disclosure/cyclonedx-1.7.json",
            Self::Spdx => "disclosure/spdx-3.0.1.json",
            Self::Croissant => "disclosure/croissant.json",
            Self::EuSummary => "disclosure/eu-summary.md",
            Self::DocumentationForm => "disclosure/model-documentation-form.md",
            Self::Notice => "disclosure/NOTICE",
        }
    }

    /// Whether a document of this kind carries the fact of that name, so that leaving it out is a contradiction.
    pub fn carries(self, fact: &str) -> bool {
        let family = fact.split(' ').next().unwrap_or_default();
        let of_teacher = family == "teacher" && fact.contains(": ");
        let of_source = family == "source" && fact.contains(": ");
        match self {
            // The card's sentences and sections are rendered again and compared whole.
            Self::ModelCard => false,
            Self::Scores => family == "held-out" && !fact.ends_with("part"),
            Self::CycloneDx16 | Self::CycloneDx17 | Self::Spdx => true,
            Self::Croissant => {
                of_teacher || of_source || family == "records" || fact == DATA_LICENSE || DATA.contains(&fact)
            }
            Self::EuSummary => of_teacher || of_source || DATA.contains(&fact) || IDENTITY.contains(&fact),
            Self::DocumentationForm => {
                of_teacher
                    || ["weights", "held-out", "benchmark"].contains(&family)
                    || IDENTITY.contains(&fact)
                    || RECIPE.contains(&fact)
                    || DATA.contains(&fact)
            }
            Self::Notice => {
                (of_teacher && (fact.ends_with(": terms") || fact.ends_with(": share")))
                    || ["duty", "accepted", "grant"].contains(&family)
                    || ["student", "license", "base", "verdict", "record"].contains(&fact)
            }
        }
    }

    /// The facts that a document of this kind carries.
    pub fn carried(self, facts: &Facts) -> Facts {
        let carried = facts.iter().filter(|(name, _)| self.carries(name));
        carried.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
