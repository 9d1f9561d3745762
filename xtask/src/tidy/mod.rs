//! `cargo xtask tidy`: what the house promises about its own shape, checked.
//!
//! Each rule is one file with one function from the tree to the places that break it. Advice (long
//! files, long functions) is printed and never fails.

mod calibration;
mod graph;
mod lexer;
mod modules;
mod paths;
mod rust;
mod shape;
mod specs;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use std::process::ExitCode;

use crate::shell::{Failure, Workspace, say};
pub(crate) use graph::has_doc_tests;
use tree::Tree;

/// One place that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    /// The file, or the crate.
    pub(crate) place: String,
    /// What is wrong there.
    pub(crate) what: String,
}

impl Breach {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// Runs every rule for the command line.
pub(crate) fn main(workspace: &Workspace) -> Result<ExitCode, Failure> {
    Ok(match check(workspace) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure @ Failure::Missing(_)) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
        Err(failure) => return Err(failure),
    })
}

/// Runs every rule; a breach anywhere is a failure.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let tree = Tree::read(workspace)?;
    for advice in shape::advice(&tree) {
        say(&format!("  advice: {}: {}", advice.place, advice.what));
    }
    let breaches = breaches(workspace, &tree);
    for breach in &breaches {
        say(&format!("  {}: {}", breach.place, breach.what));
    }
    if breaches.is_empty() {
        say(&format!("  tidy: {} files, no breach", tree.files.len()));
        return Ok(());
    }
    Err(Failure::Missing(format!("tidy found {} breach(es)", breaches.len())))
}

fn breaches(workspace: &Workspace, tree: &Tree) -> Vec<Breach> {
    let mut all = graph::breaches(&workspace.metadata);
    all.extend(modules::breaches(tree));
    all.extend(rust::breaches(tree));
    all.extend(specs::breaches(tree));
    all.extend(calibration::breaches(tree));
    all.extend(text::breaches(tree));
    all.extend(shape::breaches(tree));
    all.sort();
    all
}
