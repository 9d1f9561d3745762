//! One file a command: what it takes, and what it does.

pub(crate) mod agreement;
pub(crate) mod benchmark;
pub(crate) mod completions;
pub(crate) mod disclose;
pub(crate) mod distill;
pub(crate) mod evaluations;
pub(crate) mod explain;
pub(crate) mod gateway;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod man;
pub(crate) mod model;
pub(crate) mod quickstart;
pub(crate) mod report;
pub(crate) mod verify;
pub(crate) mod watermark;
