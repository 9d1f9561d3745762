//! Horizontal bars for shares of a whole.

use std::fmt::Write as _;

use crate::markup::{clipped, escaped, last_part};

const WIDTH: f64 = 720.0;
const LABEL: f64 = 200.0;
const VALUE: f64 = 170.0;
const ROW: f64 = 30.0;

/// One bar.
pub(crate) struct Bar {
    /// Its label.
    pub(crate) name: String,
    /// Its length, between 0 and 1.
    pub(crate) part: f64,
    /// What is written at its end.
    pub(crate) value: String,
}

/// Draws bars under each other.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let height = ROW * bars.len() as f64 + 4.0;
    let words: Vec<String> = bars.iter().map(|bar| format!("{}: {}", bar.name, bar.value)).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}: {}\" class=\"bars\">",
        escaped(title),
        escaped(&words.join("; "))
    );
    for (position, bar) in bars.iter().enumerate() {
        let top = ROW * position as f64 + 4.0;
        let width = (WIDTH - LABEL - VALUE) * bar.part.clamp(0.0, 1.0);
        let _ = write!(
            svg,
            "<g><title>{}: {}</title>\
             <text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"track\" x=\"{LABEL}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"20\" rx=\"3\"/>\
             <rect class=\"bar\" x=\"{LABEL}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"20\" rx=\"3\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            escaped(&bar.name),
            escaped(&bar.value),
            LABEL - 10.0,
            top + 15.0,
            escaped(&clipped(last_part(&bar.name), 21)),
            WIDTH - LABEL - VALUE,
            WIDTH - VALUE + 10.0,
            top + 15.0,
            escaped(&bar.value)
        );
    }
    svg.push_str("</svg>");
    svg
}
