//! How does a student learn lawfully?
//!
//! A plan ([`Plan`]) names a teacher, its terms, the sources of text and the student. From it come the teacher's answers and
//! log-probabilities as records, the trained student, and the exported model. Nothing runs without a permit.
#![forbid(unsafe_code)]

pub mod capture;
pub mod course;
mod error;
pub mod export;
pub mod feed;
mod granted;
pub mod init;
mod lock;
pub mod metrics;
mod on_policy;
pub mod plan;
mod provenance;
mod record;
pub mod records;
pub mod run;
mod setup;
pub mod teach;
pub mod train;

pub use error::Error;
pub use lock::FolderLock;
pub use plan::Plan;
pub use provenance::TEACHER;
pub use setup::{Embedded, Marking, Setup, Tokens};
