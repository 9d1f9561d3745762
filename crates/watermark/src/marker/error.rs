//! Why a text could not be marked, or a manifest not read.

use thiserror::Error;

/// A reason why a marker could not be written or read; a text without one is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The payload of a mark is empty or too long.
    #[error("a payload of {bytes} bytes: a mark carries 1 to {limit}")]
    Payload {
        /// Its length.
        bytes: usize,
        /// The longest one.
        limit: usize,
    },
    /// A mark's key is not 256 bits in hexadecimal.
    #[error("a mark's key is 64 hexadecimal digits, and this is not")]
    Key,
    /// There is no visible text to stand beside.
    #[error("the text is empty or blank: a mark needs a text to stand in")]
    Blank,
    /// A mark after a manifest would break what the manifest binds.
    #[error("the text holds a C2PA manifest, whose hard binding a mark would break")]
    ManifestFirst,
    /// A manifest store is a JUMBF superbox, and these bytes are not.
    #[error("not a C2PA manifest store: {what}")]
    Manifest {
        /// What is wrong with it.
        what: String,
    },
    /// The text holds one manifest already, and two are invalid.
    #[error("the text holds a C2PA manifest already, and more than one is invalid")]
    SecondManifest,
    /// The text holds several manifests, so that none counts.
    #[error(
        "the text holds {count} C2PA manifests, so that none of them counts (manifest.text.multipleWrappers)"
    )]
    SeveralManifests {
        /// How many.
        count: usize,
    },
    /// A wrapper begins and cannot be read to its end.
    #[error("a C2PA manifest wrapper begins and cannot be read to its end (manifest.text.corruptedWrapper)")]
    DamagedManifest,
}
