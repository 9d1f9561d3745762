//! A provenance graph in a file: the suffix says in which form.

use std::path::Path;

use stillmark_report::graph::{Graph, file, mermaid};

use crate::files::{self, Secrecy};
use crate::problem::Problem;

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A drawing.
    Svg,
    /// Text that READMEs draw.
    Mermaid,
}

impl Form {
    /// The form that a file's suffix asks for.
    pub(crate) fn of(path: &Path) -> Result<Self, Problem> {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("mmd") => Ok(Self::Mermaid),
            _ => Err(Problem::new(format!("cannot tell which form {} should have", path.display()))
                .hint("end its name in `.svg` for a drawing, or in `.mmd` for Mermaid")),
        }
    }
}

/// Writes a graph whole.
pub(crate) fn write(graph: &Graph, path: &Path, form: Form) -> Result<(), Problem> {
    let text = match form {
        Form::Svg => file(graph),
        Form::Mermaid => mermaid(graph),
    };
    files::write(path, text.as_bytes(), Secrecy::Public)
}
