//! The only birthplace of [`Verified`].

mod audit;
mod consent;
mod disclosed;
mod edges;
mod evaluation;
mod finding;
mod folder;
mod granted;
mod logged;
mod opening;
mod receipts;
mod records;
mod signed;
mod stated;
mod upstream;
mod work;

pub use audit::{AuditFacts, audit};
pub use consent::consent;
pub use evaluation::{EvaluationFacts, evaluation};
pub use finding::{FindingFacts, finding};
pub use folder::{FolderFacts, folder};
pub use records::{Case, Received, RecordFacts, RecordReader};
pub(crate) use signed::statement;
pub use signed::{Trust, Verified, bundle};
pub use upstream::{Ancestor, Ancestry, Origin, Role};
pub(crate) use upstream::{lines as upstream_lines, parse_keys as upstream_keys, place as upstream_place};
