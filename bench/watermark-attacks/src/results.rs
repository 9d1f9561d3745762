//! What was measured, as a file beside the page.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::told;

/// All that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    pub(crate) model: String,
    /// Tokens of each text before the attack.
    pub(crate) tokens: usize,
    pub(crate) level: f64,
    pub(crate) decoys: usize,
    pub(crate) cells: Vec<Cell>,
}

/// One scheme under one attack.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cell {
    pub(crate) scheme: String,
    pub(crate) attack: String,
    pub(crate) strength: f64,
    pub(crate) texts: usize,
    /// Texts that are called marked at the level, each for itself.
    pub(crate) detected: usize,
    /// Texts whose analytic p-value the decoys did not admit; their rank stands for it.
    pub(crate) withheld: usize,
    pub(crate) median_ln_p: f64,
    /// Where a stretch was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stretch: Option<Found>,
    /// Where the model rewrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kept: Option<Kept>,
}

/// How well the marked stretch was found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Found {
    /// Texts in which a stretch is called marked at the level.
    pub(crate) detected: usize,
    /// The median over these of what found and true stretch have in common, as a part of what they cover together.
    pub(crate) median_overlap: f64,
}

/// What a rewritten text has of the original.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// The mean share of its distinct words that the original has.
    pub(crate) words: f64,
    /// The mean share of its distinct runs of five words that the original has.
    pub(crate) fives: f64,
}

impl Results {
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Puts the cells in the place of those of their scheme and writes all.
    pub(crate) fn replace(&mut self, cells: Vec<Cell>, file: &Path) -> Result<(), String> {
        let schemes: BTreeSet<&str> = cells.iter().map(|cell| cell.scheme.as_str()).collect();
        self.cells.retain(|cell| !schemes.contains(cell.scheme.as_str()));
        self.cells.extend(cells);
        let text = serde_json::to_string_pretty(self).map_err(told)?;
        std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))
    }

    pub(crate) fn cell(&self, scheme: &str, attack: &str, strength: f64) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.scheme == scheme && cell.attack == attack && cell.strength == strength)
    }
}

/// The share of the distinct runs of so many words of a text that another has.
pub(crate) fn shared(text: &[u32], other: &[u32], run: usize) -> f64 {
    let had: BTreeSet<&[u32]> = other.windows(run).collect();
    let runs: BTreeSet<&[u32]> = text.windows(run).collect();
    let kept = runs.iter().filter(|run| had.contains(*run)).count();
    kept as f64 / runs.len().max(1) as f64
}

/// The median, or 0 of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
