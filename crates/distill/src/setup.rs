//! What a run is given.

use std::path::Path;

use stillmark_model::{Checkpoint, Decoder};

use crate::Plan;

/// What a run works with.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The folder that the plan's paths are relative to.
    pub base: &'a Path,
    /// The run folder.
    pub folder: &'a Path,
    /// The model whose tokenizer cuts all text: the embedded teacher, or what stands in for a remote one.
    pub tokens_of: &'a Checkpoint,
    /// The embedded teacher, ready to run.
    pub teacher: Option<&'a Decoder>,
    /// The name that the teacher is published under.
    pub teacher_name: &'a str,
    /// What wrote the records: a program and its version.
    pub tool: &'a str,
}
