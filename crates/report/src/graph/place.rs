//! Where each spot lies: layers side by side, or one below the other where that would be too wide.

use super::Graph;
use super::layers::{Layers, Spot};
use crate::markup::clipped;

/// The size of a box.
pub(super) const BOX: (f64, f64) = (210.0, 52.0);
/// Room around the drawing.
const EDGE: f64 = 12.0;
/// What fits a page beside its margins.
const WIDE: f64 = 1050.0;
/// Between boxes of one layer, and between passing arrows.
const GAP: f64 = 22.0;
/// What a passing arrow takes in its layer.
const LANE: f64 = 14.0;
/// Between layers that lie one below the other.
const BELOW: f64 = 88.0;
/// A character of a label, on average.
const CHARACTER: f64 = 6.6;
/// Characters of a label at most.
pub(super) const LABEL: usize = 28;

/// Which way the arrows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From left to right.
    Right,
    /// From top to bottom.
    Down,
}

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Places {
    /// Which way the arrows go.
    pub(super) way: Way,
    /// The size of the drawing.
    pub(super) size: (f64, f64),
    /// The middle of each spot.
    pub(super) middles: Vec<(f64, f64)>,
}

/// Places every spot.
pub(super) fn places(graph: &Graph, laid: &Layers) -> Places {
    let longest = graph.edges.iter().map(|edge| edge.label.chars().count().min(LABEL)).max().unwrap_or(0);
    let beside = (longest as f64 * CHARACTER + 44.0).max(90.0);
    let count = laid.rows.len() as f64;
    let across = count * BOX.0 + (count - 1.0).max(0.0) * beside + 2.0 * EDGE;
    let (rows, tall) = along(laid, BOX.1);
    let (columns, wide) = along(laid, BOX.0);
    let way = if WIDE < across && wide < across { Way::Down } else { Way::Right };
    let mut middles = vec![(0.0, 0.0); laid.spots.len()];
    for (number, layer) in laid.rows.iter().enumerate() {
        for spot in layer {
            middles[*spot] = match way {
                Way::Right => (EDGE + BOX.0 / 2.0 + number as f64 * (BOX.0 + beside), rows[*spot]),
                Way::Down => (columns[*spot], EDGE + BOX.1 / 2.0 + number as f64 * (BOX.1 + BELOW)),
            };
        }
    }
    let size = match way {
        Way::Right => (across, tall),
        Way::Down => (wide, count * BOX.1 + (count - 1.0).max(0.0) * BELOW + 2.0 * EDGE),
    };
    Places { way, size, middles }
}

/// The middle of each spot along its layer, and how far the layers reach; `size` is that of a box.
fn along(laid: &Layers, size: f64) -> (Vec<f64>, f64) {
    let half = |spot: usize| match laid.spots[spot] {
        Spot::Node(_) => size / 2.0 + GAP / 2.0,
        Spot::Bend(_) => LANE,
    };
    let length = |layer: &Vec<usize>| layer.iter().map(|spot| 2.0 * half(*spot)).sum::<f64>();
    let longest = laid.rows.iter().map(length).fold(0.0, f64::max);
    let mut middles = vec![0.0; laid.spots.len()];
    for layer in &laid.rows {
        let mut at = (longest - length(layer)) / 2.0;
        for spot in layer {
            middles[*spot] = at + half(*spot);
            at += 2.0 * half(*spot);
        }
    }
    for round in 0..8 {
        for layer in &laid.rows {
            let wanted = layer.iter().map(|spot| {
                let [before, after] = &laid.beside[*spot];
                let near: Vec<usize> = match round % 3 {
                    0 if !before.is_empty() => before.clone(),
                    1 if !after.is_empty() => after.clone(),
                    _ => before.iter().chain(after).copied().collect(),
                };
                let sum: f64 = near.iter().map(|other| middles[*other]).sum();
                if near.is_empty() { middles[*spot] } else { sum / near.len() as f64 }
            });
            let halves: Vec<f64> = layer.iter().map(|spot| half(*spot)).collect();
            for (spot, middle) in layer.iter().zip(spread(&wanted.collect::<Vec<_>>(), &halves)) {
                middles[*spot] = middle;
            }
        }
    }
    let ends = || middles.iter().enumerate().map(|(spot, middle)| (middle - half(spot), middle + half(spot)));
    let low = ends().map(|end| end.0).fold(f64::INFINITY, f64::min);
    let high = ends().map(|end| end.1).fold(f64::NEG_INFINITY, f64::max);
    if middles.is_empty() {
        return (middles, size + 2.0 * EDGE);
    }
    // The gap around the outermost boxes is room that the margin already gives.
    let shift = EDGE - low - GAP / 2.0;
    let reach = high - low - GAP + 2.0 * EDGE;
    (middles.iter().map(|middle| middle + shift).collect(), reach.max(size + 2.0 * EDGE))
}

/// The places nearest to those wanted, in the same order and without overlap: neighbors that collide move as one.
fn spread(wanted: &[f64], halves: &[f64]) -> Vec<f64> {
    struct Block {
        first: usize,
        start: f64,
        sum: f64,
        count: f64,
        length: f64,
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (position, (want, half)) in wanted.iter().zip(halves).enumerate() {
        let start = want - half;
        let mut block = Block { first: position, start, sum: start, count: 1.0, length: 2.0 * half };
        while let Some(before) = blocks.pop_if(|before| block.start < before.start + before.length) {
            // Each of the later ones wants the block to begin earlier by what lies before it.
            let sum = before.sum + block.sum - before.length * block.count;
            let count = before.count + block.count;
            let length = before.length + block.length;
            block = Block { first: before.first, start: sum / count, sum, count, length };
        }
        blocks.push(block);
    }
    let mut placed = Vec::with_capacity(wanted.len());
    for (number, block) in blocks.iter().enumerate() {
        let end = blocks.get(number + 1).map_or(wanted.len(), |next| next.first);
        let mut at = block.start;
        for half in &halves[block.first..end] {
            placed.push(at + half);
            at += 2.0 * half;
        }
    }
    placed
}

/// A label as it is drawn, and how long it is.
pub(super) fn label(text: &str) -> (String, f64) {
    let text = clipped(text, LABEL);
    let length = text.chars().count() as f64 * CHARACTER;
    (text, length)
}
