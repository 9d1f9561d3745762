//! The graph as SVG: every box and arrow can be hovered and focused, and says its clauses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layers::layers;
use super::place::{BOX, Places, Way, label, places};
use super::{Edge, Graph, Node};
use crate::markup::{clipped, escaped, last_part};

/// What a file needs of the page's styles.
const STYLE: &str =
    concat!(include_str!("../../templates/chart.css"), include_str!("../../templates/graph.css"));
/// Characters of a name that fit a box.
const NAME: usize = 25;
/// Where along an arrow its label is tried, the middle first.
const TRIED: [f64; 7] = [0.5, 0.36, 0.64, 0.24, 0.76, 0.14, 0.86];
/// The part of a box's side that arrows between the same two boxes share.
const SIDE: f64 = 0.7;
/// Half the height of a label.
const LABEL_HALF: f64 = 8.0;
/// Below this share of its size a drawing is scrolled, not shrunk.
const LEAST_SCALE: f64 = 0.7;

type Point = (f64, f64);

/// Draws the graph for a page that has the styles.
pub fn svg(graph: &Graph) -> String {
    drawing(graph, "")
}

/// Draws the graph as the content of an SVG file.
pub fn file(graph: &Graph) -> String {
    let svg = drawing(graph, " xmlns=\"http://www.w3.org/2000/svg\"");
    let (opening, rest) = svg.split_at(svg.find('>').map_or(0, |at| at + 1));
    let ground = "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>";
    format!("{opening}<title>Provenance</title><style>{STYLE}</style>{ground}{rest}\n")
}

fn drawing(graph: &Graph, attributes: &str) -> String {
    let graph = graph.drawn();
    let laid = layers(&graph);
    let places = places(&graph, &laid);
    let (width, height) = places.size;
    let shrunk = width * LEAST_SCALE;
    let name = graph.nodes.get(graph.target).map_or("", |node| node.name.as_str());
    let mut svg = format!(
        "<svg{attributes} viewBox=\"0 0 {width:.0} {height:.0}\" role=\"group\" class=\"graph\" \
         style=\"max-width:{width:.0}px;min-width:{shrunk:.0}px\" aria-label=\"Provenance of {}\">",
        escaped(name)
    );
    let mut taken: Vec<(Point, f64)> = Vec::new();
    let mut beside: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for edge in &graph.edges {
        *beside.entry((edge.from, edge.to)).or_default() += 1;
    }
    let mut drawn: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (edge, way) in graph.edges.iter().zip(&laid.ways) {
        let between = (edge.from, edge.to);
        let number = drawn.entry(between).or_default();
        let all = beside.get(&between).copied().unwrap_or(1);
        let shift = (*number as f64 - (all as f64 - 1.0) / 2.0) / all as f64;
        *number += 1;
        let pieces = pieces(way, shift, &places);
        arrow(&mut svg, &graph, edge, &pieces, places.way);
        let (text, length) = label(&edge.label);
        let at = free(&pieces, length, &places.middles[..graph.nodes.len()], &taken);
        taken.push((at, length));
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            at.0,
            at.1 + 4.0,
            escaped(&text)
        );
    }
    for (position, (node, middle)) in graph.nodes.iter().zip(&places.middles).enumerate() {
        boxed(&mut svg, node, *middle, if position == graph.target { " target" } else { "" });
    }
    svg.push_str("</svg>");
    svg
}

/// One curve of an arrow: both ends, and how far each is pulled in the arrows' way.
#[derive(Clone, Copy)]
struct Piece {
    from: Point,
    to: Point,
    pulls: (Point, Point),
}

impl Piece {
    fn at(&self, t: f64) -> Point {
        let mix = |a: f64, b: f64, c: f64, d: f64| {
            let s = 1.0 - t;
            s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
        };
        let (first, second) = self.pulls;
        (mix(self.from.0, first.0, second.0, self.to.0), mix(self.from.1, first.1, second.1, self.to.1))
    }
}

