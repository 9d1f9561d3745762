//! MLPerf directories: laid out, and audited.
//!
//! [`rules`] holds the facts of round v6.1, [`detail`], [`summary`] and [`accuracy`] read what LoadGen writes, [`golds`] what is right.
//! [`pack`](fn@pack) lays a directory out for the open division; [`audit`](fn@audit) looks at any such directory for what the official
//! checker does not: it takes the accuracy from the untruncated log and the golds, follows `hash=` to its bytes, and compares what the
//! logs say of one run with each other. A directory that holds is "MLPerf-format evidence"; nothing here certifies anything.

pub mod accuracy;
pub mod detail;
pub mod golds;
pub mod rules;
pub mod summary;

mod audit;
mod bare;
mod clock;
mod evidence;
mod limits;
mod look;
mod pack;
mod performance;
mod place;
mod system;

pub use audit::{Audited, audit};
pub use bare::{Bare, bare, is_accuracy_log};
pub use look::Tree;
pub use pack::{About, Inputs, Label, Packed, Run, pack};
pub use place::is_submission;
