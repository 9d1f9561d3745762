//! What can go wrong, and what can be refused.

use std::fmt;
use std::path::PathBuf;

/// Why something could not be carried out.
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
    /// The entry does not fit the 16-bit length prefix of an entry bundle.
    #[error("a log entry of {length} bytes is longer than 65535")]
    EntryTooLong {
        /// The entry's length in bytes.
        length: usize,
    },
    /// A key name holds white space or a plus sign, or is empty.
    #[error("`{name}` cannot name a log key: it must be non-empty, without spaces and plus signs")]
    KeyName {
        /// The refused name.
        name: String,
    },
    /// A text is not a key of the signed-note format.
    #[error("not a signed-note key: {what}")]
    KeyText {
        /// The part that does not fit.
        what: &'static str,
    },
    /// A log stands already where a new one was to be made.
    #[error("a log already stands in `{}`", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Another process has the log open.
    #[error("the log in `{}` is open in another process", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The last append failed when its checkpoint was being published, so that only the files can say whether it was.
    #[error("it is not known whether the last append was published: open the log anew")]
    Unsettled,
    /// The log on disk does not hold together.
    #[error("the log does not hold together")]
    Refused(#[from] Refusal),
    /// No entry has that index.
    #[error("the log has {size} entries and none of index {index}")]
    NoSuchEntry {
        /// The index asked for.
        index: u64,
        /// The size of the log.
        size: u64,
    },
}

/// Why a log, checkpoint or proof is not accepted: a negative answer, not a failure to answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text does not follow its format.
    #[error("malformed {what}")]
    Malformed {
        /// The part that does not fit.
        what: &'static str,
    },
    /// A signature by a known key does not verify.
    #[error("the signature of `{name}` does not verify")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// No signature is by a known key.
    #[error("no signature is by a known log key")]
    UnknownSigner,
    /// The checkpoint belongs to another log.
    #[error("the checkpoint is of the log `{origin}`")]
    WrongOrigin {
        /// The origin found.
        origin: String,
    },
    /// The hashes do not lead from the entry to the signed root.
    #[error("the entry is not in the log at that place")]
    NotInLog,
    /// Two checkpoints, or a checkpoint and its tiles, contradict each other.
    #[error("the log's hashes contradict its checkpoint")]
    Inconsistent,
    /// The checkpoint is older than one already seen.
    #[error("the checkpoint of size {found} is older than one of size {known}")]
    Stale {
        /// The size found.
        found: u64,
        /// The size known to have been signed.
        known: u64,
    },
    /// The log has another history than the one that was signed at that size.
    #[error("the log has another history than the one signed at size {size}")]
    SplitView {
        /// The size at which both were signed.
        size: u64,
    },
    /// The log's entries or tiles are not those that were signed.
    #[error("{change}: index {index}, in `{path}`")]
    Changed {
        /// What was done to them, as far as can be seen.
        change: Change,
        /// The first entry it concerns.
        index: u64,
        /// The file, below the log's folder.
        path: String,
    },
    /// A file of the log does not follow its format.
    #[error("`{path}` is {what}")]
    MalformedFile {
        /// The file, below the log's folder.
        path: String,
        /// How it differs.
        what: &'static str,
    },
    /// Fewer witnesses cosigned than are demanded.
    #[error("{found} of the known witnesses cosigned, and {needed} are demanded")]
    TooFewWitnesses {
        /// How many did.
        found: usize,
        /// How many must.
        needed: usize,
    },
    /// A file that the checkpoint demands is not there.
    #[error("`{}` is missing or unreadable", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
}

/// What was done to a log's entries or tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An entry has other bytes.
    EditedEntry,
    /// An entry is gone; those after it moved up.
    DroppedEntry,
    /// An entry was put in; those after it moved down.
    InsertedEntry,
    /// The same entries stand in another order.
    ReorderedEntries,
    /// The hashes of a tile are not those that the tree above it needs; the entries are.
    EditedTile,
    /// Neither the entries nor the tile below that place give the hash that the tree above needs.
    EditedRange,
}

impl Change {
    /// The stable word of test vectors and findings.
    pub fn code(self) -> &'static str {
        match self {
            Self::EditedEntry => "edited-entry",
            Self::DroppedEntry => "dropped-entry",
            Self::InsertedEntry => "inserted-entry",
            Self::ReorderedEntries => "reordered-entries",
            Self::EditedTile => "edited-tile",
            Self::EditedRange => "edited-range",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EditedEntry => "an entry was edited",
            Self::DroppedEntry => "an entry was dropped",
            Self::InsertedEntry => "an entry was put in",
            Self::ReorderedEntries => "entries were reordered",
            Self::EditedTile => "a tile was edited",
            Self::EditedRange => "entries and their tile were edited",
        })
    }
}

impl Refusal {
    /// The first entry that is concerned, where one is known.
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Changed { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// The stable word of test vectors and findings.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } | Self::MalformedFile { .. } => "malformed",
            Self::SplitView { .. } => "split-view",
            Self::Changed { change, .. } => change.code(),
            Self::TooFewWitnesses { .. } => "too-few-witnesses",
            Self::BadSignature { .. } => "bad-signature",
            Self::UnknownSigner | Self::WrongOrigin { .. } => "unknown-signer",
            Self::NotInLog => "not-in-log",
            Self::Inconsistent => "inconsistent",
            Self::Stale { .. } => "stale-checkpoint",
            Self::MissingFile { .. } => "missing-file",
        }
    }
}
