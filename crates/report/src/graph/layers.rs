//! Puts nodes into layers, and orders each so that few arrows cross.

use super::Graph;

/// Rounds of ordering; each goes forth and back.
const ROUNDS: usize = 12;

/// A node, or a place where a long arrow passes a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// The node at that position.
    Node(usize),
    /// The arrow at that position passes.
    Bend(usize),
}

/// Layers from the sources to the target, each in its order.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// Every spot.
    pub(super) spots: Vec<Spot>,
    /// The spots of each layer, in their order.
    pub(super) rows: Vec<Vec<usize>>,
    /// Of each arrow the spots that it goes over, both ends included.
    pub(super) ways: Vec<Vec<usize>>,
    /// Each spot's neighbors in the layer before, and in the layer after.
    pub(super) beside: Vec<[Vec<usize>; 2]>,
}

/// Lays a sound graph out in layers: whatever is used comes before what is made of it, as late as it can.
pub(super) fn layers(graph: &Graph) -> Layers {
    let ranks = ranks(graph);
    let most = ranks.iter().copied().max().unwrap_or(0);
    let mut laid = Layers { rows: vec![Vec::new(); most + 1], ..Layers::default() };
    for (position, rank) in ranks.iter().enumerate() {
        laid.add(Spot::Node(position), *rank);
    }
    for (position, edge) in graph.edges.iter().enumerate() {
        let (from, to) = (ranks[edge.from], ranks[edge.to]);
        let mut way = vec![edge.from];
        let between: Vec<usize> =
            if from < to { (from + 1..to).collect() } else { (to + 1..from).rev().collect() };
        for layer in between {
            way.push(laid.add(Spot::Bend(position), layer));
        }
        way.push(edge.to);
        for pair in way.windows(2) {
            let (first, second) = if from < to { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
            laid.beside[first][1].push(second);
            laid.beside[second][0].push(first);
        }
        laid.ways.push(way);
    }
    laid.order();
    laid
}

/// The layer of each node, from the sources on; arrows that would go round in a circle do not count.
fn ranks(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut made: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut used: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut waiting: Vec<usize> = vec![0; count];
    for edge in &graph.edges {
        made[edge.from].push(edge.to);
        used[edge.to].push(edge.from);
        waiting[edge.from] += 1;
    }
    let mut from_end = vec![0; count];
    let mut done = vec![false; count];
    let mut ready: Vec<usize> = (0..count).filter(|node| waiting[*node] == 0).collect();
    for _ in 0..count {
        // On a circle nobody is ready: the first that is left breaks it.
        let Some(node) = ready.pop().or_else(|| done.iter().position(|done| !done)) else { break };
        done[node] = true;
        from_end[node] = made[node]
            .iter()
            .filter(|to| done[**to] && **to != node)
            .map(|to| from_end[*to] + 1)
            .max()
            .unwrap_or(0);
        for &from in &used[node] {
            waiting[from] = waiting[from].saturating_sub(1);
            if waiting[from] == 0 && !done[from] && !ready.contains(&from) {
                ready.push(from);
            }
        }
    }
    let most = from_end.iter().copied().max().unwrap_or(0);
    from_end.iter().map(|rank| most - rank).collect()
}

impl Layers {
    fn add(&mut self, spot: Spot, layer: usize) -> usize {
        self.spots.push(spot);
        self.beside.push([Vec::new(), Vec::new()]);
        let at = self.spots.len() - 1;
        self.rows[layer].push(at);
        at
    }

    /// Orders each layer by the middle of its neighbors, forth and back, and keeps the order with the fewest crossings.
    fn order(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for round in 0..ROUNDS {
            let layers: Vec<usize> = if round % 2 == 0 {
                (1..self.rows.len()).collect()
            } else {
                (0..self.rows.len().saturating_sub(1)).rev().collect()
            };
            for layer in layers {
                self.order_one(layer, round % 2);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn order_one(&mut self, layer: usize, side: usize) {
        let at = self.positions();
        let mut keyed: Vec<(f64, usize)> = self.rows[layer]
            .iter()
            .map(|spot| {
                let near = &self.beside[*spot][side];
                let sum: usize = near.iter().map(|other| at[*other]).sum();
                let middle = if near.is_empty() { at[*spot] as f64 } else { sum as f64 / near.len() as f64 };
                (middle, *spot)
            })
            .collect();
        keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
        self.rows[layer] = keyed.into_iter().map(|(_, spot)| spot).collect();
    }

    /// Each spot's position in its layer.
    fn positions(&self) -> Vec<usize> {
        let mut at = vec![0; self.spots.len()];
        for layer in &self.rows {
            for (position, spot) in layer.iter().enumerate() {
                at[*spot] = position;
            }
        }
        at
    }

    fn crossings(&self) -> usize {
        let at = self.positions();
        let mut count = 0;
        for layer in &self.rows {
            let mut pairs: Vec<(usize, usize)> = Vec::new();
            for spot in layer {
                pairs.extend(self.beside[*spot][1].iter().map(|other| (at[*spot], at[*other])));
            }
            for (position, left) in pairs.iter().enumerate() {
                let crosses = |right: &&(usize, usize)| {
                    (left.0 < right.0 && right.1 < left.1) || (right.0 < left.0 && left.1 < right.1)
                };
                count += pairs[position + 1..].iter().filter(crosses).count();
            }
        }
        count
    }
}
