//! Watermark answers for people.

use stillmark_evidence::watermark::{Attribution, Mark, TextResult, WatermarkFinding};

/// Texts that are shown one by one.
const SHOWN: usize = 20;

/// A finding.
pub(super) fn finding(finding: &WatermarkFinding) -> String {
    let mut lines = vec![format!("{}   {}", finding.scheme, finding.reference)];
    lines.push(format!(
        "{:<24} {:>8} {:>11} {:>10} {:>10} {:>10}  mark",
        "text", "scored", "statistic", "decoy p", "p", "e-value"
    ));
    lines.extend(finding.texts.iter().take(SHOWN).map(row));
    if finding.texts.len() > SHOWN {
        lines.push(format!("  … {} more: --format json lists all", finding.texts.len() - SHOWN));
    }
    if finding.texts.len() != 1 {
        lines.push(row(&finding.pooled));
    }
    for result in
        finding.results().filter(|result| finding.texts.len() != 1 || result.id != finding.pooled.id)
    {
        if let Some(why) = &result.withheld {
            lines.push(format!("  {}: p is withheld: {why}", result.id));
        }
        if let Some(stretch) = result.stretch {
            lines.push(format!(
                "  {}: most clearly from token {} to {} (p {})",
                result.id,
                stretch.from,
                stretch.to,
                power_of_ten(stretch.ln_p)
            ));
        }
        if result.mark == Mark::Inconclusive
            && let Some(needed) = result.needed.filter(|needed| result.scored < *needed)
        {
            lines.push(format!(
                "  {}: {} scored tokens cannot settle it; of one nat of entropy, {needed} find nine marks in ten",
                result.id, result.scored
            ));
        }
    }
    lines.extend(finding.assumptions.iter().map(|line| format!("  assumes   {line}")));
    lines.extend(finding.cannot_show.iter().map(|line| format!("  not shown {line}")));
    lines.join("\n")
}

fn row(result: &TextResult) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let of_ln = |ln: Option<f64>| ln.map_or("-".to_owned(), power_of_ten);
    format!(
        "{:<24} {:>8} {:>11} {:>10} {:>10} {:>10}  {}",
        shortened(&result.id),
        result.scored,
        number(result.statistic),
        number(result.decoy_p),
        of_ln(result.ln_p),
        of_ln(result.ln_e_value),
        result.mark.words()
    )
}

/// e to a power, as a decimal number that may be far too small or large to be one.
pub(super) fn power_of_ten(ln: f64) -> String {
    let log = ln / std::f64::consts::LN_10;
    if log.abs() < 3.0 {
        return format!("{:.4}", ln.exp());
    }
    let exponent = log.floor();
    format!("{:.1}e{exponent:.0}", 10_f64.powf(log - exponent))
}

fn shortened(id: &str) -> String {
    if id.chars().count() <= 24 {
        return id.to_owned();
    }
    id.chars().take(23).chain(['…']).collect()
}

/// An attribution.
pub(super) fn attribution(attribution: &Attribution) -> String {
    let mut lines = vec![format!("{}   {} keys tried", attribution.scheme, attribution.keys_tried)];
    for text in attribution.texts.iter().take(SHOWN) {
        let whom = text.tenant.as_deref().unwrap_or("-");
        lines.push(format!(
            "{:<24} {:>8} scored  {:<14} {whom}",
            shortened(&text.id),
            text.scored,
            text.verdict.as_str()
        ));
        for candidate in &text.best {
            lines.push(format!(
                "    {:<30} p {:>10}  corrected {:>10}",
                candidate.key_name,
                power_of_ten(candidate.ln_p),
                power_of_ten(candidate.adjusted_ln_p)
            ));
        }
    }
    if attribution.texts.len() > SHOWN {
        lines.push(format!("  … {} more: --format json lists all", attribution.texts.len() - SHOWN));
    }
    lines.extend(attribution.assumptions.iter().map(|line| format!("  assumes   {line}")));
    lines.extend(attribution.cannot_show.iter().map(|line| format!("  not shown {line}")));
    lines.join("\n")
}
