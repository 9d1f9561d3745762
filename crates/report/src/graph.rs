//! The provenance graph as SVG: sources on the left, what was made of them to the right.

use std::fmt::Write as _;

use crate::markup::{clipped, escaped, last_part};

const BOX_WIDTH: f64 = 210.0;
const BOX_HEIGHT: f64 = 52.0;
const COLUMN: f64 = 300.0;
const ROW: f64 = 74.0;
const EDGE: f64 = 12.0;

/// A box of the graph.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The column, from the left.
    pub(crate) column: usize,
    /// What sort of thing it is.
    pub(crate) kind: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// The rest of what is known about it, for the hover title.
    pub(crate) title: String,
}

/// An arrow of the graph, between positions of nodes.
#[derive(Debug, Clone)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// How it was used.
    pub(crate) label: String,
    /// A verdict's word, by which it is colored.
    pub(crate) verdict: &'static str,
    /// Terms and clauses, for the hover title.
    pub(crate) title: String,
}

/// Draws the graph.
pub(crate) fn graph(nodes: &[Node], arrows: &[Arrow]) -> String {
    let columns = nodes.iter().map(|node| node.column).max().unwrap_or(0) + 1;
    let in_column = |column: usize| nodes.iter().filter(move |node| node.column == column).count();
    let rows = (0..columns).map(in_column).max().unwrap_or(1).max(1);
    let width = COLUMN * (columns - 1) as f64 + BOX_WIDTH + 2.0 * EDGE;
    let height = ROW * rows as f64 + EDGE;
    let places = places(nodes, height);
    let words: Vec<String> = arrows
        .iter()
        .filter_map(|arrow| Some((nodes.get(arrow.from)?, nodes.get(arrow.to)?, arrow)))
        .map(|(from, to, arrow)| {
            format!("{} to {} by {} ({})", from.name, to.name, arrow.label, arrow.verdict)
        })
        .collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" class=\"graph\" style=\"max-width:{width}px\" \
         aria-label=\"Provenance: {}\">",
        escaped(&words.join("; "))
    );
    for arrow in arrows {
        if let (Some(from), Some(to)) = (places.get(arrow.from), places.get(arrow.to)) {
            draw_arrow(&mut svg, arrow, *from, *to);
        }
    }
    for (node, (x, y)) in nodes.iter().zip(&places) {
        let _ = write!(
            svg,
            "<g class=\"node {}\"><title>{}</title>\
             <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"7\"/>\
             <text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            node.kind,
            escaped(&node.title),
            x + 12.0,
            y + 20.0,
            node.kind,
            x + 12.0,
            y + 39.0,
            escaped(&clipped(last_part(&node.name), 21))
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The upper left corner of each node, each column centered.
fn places(nodes: &[Node], height: f64) -> Vec<(f64, f64)> {
    let mut places = Vec::new();
    for (position, node) in nodes.iter().enumerate() {
        let same = |other: &&Node| other.column == node.column;
        let before = nodes[..position].iter().filter(same).count() as f64;
        let all = nodes.iter().filter(same).count() as f64;
        let top = (height - all * ROW) / 2.0 + (ROW - BOX_HEIGHT) / 2.0;
        places.push((EDGE + COLUMN * node.column as f64, top + before * ROW));
    }
    places
}

fn draw_arrow(svg: &mut String, arrow: &Arrow, from: (f64, f64), to: (f64, f64)) {
    let (x1, y1) = (from.0 + BOX_WIDTH, from.1 + BOX_HEIGHT / 2.0);
    let (x2, y2) = (to.0, to.1 + BOX_HEIGHT / 2.0);
    let bend = (x2 - x1) / 2.0;
    // Beside its source, where arrows that meet at one end are still apart.
    let (label_x, label_y) = (x1 + 28.0, y1 - 6.0);
    let _ = write!(
        svg,
        "<g class=\"arrow {}\"><title>{}</title>\
         <path d=\"M{x1:.1} {y1:.1} C{:.1} {y1:.1} {:.1} {y2:.1} {:.1} {y2:.1}\"/>\
         <polygon points=\"{x2:.1},{y2:.1} {:.1},{:.1} {:.1},{:.1}\"/>\
         <text x=\"{label_x:.1}\" y=\"{label_y:.1}\" text-anchor=\"middle\">{}</text></g>",
        arrow.verdict,
        escaped(&arrow.title),
        x1 + bend,
        x2 - bend,
        x2 - 8.0,
        x2 - 9.0,
        y2 - 5.0,
        x2 - 9.0,
        y2 + 5.0,
        escaped(&clipped(&arrow.label, 14))
    );
}
