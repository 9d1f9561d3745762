//! Why something could not be read or judged.

use thiserror::Error;

/// A reason why no answer could be found; tampering is no error, it is a finding.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are not what they should be.
    #[error("{format}, {at}: {problem}")]
    Malformed {
        /// The format that was expected.
        format: &'static str,
        /// Where: a line, a row, an entry, a field.
        at: String,
        /// What is wrong there.
        problem: String,
    },
}
