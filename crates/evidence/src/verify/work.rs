//! What a folder shows of the work that was done, as grants and receipts are held against it.

use crate::manifest::DatasetManifest;
use crate::provenance::Provenance;
use crate::verify::records::Recounted;
use crate::{Digest, Statement};
use std::path::Path;

/// What a folder shows of the work that grants are held against.
pub(super) struct Work<'a> {
    /// The run folder.
    pub(super) dir: &'a Path,
    /// The run's statement.
    pub(super) run: Option<&'a Statement<Provenance>>,
    /// The dataset manifest.
    pub(super) data: &'a DatasetManifest,
    /// What the records hold.
    pub(super) records: &'a Recounted,
    /// Whose key signed the folder.
    pub(super) builder: Option<Digest>,
}
