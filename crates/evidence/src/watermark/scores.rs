//! The side file of a finding: the score of each token, and how the p-value fell along the text.

use crate::{Error, Finding, FindingKind};
use serde::{Deserialize, Serialize};

use super::path;

/// The most points a curve has: more cannot be told apart.
pub const MOST_CURVE_POINTS: usize = 200;

/// One line of the side file: one text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreLine {
    /// The id of the text, or `pooled`.
    pub id: String,
    /// Scored tokens so far, and the natural logarithm of the p-value over them; tokens increase.
    pub curve: Vec<(u64, f64)>,
    /// The text in pieces, a token each, with the quantile of its score under chance; null where it was not scored.
    pub pieces: Vec<(String, Option<f64>)>,
}

/// The bytes of the side file.
pub fn scores_to_bytes(lines: &[ScoreLine]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for line in lines {
        if let Some(finding) = line.fault(line.id.clone()) {
            return Err(Error::Unsealable(finding));
        }
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Reads the side file.
pub fn parse_scores(bytes: &[u8]) -> Result<Vec<ScoreLine>, Finding> {
    let mut lines = Vec::new();
    for (position, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let place = format!("{}:{}", path::SCORES, position + 1);
        let line: ScoreLine = serde_json::from_slice(line)
            .map_err(|error| Finding::new(FindingKind::Malformed, place.clone(), error.to_string()))?;
        if let Some(finding) = line.fault(place) {
            return Err(finding);
        }
        lines.push(line);
    }
    Ok(lines)
}

impl ScoreLine {
    fn fault(&self, place: String) -> Option<Finding> {
        let is_increasing = self.curve.is_sorted_by(|left, right| left.0 < right.0);
        let is_log_p = |ln_p: f64| ln_p.is_finite() && ln_p <= 0.0;
        let detail = if self.curve.len() > MOST_CURVE_POINTS {
            format!("a curve of more than {MOST_CURVE_POINTS} points")
        } else if !is_increasing || !self.curve.iter().all(|point| is_log_p(point.1)) {
            "a curve whose tokens do not increase, or whose logarithms are not at most 0".to_owned()
        } else if self.pieces.iter().filter_map(|piece| piece.1).any(|score| !(0.0..=1.0).contains(&score)) {
            "a score that is not between 0 and 1".to_owned()
        } else {
            return None;
        };
        Some(Finding::new(FindingKind::Malformed, place, detail))
    }
}