/// The curves of an arrow, from box to box, past the layers between. Arrows between the same two boxes lie beside
/// each other: `shift` is how far from the middle, in parts of a box's side.
fn pieces(way: &[usize], shift: f64, places: &Places) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let aside = match places.way {
        Way::Right => (0.0, shift * BOX.1 * SIDE),
        Way::Down => (shift * BOX.0 * SIDE, 0.0),
    };
    for pair in way.windows(2) {
        let ends = [pair[0], pair[1]].map(|spot| places.middles[spot]);
        let ends = ends.map(|end| (end.0 + aside.0, end.1 + aside.1));
        let (before, after) = (ends[0], ends[1]);
        let piece = match places.way {
            Way::Right => {
                let side = BOX.0 / 2.0 * (after.0 - before.0).signum();
                let (from, to) = ((before.0 + side, before.1), (after.0 - side, after.1));
                let bend = (to.0 - from.0) / 2.0;
                Piece { from, to, pulls: ((from.0 + bend, from.1), (to.0 - bend, to.1)) }
            }
            Way::Down => {
                let side = BOX.1 / 2.0 * (after.1 - before.1).signum();
                let (from, to) = ((before.0, before.1 + side), (after.0, after.1 - side));
                let bend = (to.1 - from.1) / 2.0;
                Piece { from, to, pulls: ((from.0, from.1 + bend), (to.0, to.1 - bend)) }
            }
        };
        pieces.push(piece);
    }
    pieces
}

/// Opens the group of an arrow and draws its line and head.
fn arrow(svg: &mut String, graph: &Graph, edge: &Edge, pieces: &[Piece], way: Way) {
    let named = |position: usize| graph.nodes.get(position).map_or("", |node| node.name.as_str());
    let words = format!("{} to {} by {}", named(edge.from), named(edge.to), edge.label);
    let said = if edge.title.is_empty() { edge.tone.as_str() } else { &edge.title };
    let _ = write!(svg, "{}<path d=\"", opening("arrow", edge.tone.as_str(), &words, said));
    for (number, piece) in pieces.iter().enumerate() {
        let (first, second) = piece.pulls;
        let word = if number == 0 { 'M' } else { 'L' };
        let _ = write!(
            svg,
            "{word}{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            piece.from.0, piece.from.1, first.0, first.1, second.0, second.1, piece.to.0, piece.to.1
        );
    }
    svg.push_str("\"/>");
    if let Some(last) = pieces.last() {
        let (x, y) = last.to;
        let back = match way {
            Way::Right => (9.0 * (last.to.0 - last.from.0).signum(), 0.0),
            Way::Down => (0.0, 9.0 * (last.to.1 - last.from.1).signum()),
        };
        let across = (back.1 * 5.0 / 9.0, back.0 * 5.0 / 9.0);
        let _ = write!(
            svg,
            "<polygon points=\"{x:.1},{y:.1} {:.1},{:.1} {:.1},{:.1}\"/>",
            x - back.0 - across.0,
            y - back.1 - across.1,
            x - back.0 + across.0,
            y - back.1 + across.1
        );
    }
}

fn boxed(svg: &mut String, node: &Node, middle: Point, target: &str) {
    let (x, y) = (middle.0 - BOX.0 / 2.0, middle.1 - BOX.1 / 2.0);
    let words = format!("{} {}", node.kind, node.name);
    let said = if node.title.is_empty() { node.tone.as_str() } else { &node.title };
    let _ = write!(
        svg,
        "{}<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{}\" height=\"{}\" rx=\"7\"/>\
         <text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
         <text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        opening(&format!("node{target}"), node.tone.as_str(), &words, said),
        BOX.0,
        BOX.1,
        x + 12.0,
        y + 20.0,
        escaped(&clipped(&node.kind, NAME)),
        x + 12.0,
        y + 39.0,
        escaped(&clipped(last_part(&node.name), NAME))
    );
}

/// A group that can be focused, with what is said of it for the eye and for the ear.
fn opening(class: &str, tone: &str, words: &str, said: &str) -> String {
    let (words, said) = (escaped(words), said.lines().map(escaped).collect::<Vec<_>>().join("\n"));
    format!(
        "<g class=\"{class} {tone}\" tabindex=\"0\" role=\"img\" aria-label=\"{words}: {said}\">\
         <title>{words}\n{said}</title>"
    )
}

/// Where a label meets neither a box nor another label, or else the middle of the first curve.
fn free(pieces: &[Piece], length: f64, boxes: &[Point], taken: &[(Point, f64)]) -> Point {
    let Some(first) = pieces.first() else { return (0.0, 0.0) };
    let clear = |at: &Point| {
        let meets = |other: &Point, half: (f64, f64)| {
            (at.0 - other.0).abs() < length / 2.0 + half.0 && (at.1 - other.1).abs() < LABEL_HALF + half.1
        };
        !boxes.iter().any(|middle| meets(middle, (BOX.0 / 2.0, BOX.1 / 2.0)))
            && !taken.iter().any(|(other, length)| meets(other, (length / 2.0 + 4.0, LABEL_HALF)))
    };
    let tried = pieces.iter().flat_map(|piece| TRIED.iter().map(|t| piece.at(*t)));
    tried.into_iter().find(clear).unwrap_or_else(|| first.at(0.5))
}
