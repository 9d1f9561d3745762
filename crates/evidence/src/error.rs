//! Why something could not be carried out.

use std::path::PathBuf;

/// Why something could not be carried out. A negative answer is a [`crate::Finding`] instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// Where it happened.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text is not a SHA-256 digest.
    #[error("`{text}` is not a SHA-256 digest of 64 lower-case hex digits")]
    DigestText {
        /// The text.
        text: String,
    },
    /// A text is not a calendar date.
    #[error("`{text}` is not a date of the form YYYY-MM-DD")]
    DateText {
        /// The text.
        text: String,
    },
    /// A PEM text is not a P-256 key.
    #[error("not a P-256 {half} key in PEM: {what}")]
    KeyText {
        /// `private` or `public`.
        half: &'static str,
        /// What does not fit.
        what: String,
    },
    /// A value could not be written as JSON.
    #[error("cannot write JSON")]
    Json(#[from] serde_json::Error),
    /// A folder to be signed holds something that is neither a file nor a folder.
    #[error("`{}` is a symbolic link or special file and cannot be signed", path.display())]
    NotAFile {
        /// The entry.
        path: PathBuf,
    },
    /// A file name cannot be written into a manifest.
    #[error("`{}` is not UTF-8 and cannot be signed", path.display())]
    NotUtf8 {
        /// The entry.
        path: PathBuf,
    },
    /// A document to be sealed does not follow its format.
    #[error("cannot seal the folder")]
    Unsealable(#[source] crate::Finding),
    /// The log could not be used.
    #[error("cannot use the log")]
    Ledger(#[from] stillmark_ledger::Error),
}
