//! The notices that the duties ask for.

use super::section::{Rows, Section, write as sections};
use super::{Facts, Kind};

const SECTIONS: [Section; 5] = [
    Section {
        title: "1. The student",
        rows: &[Rows::Named(&["student", "license", "base", "verdict", "record"])],
    },
    Section { title: "2. Models that it was distilled from", rows: &[Rows::Family("teacher")] },
    Section { title: "3. Duties", rows: &[Rows::Family("duty")] },
    Section { title: "4. Grants of the providers", rows: &[Rows::Family("grant")] },
    Section { title: "5. Reviews that a person accepted", rows: &[Rows::Family("accepted")] },
];

/// Writes the notice.
pub(super) fn write(facts: &Facts<'_>) -> String {
    format!(
        "# NOTICE\n\n\
         What the terms of the models and data behind this student ask for in return, as the agreement check recorded it,\n\
         each with its clause. It is no legal advice, and stands in place of no license's text.\n{}",
        sections(facts, Kind::Notice, &SECTIONS)
    )
}
