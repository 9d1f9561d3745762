//! A spot check joined to the audit of its log.

use stillmark_evidence::audit::{Found, Severity, SpotCheck};

use super::{Class, Part};
use crate::spot_check::judge::{Judged, Verdict};

/// How many items that differ are listed.
const LISTED: usize = 25;

/// An item that did not come out as the log has it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Differing {
    /// Its task.
    pub task: String,
    /// Its number in the task.
    pub item: u64,
    /// The score in the log.
    pub reported: f64,
    /// The score of the re-run.
    pub rerun: f64,
}

/// What a spot check adds to an audit: its outcome, and findings where it is one. `file` names the log.
pub fn spot_check(record: SpotCheck, judged: &Judged, differing: &[Differing], file: &str) -> Part {
    let mut part = Part::default();
    let found = |class: Class, item: Option<&Differing>, detail: String| Found {
        class: class.code().to_owned(),
        severity: Severity::Error,
        file: file.to_owned(),
        line: None,
        doc_id: item.map(|item| item.item.to_string()),
        task: item.map(|item| item.task.clone()),
        detail,
        expected: item.map(|item| item.rerun.to_string()),
        found: item.map(|item| item.reported.to_string()),
    };
    match judged.verdict {
        Verdict::NotReproduced => {
            let one = |item| {
                found(Class::NotReproduced, Some(item), "run again, the item comes out otherwise".to_owned())
            };
            part.findings.extend(differing.iter().take(LISTED).map(one));
            part.left_out = differing.len().saturating_sub(LISTED) as u64;
        }
        Verdict::Inflated => {
            let detail = format!(
                "{} items run again score {:.2} points less on average than the log says (ln p = {:.1})",
                judged.items,
                judged.inflation * 100.0,
                judged.p_inflated.ln()
            );
            part.findings.push(found(Class::Inflated, None, detail));
        }
        Verdict::WithinMargin | Verdict::Inconclusive => {}
    }
    part.spot_check = Some(record);
    part
}
