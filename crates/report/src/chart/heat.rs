//! A field of cells, one a subject, shaded by its score.

use std::fmt::Write as _;

use crate::markup::{clipped, escaped};

const WIDTH: f64 = 960.0;
const COLUMNS: usize = 6;
const HEIGHT: f64 = 46.0;
const GAP: f64 = 4.0;

/// One cell.
pub(crate) struct Cell {
    /// The subject.
    pub(crate) name: String,
    /// Its score, between 0 and 1.
    pub(crate) score: f64,
    /// What is written below its name.
    pub(crate) value: String,
    /// Whether something in it does not hold.
    pub(crate) is_touched: bool,
}

/// Draws the cells in rows; touched ones have a heavy border and a mark, so that color alone says nothing.
pub(crate) fn heat(title: &str, cells: &[Cell]) -> String {
    let rows = cells.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH / COLUMNS as f64, HEIGHT * rows as f64);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\" class=\"heat\">",
        escaped(title)
    );
    for (position, cell) in cells.iter().enumerate() {
        let left = width * (position % COLUMNS) as f64;
        let top = HEIGHT * (position / COLUMNS) as f64;
        let mark = if cell.is_touched { " ▲" } else { "" };
        let _ = write!(
            svg,
            "<g class=\"{}\"><title>{}: {}</title>\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\" style=\"--share:{:.3}\"/>\
             <text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"label\" x=\"{:.1}\" y=\"{:.1}\">{}{mark}</text></g>",
            if cell.is_touched { "touched" } else { "whole" },
            escaped(&cell.name),
            escaped(&cell.value),
            left + GAP / 2.0,
            top + GAP / 2.0,
            width - GAP,
            HEIGHT - GAP,
            cell.score.clamp(0.0, 1.0) * 0.75,
            left + 8.0,
            top + 18.0,
            escaped(&clipped(&cell.name.replace('_', " "), 23)),
            left + 8.0,
            top + 35.0,
            escaped(&cell.value),
        );
    }
    svg.push_str("</svg>");
    svg
}
