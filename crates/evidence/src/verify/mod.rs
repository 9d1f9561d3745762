//! The only birthplace of [`Verified`].

mod consent;
mod edges;
mod finding;
mod folder;
mod granted;
mod logged;
mod receipts;
mod records;
mod signed;
mod stated;
mod work;

pub use consent::consent;
pub use finding::{FindingFacts, finding};
pub use folder::{FolderFacts, folder};
pub use records::{Case, Received, RecordFacts, RecordReader};
pub(crate) use signed::statement;
pub use signed::{Trust, Verified, bundle};
