//! The graph as a Mermaid flowchart, which READMEs draw.

use std::fmt::Write as _;

use super::{Graph, Tone};
use crate::markup::clipped;

/// Characters of a name, as many as a reader takes in.
const NAME: usize = 48;
/// Each tone with a color that can be read on light and on dark ground.
const STYLES: [(Tone, &str); 5] = [
    (Tone::Unjudged, "stroke:#7d8590"),
    (Tone::Permit, "stroke:#1a9d6c,stroke-width:2px"),
    (Tone::Duties, "stroke:#1a9d6c,stroke-width:2px"),
    (Tone::Review, "stroke:#b87900,stroke-width:2px,stroke-dasharray:6 4"),
    (Tone::Forbid, "stroke:#e0443a,stroke-width:4px"),
];

/// Writes the graph as Mermaid; the text holds nothing that Mermaid would read as its own.
pub fn mermaid(graph: &Graph) -> String {
    let graph = graph.drawn();
    let mut text = "flowchart LR\n".to_owned();
    for (position, node) in graph.nodes.iter().enumerate() {
        let (kind, name) = (quoted(&node.kind), quoted(&clipped(&node.name, NAME)));
        let _ = writeln!(text, "  n{position}[\"{kind}<br/><b>{name}</b>\"]:::{}", class(node.tone));
    }
    for edge in &graph.edges {
        let _ = match quoted(&edge.label) {
            label if label.trim().is_empty() => writeln!(text, "  n{} --> n{}", edge.from, edge.to),
            label => writeln!(text, "  n{} -->|\"{label}\"| n{}", edge.from, edge.to),
        };
    }
    for (tone, style) in STYLES {
        if graph.nodes.iter().any(|node| node.tone == tone) {
            let _ = writeln!(text, "  classDef {} {style}", class(tone));
        }
        let with: Vec<String> = graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| edge.tone == tone)
            .map(|(position, _)| position.to_string())
            .collect();
        if !with.is_empty() {
            let _ = writeln!(text, "  linkStyle {} {style}", with.join(","));
        }
    }
    text
}

/// The class of a tone; a word of its own, since Mermaid takes some words, such as `end`, for its own.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Unjudged => "unjudged",
        Tone::Permit => "permit",
        Tone::Duties => "duties",
        Tone::Review => "review",
        Tone::Forbid => "forbid",
    }
}

/// A text between quotes: what is neither letter, digit nor plain punctuation is written by its number.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            control if control.is_control() => out.push(' '),
            plain if plain.is_alphanumeric() || " -_./,:+%…·".contains(plain) => out.push(plain),
            other => {
                let _ = write!(out, "#{};", other as u32);
            }
        }
    }
    out
}
