//! The five ways a command ends.

use std::process::ExitCode;

/// How a command ended, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done, passed, permitted.
    Done,
    /// The verdict is negative: a failed verification, a forbidden plan.
    Negative,
    /// It could not be carried out: usage, configuration, files, bad input.
    Failed,
    /// Inconclusive, or a person must look.
    Review,
    /// Interrupted by the user.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Done => 0,
            ExitStatus::Negative => 1,
            ExitStatus::Failed => 2,
            ExitStatus::Review => 3,
            ExitStatus::Interrupted => 130,
        })
    }
}
