//! The tables that lm-evaluation-harness prints: `|gsm8k|3|flexible-extract|5|exact_match|↑|0.65|±|0.1094|`.

use super::grain::Scale;
use super::names;
use super::stated::{Stated, metric};
use super::{Printed, Unclear};

/// What a row states; none where a line is no such row. `task` is the task of the rows above, which a row may leave out.
pub(super) fn row(line: &str, task: &mut String) -> Option<Result<Stated, Unclear>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let at = cells.iter().position(|cell| *cell == "±").filter(|at| *at >= 2)?;
    let named = cells[0].trim_start_matches(['-', ' ']);
    if !named.is_empty() {
        *task = named.to_lowercase();
    }
    let is_arrow = |cell: &&str| matches!(*cell, "" | "↑" | "↓");
    let (metric_at, name) =
        cells[..at - 1].iter().copied().enumerate().rev().find(|(_, cell)| !is_arrow(cell))?;
    let Some(value) = Printed::parse(cells[at - 1]) else {
        return Some(Err(Unclear::Number { number: cells[at - 1].to_owned() }));
    };
    let scale = if value.value() > 1.0 { Scale::Percent } else { Scale::Fraction };
    Some(Ok(Stated {
        text: line.trim().to_owned(),
        value: Some(value),
        count: None,
        scale,
        stderr: cells.get(at + 1).and_then(|cell| Printed::parse(cell)),
        named: names::find(task).or_else(|| names::subset_alone(task)),
        metric: metric(&format!("{task} {}", name.to_lowercase())),
        runs: 1,
        shots: metric_at.checked_sub(1).and_then(|before| cells[before].parse().ok()),
    }))
}
