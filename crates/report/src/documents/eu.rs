//! The public summary of training content of the EU's AI Act, Art. 53(1)(d): template C(2025) 8311, sections 1.1 to 3.3.
//!
//! Questions of law are never answered here: what a person must answer says that it was not recorded.

use super::section::{Rows, Section, write as sections};
use super::{ABSENT, Facts, Kind};

const SECTIONS: [Section; 15] = [
    Section { title: "1. General information", rows: &[] },
    Section {
        title: "1.1 Provider",
        rows: &[
            Rows::Named(&["supplier", "contact", "url"]),
            Rows::Asked(&["Authorized representative in the EU"]),
        ],
    },
    Section {
        title: "1.2 Model",
        rows: &[
            Rows::Named(&["student", "version", "released", "download location", "finished"]),
            Rows::Named(&["base", "license", "record"]),
            Rows::Told("Dependencies", dependencies),
        ],
    },
    Section {
        title: "1.3 Modalities, overall size and other characteristics of the training data",
        rows: &[
            Rows::Told("Modality", modality),
            Rows::Named(&["tokens", "rows", "tokenizer"]),
            Rows::Told("Size band of this distillation's text", band),
            Rows::Asked(&["Size band with the base's own training", "Languages", "Latest date of the data"]),
        ],
    },
    Section { title: "2. List of data sources", rows: &[] },
    Section { title: "2.1 Publicly available datasets", rows: &[Rows::Asked(&["Public datasets"])] },
    Section {
        title: "2.2 Private datasets obtained from third parties",
        rows: &[Rows::Asked(&["Commercially licensed datasets", "Other private datasets"])],
    },
    Section {
        title: "2.3 Data crawled and scraped from online sources",
        rows: &[Rows::Asked(&["Crawlers", "Domains crawled"])],
    },
    Section { title: "2.4 User data", rows: &[Rows::Asked(&["Data of users"])] },
    Section {
        title: "2.5 Synthetic data",
        rows: &[Rows::Told("Models whose outputs were used", models), Rows::Family("teacher")],
    },
    Section { title: "2.6 Other sources of data", rows: &[Rows::Family("source")] },
    Section { title: "3. Data processing aspects", rows: &[] },
    Section {
        title: "3.1 Respect of reservation of rights from text and data mining",
        rows: &[
            Rows::Named(&["verdict"]),
            Rows::Asked(&["Signatory of the Code of Practice", "Measures to respect reservations of rights"]),
        ],
    },
    Section {
        title: "3.2 Removal of illegal content",
        rows: &[Rows::Asked(&["Measures to remove illegal content"])],
    },
    Section {
        title: "3.3 Other information",
        rows: &[Rows::Asked(&["Other aspects of the processing of data"])],
    },
];

/// Writes the summary.
pub(super) fn write(facts: &Facts<'_>) -> String {
    format!(
        "# Public summary of training content: {}\n\n\
         Made from the signed record of a distillation. It covers what was trained on here, and not what its base or its\n\
         teachers were trained on. \"{ABSENT}\" means that no record answers: it is neither a yes nor a no, and a person\n\
         must answer it. The verdict under 3.1 is that of the agreement check on the plan; it is no legal advice.\n{}",
        facts.shown("student"),
        sections(facts, Kind::EuSummary, &SECTIONS)
    )
}

fn models(facts: &Facts<'_>) -> String {
    let teachers = facts.record.teachers();
    let names: Vec<&str> = teachers.iter().map(|teacher| teacher.name.as_str()).collect();
    if names.is_empty() { ABSENT.to_owned() } else { names.join(", ") }
}

fn dependencies(facts: &Facts<'_>) -> String {
    format!("weights from {}; outputs from {}", facts.shown("base"), models(facts))
}

/// Records hold token ids of text, and nothing else (docs/spec/records.md).
fn modality(_: &Facts<'_>) -> String {
    "text".to_owned()
}

/// The template's size bands.
fn band(facts: &Facts<'_>) -> String {
    let band = match facts.record.data.predicate.totals.tokens {
        0..1_000_000_000 => "less than 1 billion tokens",
        1_000_000_000..=10_000_000_000_000 => "1 billion to 10 trillion tokens",
        _ => "more than 10 trillion tokens",
    };
    band.to_owned()
}
