//! Why something about a distillation could not be carried out.

use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("could not access `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The plan says something that it must not.
    #[error("plan, line {line}: {detail}")]
    Plan {
        /// Line of the plan, from 1; 0 where no single line is at fault.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A file of prompts or texts is not what it should be.
    #[error("`{}`, line {line}: {detail}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// A file of records is damaged, or not one of ours.
    #[error("records `{}`: {detail}", path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A checkpoint is damaged, or of another run.
    #[error("checkpoint `{}`: {detail}", path.display())]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Training left the rails.
    #[error("training diverged at step {step}: {detail}")]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// What was seen.
        detail: String,
    },
    /// Another run holds the folder.
    #[error("`{}` is in use by another run", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// Two things that must agree do not.
    #[error("{what} does not match: expected {expected}, found {found}")]
    Mismatch {
        /// What was compared.
        what: &'static str,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The student cannot be made as the plan says.
    #[error("student: {detail}")]
    Student {
        /// What is wrong.
        detail: String,
    },
    /// The model's side of the work failed.
    #[error(transparent)]
    Model(#[from] stillmark_model::Error),
    /// The evidence's side of the work failed.
    #[error(transparent)]
    Evidence(#[from] stillmark_evidence::Error),
}

impl Error {
    /// An I/O error with its path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
