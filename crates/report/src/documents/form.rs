//! The model documentation form of the EU's Code of Practice for general-purpose AI, transparency chapter.

use super::section::{Rows, Section, write as sections};
use super::{ABSENT, Facts, Kind};

const SECTIONS: [Section; 10] = [
    Section {
        title: "1. General information",
        rows: &[
            Rows::Named(&["supplier", "contact", "url", "student", "version", "released", "finished"]),
            Rows::Named(&["made by", "base", "base digest"]),
            Rows::Asked(&["Release date in the Union market"]),
        ],
    },
    Section {
        title: "2. Model authenticity",
        rows: &[Rows::Named(&["student digest", "record"]), Rows::Family("weights")],
    },
    Section {
        title: "3. Model properties",
        rows: &[
            Rows::Named(&["architecture", "parameters"]),
            Rows::Asked(&["Modalities of input", "Modalities of output"]),
        ],
    },
    Section {
        title: "4. Methods of distribution and licenses",
        rows: &[Rows::Named(&["download location", "license", "verdict"])],
    },
    Section {
        title: "5. Use",
        rows: &[Rows::Asked(&["Acceptable use policy", "Intended uses", "Systems it may be part of"])],
    },
    Section {
        title: "6. Training process",
        rows: &[
            Rows::Named(&["losses", "learning rate", "steps", "training tokens", "sequence length", "batch"]),
            Rows::Named(&["seed", "threads", "instruction set", "precision", "tokenizer"]),
        ],
    },
    Section {
        title: "7. Information on the data",
        rows: &[
            Rows::Named(&["tokens", "rows"]),
            Rows::Family("teacher"),
            Rows::Asked(&[
                "Data of the base",
                "Measures to detect unsuitable data",
                "Measures to detect biases",
            ]),
        ],
    },
    Section { title: "8. Evaluation", rows: &[Rows::Family("held-out"), Rows::Family("benchmark")] },
    Section {
        title: "9. Computational resources",
        rows: &[Rows::Asked(&["Training time", "Amount of computation", "How it was measured"])],
    },
    Section {
        title: "10. Energy consumption",
        rows: &[Rows::Asked(&["Energy of the training", "Energy of the inference"])],
    },
];

/// Writes the form.
pub(super) fn write(facts: &Facts<'_>) -> String {
    format!(
        "# Model documentation form: {}\n\n\
         Made from the signed record of a distillation. \"{ABSENT}\" is neither a yes nor a no: a person must answer it.\n{}",
        facts.shown("student"),
        sections(facts, Kind::DocumentationForm, &SECTIONS)
    )
}
