//! The table, as Markdown.

use std::fmt::Write as _;

use crate::attack::cases;
use crate::results::Results;
use crate::schemes::ALL;

/// What part of the texts is found, and the median of log₁₀ p: a row an attack, a column a scheme.
pub(crate) fn detection(results: &Results) -> String {
    let mut table = head("attack");
    for case in cases() {
        let _ = write!(table, "| {} |", case.title());
        for entry in ALL {
            match results.cell(entry.name, case.name, case.strength).filter(|cell| cell.texts > 0) {
                Some(cell) => {
                    let share = 100.0 * cell.detected as f64 / cell.texts as f64;
                    let _ =
                        write!(table, " {share:.0} % ({:.1}) |", cell.median_ln_p / std::f64::consts::LN_10);
                }
                None => table.push_str(" - |"),
            }
        }
        table.push('\n');
    }
    table.push_str("| *texts* |");
    for entry in ALL {
        let cell = results.cell(entry.name, "re-tokenization alone", 0.0);
        let _ = write!(table, " {} |", cell.map_or(0, |cell| cell.texts));
    }
    table.push('\n');
    table
}

/// Where the marked stretch is found inside unmarked text.
pub(crate) fn stretches(results: &Results) -> String {
    let mut table = head("unmarked");
    for case in cases() {
        let row: Vec<_> = ALL
            .iter()
            .map(|entry| results.cell(entry.name, case.name, case.strength))
            .map(|cell| cell.and_then(|cell| cell.stretch.map(|found| (found, cell.texts))))
            .collect();
        if row.iter().all(Option::is_none) {
            continue;
        }
        let _ = write!(table, "| {} |", case.title());
        for found in row {
            match found {
                Some((found, texts)) => {
                    let share = 100.0 * found.detected as f64 / texts.max(1) as f64;
                    let _ = write!(table, " {share:.0} % ({:.2}) |", found.median_overlap);
                }
                None => table.push_str(" - |"),
            }
        }
        table.push('\n');
    }
    table
}

/// What the rewritten texts have of the originals.
pub(crate) fn rewritten(results: &Results) -> String {
    let mut table =
        String::from("| scheme | texts | words kept | runs of five words kept |\n|---|---|---|---|\n");
    for cell in &results.cells {
        if let Some(kept) = cell.kept {
            let (words, fives) = (100.0 * kept.words, 100.0 * kept.fives);
            let _ = writeln!(table, "| {} | {} | {words:.0} % | {fives:.0} % |", cell.scheme, cell.texts);
        }
    }
    table
}

fn head(first: &str) -> String {
    let names: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
    format!("| {first} | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(ALL.len()))
}
