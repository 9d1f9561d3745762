//! The in-toto test result: what an audit came to, in a form that others read.

use crate::audit::{Audit, Severity, Verdict};
use crate::{DigestSet, Predicate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The predicate `https://in-toto.io/attestation/test-result/v0.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// What the tests came to.
    pub result: Outcome,
    /// What was tested with: the program and the pinned benchmark.
    pub configuration: Vec<Configuration>,
    /// The tests that passed.
    #[serde(rename = "passedTests", skip_serializing_if = "Vec::is_empty", default)]
    pub passed: Vec<String>,
    /// The tests that gave a warning.
    #[serde(rename = "warnedTests", skip_serializing_if = "Vec::is_empty", default)]
    pub warned: Vec<String>,
    /// The tests that failed.
    #[serde(rename = "failedTests", skip_serializing_if = "Vec::is_empty", default)]
    pub failed: Vec<String>,
}

/// What tests came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// All hold.
    Passed,
    /// None fails, some warn.
    Warned,
    /// Some fail.
    Failed,
}

/// A resource that the tests were configured with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Its name.
    pub name: String,
    /// What its bytes digest to, where it has bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<DigestSet>,
}

impl Predicate for TestResult {
    const TYPE: &'static str = "https://in-toto.io/attestation/test-result/v0.1";
}

impl TestResult {
    /// The result that an audit comes to; `classes` are all that it looked for.
    pub fn of_audit(audit: &Audit, configuration: Vec<Configuration>, classes: &[&str]) -> Self {
        let of = |severity| -> BTreeSet<String> {
            let found =
                audit.findings.iter().chain(&audit.departures).filter(|found| found.severity == severity);
            found.map(|found| found.class.clone()).collect()
        };
        let failed = of(Severity::Error);
        let warned: BTreeSet<String> = of(Severity::Warning).difference(&failed).cloned().collect();
        let open: BTreeSet<&str> =
            audit.undecidable.iter().chain(&audit.not_checked).map(|open| open.what.as_str()).collect();
        let is_passed =
            |class: &&&str| !failed.contains(**class) && !warned.contains(**class) && !open.contains(**class);
        let result = match audit.verdict {
            Verdict::Altered => Outcome::Failed,
            Verdict::Departs | Verdict::Inconclusive => Outcome::Warned,
            Verdict::NothingFound => Outcome::Passed,
        };
        Self {
            result,
            configuration,
            passed: classes.iter().filter(is_passed).map(|class| (*class).to_owned()).collect(),
            warned: warned.into_iter().collect(),
            failed: failed.into_iter().collect(),
        }
    }

    /// Whether it says the same as the audit that it stands for.
    pub fn fits(&self, audit: &Audit) -> bool {
        let again = Self::of_audit(audit, Vec::new(), &[]);
        again.result == self.result && again.failed == self.failed && again.warned == self.warned
    }
}
