//! How does a student learn lawfully?
//!
//! A plan ([`Plan`]) names a teacher, its terms, the sources of text and the student. From it come the teacher's answers and
//! log-probabilities as records, the trained student, and the exported model. Nothing runs without a permit.
#![forbid(unsafe_code)]

mod error;
mod lock;
mod whole_file;

pub mod plan;

mod provenance;

pub mod records;

pub mod capture;

pub mod teach;

pub mod init;

pub mod train;

pub mod feed;

pub mod metrics;

mod on_policy;

pub mod course;

pub mod export;

mod setup;

mod record;

pub mod run;

pub use error::Error;
pub use lock::FolderLock;
pub use plan::Plan;
pub use setup::{Embedded, Setup, Tokens};
