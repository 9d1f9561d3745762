//! May they? Judges who may distill what, by facts about licenses and terms of use.
//!
//! A [`Pack`] holds what each text says, clause by clause; a [`Provenance`] says what is made from
//! what; [`evaluate()`] carries the one along the other and returns a [`Ruling`] of four verdicts,
//! each reason with its path and clause. Only a ruling gives a [`Permit`], and `distill` trains
//! only with one. Nothing here reads a file, asks the clock, or gives legal advice:
//! "no listed clause forbids" is never "legal".
#![forbid(unsafe_code)]

mod beside;
mod consent;
mod error;
mod evaluate;
mod explain;
mod licenses;
mod lint;
mod names;
mod offer;
mod pack;
mod permit;
mod provenance;
mod read;
mod recognize;
mod ruling;
mod wire;
mod words;

pub use beside::{Beside, Card, TextFile};
pub use consent::{Consent, Granted};
pub use error::{Error, Expected};
pub use evaluate::evaluate;
pub use explain::{codes, explain};
pub use licenses::{Mismatch, called, mismatches, same_license};
pub use lint::{Lapse, LapseCode, Lint, lint};
pub use offer::{Draft, Offer, Preset};
pub use pack::{
    Aspect, Breach, Difference, Duty, Entry, Exception, Limit, Met, Pack, Rule, SmallShare, Test, diff,
};
pub use permit::{Accepted, Permit, Refusal};
pub use provenance::{Asset, Declaration, Declared, Edge, Parts, Provenance};
pub use recognize::{Candidate, Fingerprint, Match, Recognition, Recognizer};
pub use ruling::{Ask, Obligation, Reason, RuleCode, Ruling, Share, UsedFact, Verdict};
pub use stillmark_evidence::{Date, Digest};
pub use wire::Answer;
pub use words::{Action, Audience, Confidence, DutyKind, Effect, Fact, Hops, Kind, Scope, Trigger, Word};
