//! Audits and scores for people.

use stillmark_evidence::audit::{Audit, Found, Level, Open, Score, Severity, SpotCheck, Verdict};

/// Findings of one kind that are shown one by one.
const SHOWN: usize = 12;

/// An audit.
pub(super) fn audit(audit: &Audit) -> String {
    let mut lines = vec![headline(audit), String::new()];
    lines.extend(table(&audit.scores));
    lines.extend(audit.spot_check.as_ref().map(spot_check));
    listed("findings", &audit.findings, audit.findings_left_out, &mut lines);
    listed("departures that the log declares", &audit.departures, 0, &mut lines);
    opened("not checked", &audit.not_checked, &mut lines);
    opened("not decidable from any log", &audit.undecidable, &mut lines);
    lines.push(String::new());
    lines.extend(audit.cannot_show.iter().map(|line| format!("  not shown  {line}")));
    lines.join("\n")
}

fn spot_check(check: &SpotCheck) -> String {
    format!(
        "spot check {}: {} of {} items run again, {} differ; the inflation is no more than {:.2} points, {:.0} %",
        check.verdict,
        check.items,
        check.population,
        check.differ,
        check.bound_points,
        check.confidence * 100.0
    )
}

/// Scores that were derived anew.
pub(super) fn rescored(scores: &[Score], disagreements: &[Found], not_checked: &[Open]) -> String {
    let mut lines = table(scores);
    listed("disagreements", disagreements, 0, &mut lines);
    opened("not checked", not_checked, &mut lines);
    lines.join("\n")
}

fn headline(audit: &Audit) -> String {
    let verdict = match audit.verdict {
        Verdict::NothingFound => "nothing-found: all that was checked holds".to_owned(),
        Verdict::Departs => {
            "departs: all that was checked holds; the log itself says where it departs".to_owned()
        }
        Verdict::Altered => {
            let count = audit.findings.len() as u64 + audit.findings_left_out;
            format!("altered: {count} {}", if count == 1 { "finding" } else { "findings" })
        }
        Verdict::Inconclusive => "inconclusive: too little could be checked".to_owned(),
    };
    let level = match audit.assurance {
        Level::L0 => "L0: numbers alone",
        Level::L1 => "L1: a log, held against itself",
        Level::L2 => "L2: a log, and items that were run again",
        Level::L3 => "L3: a log, items that were run again, receipts and a registration",
    };
    format!("{verdict}\nassurance {level}")
}

fn table(scores: &[Score]) -> Vec<String> {
    let width = scores.iter().map(|score| score.task.len()).max().unwrap_or_default().clamp(4, 44);
    let mut lines = vec![format!(
        "{:<width$} {:<12} {:<18} {:>7} {:>10} {:>10}  95 %",
        "task", "metric", "filter", "n", "claimed", "recomputed"
    )];
    for score in scores {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.6}"));
        let interval =
            score.interval.map_or_else(|| "-".to_owned(), |[low, high]| format!("{low:.4} to {high:.4}"));
        let filter = match &score.aggregation {
            Some(aggregation) => format!("{} ({aggregation})", score.filter),
            None => score.filter.clone(),
        };
        lines.push(format!(
            "{:<width$} {:<12} {:<18} {:>7} {:>10} {:>10}  {interval}",
            score.task,
            score.metric,
            filter,
            score.n,
            number(score.claimed),
            number(score.recomputed)
        ));
    }
    lines
}

fn listed(title: &str, findings: &[Found], left_out: u64, lines: &mut Vec<String>) {
    if findings.is_empty() {
        return;
    }
    lines.extend([String::new(), title.to_owned()]);
    for found in findings.iter().take(SHOWN) {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let line = found.line.map_or_else(String::new, |line| format!(":{line}"));
        let item = found.doc_id.as_ref().map_or_else(String::new, |id| format!(" item {id}:"));
        lines.push(format!("  {severity} {} {}{line}{item} {}", found.class, found.file, found.detail));
        for (word, text) in [("expected", &found.expected), ("found", &found.found)] {
            lines
                .extend(text.as_ref().map(|text| format!("    {word:<9}{}", crate::problem::one_line(text))));
        }
    }
    let more = findings.len().saturating_sub(SHOWN) as u64 + left_out;
    if more > 0 {
        lines.push(format!("  … {more} more: --format json lists up to 25 of each class a task"));
    }
}

fn opened(title: &str, all: &[Open], lines: &mut Vec<String>) {
    if all.is_empty() {
        return;
    }
    lines.extend([String::new(), title.to_owned()]);
    for open in all.iter().take(SHOWN) {
        let task = open.task.as_ref().map_or_else(String::new, |task| format!(" {task}:"));
        lines.push(format!("  {}{task} {}", open.what, open.why));
    }
    if all.len() > SHOWN {
        lines.push(format!("  … {} more: --format json lists all", all.len() - SHOWN));
    }
}
