//! What went wrong, in the words a user reads: the failure, its causes, and what to do next.

use std::error::Error;

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

    /// The failure of one of our libraries, with the chain of its sources as causes.
    pub(crate) fn from_error(error: &dyn Error) -> Self {
        let mut problem = Self::new(one_line(&error.to_string()));
        let mut source = error.source();
        while let Some(err) = source {
            problem.causes.push(one_line(&err.to_string()));
            source = err.source();
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

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
