//! The verified facts in the words of the page.

use serde::Serialize;
use stillmark_evidence::checks::{Assurance, Check, CheckVerdict, FolderReport};
use stillmark_evidence::keys::KeyId;
use stillmark_evidence::manifest::DatasetManifest;
use stillmark_evidence::verify::FolderFacts;

use super::consent::{self, Grant};
use crate::descent::student;

/// What the template reads.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    student: String,
    #[serde(flatten)]
    record: Record,
    agreement: Option<&'static str>,
    grants: Vec<Grant>,
    duties: Vec<Duty>,
    accepted: Vec<Accepted>,
    checks: Vec<Group>,
    contradictions: Vec<Contradiction>,
    missing: Vec<String>,
    digests: Vec<(String, String)>,
    run: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Duty {
    kind: String,
    text: String,
    terms: String,
    clause: String,
}

#[derive(Debug, Serialize)]
struct Accepted {
    ask: String,
    person: String,
    date: String,
    reason: String,
}

/// Whether a folder holds, at the head of its page.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    verdict: &'static str,
    headline: &'static str,
    assurance: &'static str,
    shows: &'static str,
    signer: Option<String>,
}

/// Checks of one outcome.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    verdict: &'static str,
    title: &'static str,
    rows: Vec<(String, String, String)>,
}

#[derive(Debug, Serialize)]
struct Contradiction {
    field: String,
    stated: String,
    recorded: String,
}

pub(super) fn of(facts: &FolderFacts) -> Facts {
    let report = &facts.report;
    let record = facts.data.as_ref().map(|data| &data.predicate);
    Facts {
        student: student(facts),
        record: self::record(report, facts.signer),
        agreement: record.map(|record| record.verdict.as_str()),
        grants: consent::of(facts),
        duties: record.map(duties).unwrap_or_default(),
        accepted: record.map(accepted).unwrap_or_default(),
        checks: groups(&report.checks),
        contradictions: report
            .contradictions
            .iter()
            .map(|found| Contradiction {
                field: found.field.clone(),
                stated: found.stated.clone(),
                recorded: found.recorded.clone(),
            })
            .collect(),
        missing: missing(facts),
        digests: digests(facts),
        run: run(facts),
    }
}

/// Whether a folder holds.
pub(super) fn record(report: &FolderReport, signer: Option<KeyId>) -> Record {
    let (verdict, headline) = verdict(report.verdict);
    let (assurance, shows) = assurance(report.assurance);
    Record { verdict, headline, assurance, shows, signer: signer.map(|signer| signer.to_string()) }
}

pub(super) fn verdict(verdict: CheckVerdict) -> (&'static str, &'static str) {
    match verdict {
        CheckVerdict::Pass => ("pass", "Everything that was recorded holds"),
        CheckVerdict::Fail => ("fail", "Something does not hold"),
        CheckVerdict::Inconclusive => ("inconclusive", "Not everything could be decided"),
        CheckVerdict::NotRecorded => ("not-recorded", "Nothing was recorded"),
    }
}

pub(super) fn assurance(assurance: Assurance) -> (&'static str, &'static str) {
    match assurance {
        Assurance::None => ("none", "A check failed, or no signature holds: this folder shows nothing."),
        Assurance::SignedByUnknown => (
            "signed by an unknown key",
            "The record is whole since it was signed, by a key that nobody vouched for.",
        ),
        Assurance::Signed => ("signed", "The record is whole since a trusted key signed it."),
        Assurance::SignedAndLogged => (
            "signed and logged",
            "The record is whole since a trusted key signed it, and the log that the signer named holds it.",
        ),
    }
}

fn duties(record: &DatasetManifest) -> Vec<Duty> {
    let copy = |duty: &stillmark_evidence::manifest::Duty| Duty {
        kind: duty.id.clone(),
        text: duty.text.clone(),
        terms: duty.terms.clone(),
        clause: duty.clause.clone(),
    };
    record.duties.iter().map(copy).collect()
}

