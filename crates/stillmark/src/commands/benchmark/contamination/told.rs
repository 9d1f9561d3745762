//! Findings on contamination as text for people, and as exit codes.

use stillmark_evidence::contamination::{CombinedContamination, ContaminationFinding, Power, Seen};

use crate::exit::ExitStatus;
use crate::output::of_logarithm;
use crate::problem::Outcome;
use crate::session::Session;

/// Parts that are shown; JSON has them all.
const SHOWN: usize = 12;

/// Answers with a finding.
pub(in crate::commands::benchmark) fn answer(finding: &ContaminationFinding, session: &Session) -> Outcome {
    session.answer(finding, || human(finding))?;
    Ok(status(finding.verdict))
}

/// The exit code of a verdict.
pub(super) fn status(verdict: Seen) -> ExitStatus {
    match verdict {
        Seen::NoEvidence => ExitStatus::Done,
        Seen::Seen => ExitStatus::Negative,
        Seen::Inconclusive | Seen::Unknown => ExitStatus::Review,
    }
}

/// A finding as text.
pub(super) fn human(finding: &ContaminationFinding) -> String {
    let model = finding.model.as_deref().map_or_else(String::new, |model| format!("   {model}"));
    let mut lines = vec![
        format!("{}   {}{model}", finding.test, finding.verdict.as_str()),
        format!("  p         {}   level {}", p(finding.ln_p), finding.level),
        format!("  valid     {}: {}", finding.valid.kind.as_str(), finding.valid.why),
        format!("  statistic {} {}", number(finding.statistic.value), finding.statistic.name),
        format!("  items     {} in {} comparisons", finding.items, finding.units),
        format!("  power     {}", power(&finding.power)),
    ];
    lines.extend(finding.checks.iter().map(|check| {
        format!(
            "  check     {}: {} ({})",
            check.name,
            if check.holds { "holds" } else { "fails" },
            check.detail
        )
    }));
    for part in finding.parts.iter().take(SHOWN) {
        let left_out = part.left_out.as_deref().map_or_else(String::new, |why| format!("   left out: {why}"));
        lines.push(format!(
            "  part      {:<44} {:>9}   p {}{left_out}",
            part.name,
            number(part.value),
            p(part.ln_p)
        ));
    }
    if finding.parts.len() > SHOWN {
        lines.push(format!("  … {} more: --format json lists all", finding.parts.len() - SHOWN));
    }
    lines.extend(finding.assumptions.iter().map(|line| format!("  assumes   {line}")));
    lines.extend(finding.cannot_show.iter().map(|line| format!("  not shown {line}")));
    lines.join("\n")
}

/// Several tests together.
pub(super) fn combined(all: &CombinedContamination) -> String {
    let mut lines = vec![
        format!("{}   {} tests", all.verdict.as_str(), all.tests.len()),
        format!("  p         {} by Holm   level {}", p(all.ln_p), all.level),
        format!("  e-value   {}", all.ln_e_value.map_or("-".to_owned(), of_logarithm)),
    ];
    for test in &all.tests {
        lines.push(format!(
            "  test      {:<12} alone {:<13} p {:<10} corrected {:<10} {}",
            test.test,
            test.alone.as_str(),
            p(test.ln_p),
            p(test.adjusted_ln_p),
            power(&test.power)
        ));
    }
    lines.extend(all.assumptions.iter().map(|line| format!("  assumes   {line}")));
    lines.extend(all.cannot_show.iter().map(|line| format!("  not shown {line}")));
    lines.join("\n")
}

fn power(power: &Power) -> String {
    match power.least_effect {
        Some(least) => {
            format!(
                "an effect of {least:.3} ({}) is found {} times in 100",
                power.effect,
                power.power * 100.0
            )
        }
        None => "no effect would be found at this size".to_owned(),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

fn p(ln_p: Option<f64>) -> String {
    ln_p.map_or("-".to_owned(), of_logarithm)
}
