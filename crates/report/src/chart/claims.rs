//! What was claimed, and what follows from the answers, one row a score.

use std::fmt::Write as _;

use crate::markup::{clipped, escaped};

const WIDTH: f64 = 720.0;
const LABEL: f64 = 210.0;
const VALUE: f64 = 190.0;
const ROW: f64 = 28.0;

/// One score between 0 and 1.
pub(crate) struct Claim {
    /// What was scored.
    pub(crate) name: String,
    /// The number that was claimed.
    pub(crate) claimed: Option<f64>,
    /// The number that follows from the answers.
    pub(crate) recomputed: Option<f64>,
    /// The interval around it.
    pub(crate) interval: Option<[f64; 2]>,
    /// What is written at its end.
    pub(crate) value: String,
    /// Whether both numbers are one.
    pub(crate) agrees: bool,
}

/// Draws the scores under each other: a dot for what follows, its interval, and a bar across for what was claimed.
pub(crate) fn claims(title: &str, claims: &[Claim]) -> String {
    let height = ROW * claims.len() as f64 + 4.0;
    let words: Vec<String> = claims.iter().map(|claim| format!("{}: {}", claim.name, claim.value)).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}: {}\" class=\"bars claims\">",
        escaped(title),
        escaped(&words.join("; "))
    );
    for (position, claim) in claims.iter().enumerate() {
        draw(&mut svg, claim, ROW * position as f64 + ROW / 2.0 + 2.0);
    }
    svg.push_str("</svg>");
    svg
}

fn draw(svg: &mut String, claim: &Claim, middle: f64) {
    let across = |part: f64| LABEL + (WIDTH - LABEL - VALUE) * part.clamp(0.0, 1.0);
    let _ = write!(
        svg,
        "<g class=\"{}\"><title>{}: {}</title>\
         <text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <line class=\"grid\" x1=\"{LABEL}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>",
        if claim.agrees { "agrees" } else { "differs" },
        escaped(&claim.name),
        escaped(&claim.value),
        LABEL - 10.0,
        middle + 4.5,
        escaped(&clipped(&claim.name, 24)),
        WIDTH - VALUE,
    );
    if let Some([low, high]) = claim.interval {
        let (low, high) = (across(low), across(high));
        let _ = write!(
            svg,
            "<line class=\"interval\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>"
        );
    }
    if let Some(recomputed) = claim.recomputed {
        let _ = write!(
            svg,
            "<circle class=\"recomputed\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"4.5\"/>",
            across(recomputed)
        );
    }
    if let Some(claimed) = claim.claimed {
        let _ = write!(
            svg,
            "<rect class=\"claimed\" x=\"{:.1}\" y=\"{:.1}\" width=\"3\" height=\"20\"/>",
            across(claimed) - 1.5,
            middle - 10.0
        );
    }
    let _ = write!(
        svg,
        "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        WIDTH - VALUE + 10.0,
        middle + 4.5,
        escaped(&claim.value)
    );
}