fn accepted(record: &DatasetManifest) -> Vec<Accepted> {
    let copy = |answer: &stillmark_evidence::manifest::Accepted| Accepted {
        ask: answer.ask.clone(),
        person: answer.person.clone(),
        date: answer.date.to_string(),
        reason: answer.reason.clone(),
    };
    record.accepted.iter().map(copy).collect()
}

pub(super) fn groups(checks: &[Check]) -> Vec<Group> {
    let outcomes = [
        (CheckVerdict::Fail, "fail", "Failed"),
        (CheckVerdict::Inconclusive, "inconclusive", "Not decided"),
        (CheckVerdict::NotRecorded, "not-recorded", "Not recorded"),
        (CheckVerdict::Pass, "pass", "Passed"),
    ];
    let group = |(outcome, verdict, title): (CheckVerdict, &'static str, &'static str)| {
        let rows: Vec<_> = checks
            .iter()
            .filter(|check| check.verdict == outcome)
            .map(|check| (check.id.clone(), check.subject.clone(), check.detail.clone()))
            .collect();
        (!rows.is_empty()).then_some(Group { verdict, title, rows })
    };
    outcomes.into_iter().filter_map(group).collect()
}

/// What a reader might look for and nothing recorded says.
fn missing(facts: &FolderFacts) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    let mut absent = |is_absent: bool, what: String| missing.extend(is_absent.then_some(what));
    absent(facts.run.is_none(), "How the student was made: no sound run statement.".to_owned());
    absent(facts.model.is_none(), "Which files are the model: no sound model signature.".to_owned());
    absent(facts.disclosure.is_none(), "What the maker states in public: no sound disclosure.".to_owned());
    let Some(data) = &facts.data else {
        missing.push("What the student was trained on: no sound dataset manifest.".to_owned());
        return missing;
    };
    for source in &data.predicate.sources {
        absent(source.prompts.is_none(), format!("Where the prompts or texts of `{}` came from.", source.id));
        let remote = source.teacher.as_ref().is_some_and(|teacher| teacher.api.is_some());
        absent(remote && source.receipts.is_empty(), format!("Receipts of the API behind `{}`.", source.id));
        let weights = source.teacher.as_ref().is_some_and(|teacher| teacher.weights.is_none());
        absent(weights, format!("The digest of the weights of the teacher of `{}`.", source.id));
    }
    missing
}

fn digests(facts: &FolderFacts) -> Vec<(String, String)> {
    let mut digests = Vec::new();
    let model = facts.model.iter().flat_map(|model| &model.subject);
    digests
        .extend(model.map(|subject| (format!("model {}", subject.name), subject.digest.sha256.to_string())));
    if let Some(run) = &facts.run {
        let resources = run.predicate.build_definition.resolved_dependencies.iter();
        for resource in resources.chain(&run.predicate.run_details.byproducts) {
            let name = match &resource.uri {
                Some(uri) => format!("{} {uri}", resource.name),
                None => resource.name.clone(),
            };
            let digest = resource.digest.map(|digest| digest.sha256.to_string());
            digests.push((name, digest.unwrap_or_else(|| "no digest".to_owned())));
        }
    }
    let records = facts.data.iter().flat_map(|data| &data.subject);
    digests.extend(
        records.map(|subject| (format!("records {}", subject.name), subject.digest.sha256.to_string())),
    );
    digests
}

fn run(facts: &FolderFacts) -> Vec<(String, String)> {
    let Some(run) = &facts.run else { return Vec::new() };
    let machine = &run.predicate.build_definition.internal_parameters;
    let metadata = &run.predicate.run_details.metadata;
    let mut rows = vec![
        ("Made by".to_owned(), run.predicate.run_details.builder.id.clone()),
        ("Precision".to_owned(), machine.precision.clone()),
        ("Instruction set".to_owned(), machine.isa.clone()),
        ("Threads".to_owned(), machine.threads.to_string()),
        ("Seed".to_owned(), machine.seed.to_string()),
    ];
    for (name, value) in [("Started", &metadata.started_on), ("Finished", &metadata.finished_on)] {
        rows.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
    }
    rows
}
