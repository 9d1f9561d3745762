//! What went wrong, in the words a user reads: the failure, its causes, and what to do next.

use std::error::Error;
use std::io::{self, ErrorKind};

use crate::exit::ExitStatus;

/// Why a command ended before its answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something the user should read.
    Problem(Box<Problem>),
    /// Whoever read our output has gone: nothing is left to say.
    ListenerGone,
}

/// How a command ends.
pub(crate) type Outcome = Result<ExitStatus, Stop>;

/// One failure, ready to be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The exit status it ends the program with.
    pub(crate) status: ExitStatus,
    /// What failed: one sentence, no full stop.
    pub(crate) message: String,
    /// Why, outermost first.
    pub(crate) causes: Vec<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// A failure that could not be carried out (exit code 2).
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { status: ExitStatus::Failed, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// The failure of one of our libraries, with the chain of its sources as causes and the hint of a file's failure among them.
    pub(crate) fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut problem = Self::new(one_line(&error.to_string()));
        let mut next = Some(error);
        while let Some(err) = next {
            let hint = err.downcast_ref().and_then(of_io).map(str::to_owned);
            problem.hint = hint.or(problem.hint);
            next = err.source();
            problem.causes.extend(next.map(|cause| one_line(&cause.to_string())));
        }
        problem
    }

    /// Puts what was being done in front; what was the message becomes the first cause.
    #[must_use]
    pub(crate) fn while_doing(mut self, message: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, inner);
        self
    }

    /// Adds one more cause, innermost last.
    #[must_use]
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(one_line(&cause.into()));
        self
    }

    /// Says what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Ends the program with another status.
    #[must_use]
    pub(crate) fn status(mut self, status: ExitStatus) -> Self {
        self.status = status;
        self
    }

    /// The end of a job that the user interrupted.
    pub(crate) fn interrupted(hint: impl Into<String>) -> Self {
        Self::new("interrupted").status(ExitStatus::Interrupted).hint(hint)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// What to do about a failure of a file, as an error or within one.
pub(crate) fn of_io(err: &io::Error) -> Option<&'static str> {
    Some(match err.kind() {
        ErrorKind::NotFound => "check the path; what a plan names starts from the plan's folder",
        ErrorKind::IsADirectory => "name a file, not a folder",
        ErrorKind::NotADirectory => "a part of that path is a file: name another place",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "nothing may be written there: name another place, or change its permissions"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "make room and run the same command again (with --resume where it takes that): what was done is kept"
        }
        ErrorKind::InvalidData => "it must be text in UTF-8",
        _ => return None,
    })
}

/// A text on one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
