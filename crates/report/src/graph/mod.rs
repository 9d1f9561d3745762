//! The provenance graph: what was made from what, by which clause.
//!
//! [`svg`] draws a [`Graph`] for a page that has the styles, [`file()`] one that stands alone, [`mermaid()`] one for a README.
//! Beyond some sixty nodes, those that lie farthest from the target are counted and not drawn.

mod collapse;
mod draw;
mod layers;
mod mermaid;
mod place;

pub use draw::{file, svg};
pub use mermaid::mermaid;

/// What was made from what. It may hold anything: what does not fit together is left out of the drawing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// Everything that was used or made.
    pub nodes: Vec<Node>,
    /// What was made from what, between positions of nodes.
    pub edges: Vec<Edge>,
    /// The position of what the graph is about.
    pub target: usize,
}

/// A box of the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// What sort of thing it is, in a word.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What was said of it.
    pub tone: Tone,
    /// The rest of what is known about it: terms and clauses, a line each.
    pub title: String,
}

/// An arrow of the graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    /// What was used.
    pub from: usize,
    /// What was made.
    pub to: usize,
    /// How, and how much.
    pub label: String,
    /// What was said of it.
    pub tone: Tone,
    /// Clauses and duties, a line each.
    pub title: String,
}

/// The color of a verdict, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Nothing was said of it.
    #[default]
    Unjudged,
    /// Permitted.
    Permit,
    /// Permitted, with something to do in return.
    Duties,
    /// A person has to look, or had to.
    Review,
    /// Forbidden.
    Forbid,
}

impl Tone {
    /// The word for it, which is also its class in the drawing.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unjudged => "unjudged",
            Self::Permit => "permit",
            Self::Duties => "permit-with-duties",
            Self::Review => "review",
            Self::Forbid => "forbid",
        }
    }
}

impl Graph {
    /// Each arrow in words, for those who do not see the drawing: names and label, then verdict and clauses.
    pub fn words(&self) -> Vec<(String, String)> {
        let drawn = self.drawn();
        let name = |position: usize| drawn.nodes.get(position).map_or("", |node| node.name.as_str());
        let line = |edge: &Edge| {
            let title = if edge.title.is_empty() { edge.tone.as_str() } else { &edge.title };
            (format!("{} to {} by {}", name(edge.from), name(edge.to), edge.label), title.to_owned())
        };
        drawn.edges.iter().map(line).collect()
    }

    /// The part that is drawn.
    fn drawn(&self) -> Self {
        collapse::collapsed(self)
    }
}
