//! The scores of an evaluation, beside what a scan found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stillmark_benchmark::contamination::gap::{self, Item};
use stillmark_benchmark::log;
use stillmark_evidence::Digest;
use stillmark_evidence::contamination::ContaminationFinding;

use crate::commands::benchmark::logs;
use crate::problem::{Problem, Stop};
use crate::session::Session;

/// Where a test that draws lots begins.
const SEED: u64 = 0;

/// The items that were looked for, by their strict hash: how many words each has, and whether it was found.
pub(super) type Known = BTreeMap<Digest, (usize, bool)>;

/// Judges whether items that were found score higher.
pub(super) fn judge(
    paths: &[PathBuf],
    known: &Known,
    level: f64,
    session: &Session,
) -> Result<ContaminationFinding, Stop> {
    let logs = logs::open(paths)?;
    let files = logs.files();
    let broken = |err: stillmark_benchmark::Error| {
        Problem::from_error(&err)
            .while_doing("a log cannot be read")
            .hint("`--scores` wants the logs of an evaluation with their samples, as `benchmark audit` does")
    };
    let scored = gap::scores(log::read(&files).map_err(broken)?).map_err(broken)?;
    let of = scored.len();
    let items: Vec<Item> = scored
        .into_iter()
        .filter_map(|scored| {
            let (words, is_found) = *known.get(&scored.record)?;
            Some(Item { subject: scored.task, words, score: scored.score, is_found })
        })
        .collect();
    if items.is_empty() {
        return Err(Problem::new(format!(
            "none of the {of} scored items is one of those that were looked for"
        ))
        .hint("give the copy of the benchmark that was evaluated with `--benchmark`")
        .into());
    }
    if items.len() < of {
        let left_out = of - items.len();
        session
            .talk
            .warn(&format!("{left_out} of {of} scored items are none of those looked for, and are left out"));
    }
    Ok(gap::judge(&items, level, SEED))
}
