//! The answer as people read it.

use super::Told;
use crate::output::of_logarithm;

pub(super) fn told(answer: &Told) -> String {
    let mut lines = Vec::new();
    for claim in &answer.claims {
        let word = serde_json::to_value(claim.verdict).ok();
        let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
        lines.push(format!("{word:<16} {}", claim.text));
        if let (Some(items), Some(share)) = (claim.items, claim.possible_share) {
            let power = if share >= 1.0 { "all" } else { "only some" };
            let of = claim.subset.map(|subset| format!(" of {subset}")).unwrap_or_default();
            lines.push(format!(
                "  {items} items{of}: {power} of the numbers with so many decimals can be written ({:.1} %)",
                share * 100.0
            ));
        }
        for count in &claim.counts {
            let right = if count.least == count.greatest {
                count.least.to_string()
            } else {
                format!("{} to {}", count.least, count.greatest)
            };
            lines.push(if count.rounding == "exact" {
                format!("  {right} right, exactly")
            } else {
                format!("  {right} right, rounded {}", count.rounding)
            });
        }
        if let Some(best) = &claim.best_of {
            lines.push(format!(
                "  the best of {} equal runs is {:.4} too high on average (bound {:.4}; standard error {:.4})",
                best.runs, best.expected_inflation, best.bound, best.standard_error
            ));
        }
        if let Some(parts) = &claim.subjects {
            lines.push(format!(
                "  from the parts: {:.5} to {:.5} of all items, mean {:.5} to {:.5}",
                parts.micro.0, parts.micro.1, parts.macro_.0, parts.macro_.1
            ));
        }
        lines.extend(claim.notes.iter().map(|note| format!("  note      {note}")));
    }
    if let Some(apart) = &answer.apart {
        lines.push(format!(
            "  the two are {:.2} standard errors apart (p = {}, if on different items)",
            apart.z,
            of_logarithm(apart.p.ln())
        ));
    }
    lines.push(format!("  note      {}", answer.cannot_show));
    lines.join("\n")
}
