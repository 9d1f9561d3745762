//! An accuracy log of LoadGen outside of any submission, held against golds.

use memchr::memmem;

use crate::Error;

use super::accuracy::{self, Claimed};
use super::audit::{Audited, closed};
use super::detail::Detail;
use super::evidence;
use super::golds::{Golds, Rule};
use super::look::{Look, Tree};

/// A log, and what lies beside it.
#[derive(Debug, Clone, Copy)]
pub struct Bare<'a> {
    /// What it is called.
    pub task: &'a str,
    /// `mlperf_log_accuracy.json` with its name, untruncated.
    pub log: (&'a str, &'a [u8]),
    /// `accuracy.txt` of the same folder.
    pub claims: Option<(&'a str, &'a [u8])>,
    /// `mlperf_log_detail.txt` of the same folder.
    pub detail: Option<(&'a str, &'a [u8])>,
    /// What is right.
    pub golds: &'a [u8],
    /// How answers are held against it.
    pub rule: Rule,
}

/// Whether bytes look like an accuracy log: a list whose first entry names a sample.
pub fn is_accuracy_log(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(512)];
    head.trim_ascii_start().starts_with(b"[") && memmem::find(head, b"\"qsl_idx\"").is_some()
}

/// Takes the accuracy anew, and holds against it what is claimed, where something is.
pub fn bare(given: &Bare<'_>) -> Result<Audited, Error> {
    let (file, log) = given.log;
    let named = |err: Error, name: &str| {
        let Error::Malformed { format, at, problem } = err;
        Error::Malformed { format, at: format!("{name}, {at}"), problem }
    };
    accuracy::read(log, &mut |_| {}).map_err(|err| named(err, file))?;
    let golds = Golds::read(given.golds, given.rule)?;
    let detail = given.detail.map(|(name, bytes)| Detail::read(bytes).map_err(|err| named(err, name)));
    let detail = detail.transpose()?;
    let tree = Tree::default();
    let mut look = Look::new(&tree);
    look.task = Some(given.task.to_owned());
    if let (Some((name, _)), Some(detail)) = (given.detail, &detail) {
        run(&mut look, name, detail);
    }
    let (claims_file, claims) = given.claims.unwrap_or((file, b""));
    let claimed = Claimed::read(claims);
    if !claimed.hashes.is_empty() {
        evidence::hashes(&mut look, (claims_file, &claimed), Some(log));
    }
    if let Some(tally) = evidence::tally(&mut look, file, log, Some(&golds)) {
        evidence::counted(&mut look, file, detail.as_ref(), &tally);
        evidence::coverage(&mut look, file, &tally, &golds);
        evidence::compare(&mut look, (given.task, claims_file), &claimed, &tally);
    }
    Ok(closed(look))
}

/// What the log of the run says of it.
fn run(look: &mut Look<'_>, file: &str, detail: &Detail) {
    for error in &detail.errors {
        look.found("mlperf-loadgen-error", file, format!("LoadGen logged an error: {error}"));
    }
    let mode = detail.text("effective_test_mode").unwrap_or_default();
    if mode != "AccuracyOnly" && mode != "SubmissionRun" {
        look.differs("mlperf-layout", file, "effective_test_mode", ("AccuracyOnly", mode));
    }
}
