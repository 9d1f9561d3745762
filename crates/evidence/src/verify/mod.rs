//! The only birthplace of [`Verified`].

mod edges;
mod finding;
mod folder;
mod logged;
mod records;
mod signed;
mod stated;

pub use finding::{FindingFacts, finding};
pub use folder::{FolderFacts, folder};
pub use records::{RecordFacts, RecordReader};
pub(crate) use signed::statement;
pub use signed::{Trust, Verified, bundle};
