//! The only birthplace of [`Verified`].

mod edges;
mod folder;
mod logged;
mod records;
mod signed;
mod stated;

pub use folder::{FolderFacts, folder};
pub use records::{RecordFacts, RecordReader};
pub(crate) use signed::statement;
pub use signed::{Trust, Verified, bundle};
