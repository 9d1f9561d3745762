//! The documents that tell others where a student comes from, read back against the signed record.
//!
//! Writers (in `report`) and this reader share their facts by name, so a document that states one of them
//! otherwise, or leaves one out that its kind carries, is a contradiction.

mod benchmarks;
mod beside;
mod card;
mod check;
mod croissant;
mod cyclonedx;
mod facts;
mod kind;
mod record;
mod scores;
mod spdx;
mod table;

pub use benchmarks::{BenchmarkScore, EVALUATIONS, Evaluated};
pub use beside::{Beside, Evaluation, evaluations};
pub use card::{Told, render};
pub(crate) use check::check;
pub use facts::{ABSENT, Facts, facts, slug};
pub use kind::Kind;
pub(crate) use record::Statements;
pub use record::{Record, TeacherFacts};
pub use spdx::missing_fields;
pub use table::{cell, row};
