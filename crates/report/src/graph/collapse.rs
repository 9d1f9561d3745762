//! Which nodes are drawn where there are too many.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::{Edge, Graph, Node, Tone};
use crate::number::grouped;

/// Nodes that are drawn at most, the one that stands for the rest included.
const MOST_NODES: usize = 60;
/// Edges that are drawn at most; a student may name the same few models a thousand times.
const MOST_EDGES: usize = 240;

/// The sound part of a graph that can be read: the target and what lies nearest to it, and one node for the rest.
pub(super) fn collapsed(graph: &Graph) -> Graph {
    let sound =
        |edge: &&Edge| edge.from < graph.nodes.len() && edge.to < graph.nodes.len() && edge.from != edge.to;
    let edges: Vec<&Edge> = graph.edges.iter().filter(sound).collect();
    let kept = kept(graph, &edges);
    let mut place: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    let mut nodes = Vec::new();
    for (position, node) in graph.nodes.iter().enumerate() {
        if kept[position] {
            place[position] = Some(nodes.len());
            nodes.push(node.clone());
        }
    }
    let mut drawn: Vec<Edge> = edges
        .iter()
        .filter_map(|edge| Some(Edge { from: place[edge.from]?, to: place[edge.to]?, ..(*edge).clone() }))
        .collect();
    if MOST_EDGES < drawn.len() {
        // The strictest stay: nothing forbidden is hidden.
        drawn.sort_by_key(|edge| Reverse(edge.tone));
        drawn.truncate(MOST_EDGES);
    }
    let target = place.get(graph.target).copied().flatten().unwrap_or(0);
    let hidden: Vec<&Node> =
        graph.nodes.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(node, _)| node).collect();
    if !hidden.is_empty() {
        let rest = nodes.len();
        nodes.push(summary(&hidden));
        let mut into: Vec<bool> = vec![false; rest];
        for edge in edges.iter().filter(|edge| place[edge.from].is_none()) {
            if let Some(to) = place[edge.to] {
                into[to] = true;
            }
        }
        let feeding = into.iter().enumerate().filter(|(_, feeds)| **feeds).map(|(to, _)| to);
        let from_rest = |to| Edge { from: rest, to, label: "more".to_owned(), ..Edge::default() };
        drawn.extend(feeding.map(from_rest));
    }
    Graph { nodes, edges: drawn, target }
}

/// Everything, or the target and its nearest ancestors.
fn kept(graph: &Graph, edges: &[&Edge]) -> Vec<bool> {
    let count = graph.nodes.len();
    if count <= MOST_NODES {
        return vec![true; count];
    }
    let mut sources: Vec<Vec<usize>> = vec![Vec::new(); count];
    for edge in edges {
        sources[edge.to].push(edge.from);
    }
    let mut kept = vec![false; count];
    let mut room = MOST_NODES - 1;
    let mut open: VecDeque<usize> = VecDeque::from([graph.target.min(count - 1)]);
    while let Some(node) = open.pop_front() {
        if room == 0 {
            break;
        }
        if !kept[node] {
            kept[node] = true;
            room -= 1;
            open.extend(&sources[node]);
        }
    }
    kept
}

/// The node that stands for those that are not drawn: as dark as the darkest of them.
fn summary(hidden: &[&Node]) -> Node {
    let tones = [Tone::Forbid, Tone::Review, Tone::Duties, Tone::Permit, Tone::Unjudged];
    let count = |tone: Tone| hidden.iter().filter(|node| node.tone == tone).count();
    let lines: Vec<String> = tones
        .into_iter()
        .filter(|tone| count(*tone) > 0)
        .map(|tone| format!("{}: {}", tone.as_str(), grouped(count(tone) as u64)))
        .collect();
    Node {
        kind: "not drawn".to_owned(),
        name: format!("… {} more", grouped(hidden.len() as u64)),
        tone: hidden.iter().map(|node| node.tone).max().unwrap_or_default(),
        title: lines.join("\n"),
    }
}
