//! What is claimed, by whom?
//!
//! Every signed type of Stillmark lives here: in-toto [`Statement`]s in [`dsse`] envelopes in Sigstore
//! [`bundle`]s, signed with ECDSA P-256 [`keys`], and the predicates they carry ([`manifest`],
//! [`provenance`], [`disclosure`], [`model_signing`], [`watermark`]). What others are told of a run is read back by [`documents`]. [`signing`] leaves the evidence of a
//! run or a finding in its folder, [`upstream`] carries it on to what is made of its model, [`verify`] judges it offline. A [`Verified`] value is born in `verify` and nowhere else.
#![forbid(unsafe_code)]

pub mod audit;
pub mod bundle;
pub mod card;
pub mod checks;
pub mod consent;
pub mod contamination;
mod date;
mod digest;
pub mod disclosure;
pub mod documents;
pub mod dsse;
mod error;
pub mod evaluation;
mod finding;
pub mod holdout;
pub mod keys;
pub mod layout;
pub mod license;
pub mod manifest;
pub mod model_signing;
pub mod provenance;
pub mod receipt;
pub mod signing;
mod statement;
pub mod test_result;
pub mod upstream;
pub mod verify;
pub mod watermark;

pub use date::Date;
pub use digest::Digest;
pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use statement::{DigestSet, Predicate, Statement, Subject};
pub use stillmark_ledger::whole_file;
pub use verify::{Trust, Verified};
