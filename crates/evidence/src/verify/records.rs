//! The records against their manifest: files, counts, shares, and the verdict they were made under.

use crate::checks::{Aspect, Check};
use crate::consent::Consent;
use crate::disclosure::Disclosure;
use crate::layout::{path, record_files};
use crate::manifest::{Counts, DatasetManifest, Verdict};
use crate::provenance::Provenance;
use crate::verify::signed::Verified;
use crate::{Digest, Finding, FindingKind, Statement};
use std::collections::BTreeMap;
use std::path::Path;

/// How far a recorded share may be from the recomputed one.
const TOLERANCE: f64 = 1e-9;

/// What the front door brings: knowledge of Parquet and of terms.
pub trait RecordReader {
    /// Counts the file's rows and tokens by source, and checks its row groups' own digests.
    fn read(&self, file: &Path) -> Result<RecordFacts, Finding>;

    /// Judges the plan again by the terms; nothing, where no terms are known.
    fn judge(&self, _case: &Case<'_>) -> Vec<Check> {
        Vec::new()
    }
}

/// What is judged again.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The signed plan.
    pub plan: &'a str,
    /// The record made under it.
    pub data: &'a DatasetManifest,
    /// The run's statement.
    pub run: &'a Provenance,
    /// The grants that the record names, as far as they hold together.
    pub consents: &'a [Verified<Consent>],
    /// Whose key signed.
    pub builder: Option<Digest>,
    /// What the maker discloses.
    pub disclosure: Option<&'a Disclosure>,
}

/// What one record file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFacts {
    /// Rows and tokens by source id.
    pub sources: BTreeMap<String, Counts>,
    /// How many row groups there are.
    pub row_groups: usize,
    /// The row groups whose digest is not the recorded one.
    pub broken_row_groups: Vec<usize>,
    /// The name of the teacher in the file's own header, where it has one.
    pub teacher: Option<String>,
    /// Tokens that the teacher gave or scored, by source id: all but those of prompts.
    pub taught: BTreeMap<String, u64>,
    /// The records that bear a receipt.
    pub received: Vec<Received>,
    /// How many records bear none, by source id.
    pub unreceived: BTreeMap<String, u64>,
}

/// A record that bears a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The record's id.
    pub record: String,
    /// Its source's id.
    pub source: String,
    /// The hash of the receipt's leaf, as the record has it.
    pub receipt: String,
    /// The answer.
    pub text: String,
}

/// What all record files of a folder hold together.
#[derive(Debug, Clone, Default)]
pub(super) struct Recounted {
    /// Tokens that the teacher gave or scored, by source id.
    pub(super) taught: BTreeMap<String, u64>,
    /// The records that bear a receipt.
    pub(super) received: Vec<Received>,
    /// How many records bear none, by source id.
    pub(super) unreceived: BTreeMap<String, u64>,
}

/// Checks the record files and everything the manifest derives from them.
pub(super) fn check(
    dir: &Path,
    data: Option<&Statement<DatasetManifest>>,
    reader: &dyn RecordReader,
    checks: &mut Vec<Check>,
) -> Recounted {
    let mut all = Recounted::default();
    let Some(data) = data else { return all };
    let folder = dir.join(path::DATA);
    let before = checks.len();
    let mut counted: BTreeMap<String, Counts> = BTreeMap::new();
    for subject in &data.subject {
        let name = format!("{}/{}", path::DATA, subject.name);
        match check_file(&folder, &subject.name, subject.digest.sha256, reader) {
            Ok(facts) => {
                checks.extend(undisclosed(&name, facts.teacher.as_deref(), &data.predicate));
                for (id, counts) in facts.sources {
                    add(counted.entry(id).or_default(), counts);
                }
                all.received.extend(facts.received);
                for (sum, part) in [(&mut all.taught, facts.taught), (&mut all.unreceived, facts.unreceived)]
                {
                    for (id, count) in part {
                        let entry = sum.entry(id).or_default();
                        *entry = entry.saturating_add(count);
                    }
                }
            }
            Err(finding) => checks.push(Finding { subject: name, ..finding }.into()),
        }
    }
    for name in record_files(&folder).unwrap_or_default() {
        if !data.subject.iter().any(|subject| subject.name == name) {
            let subject = format!("{}/{name}", path::DATA);
            checks
                .push(Finding::new(FindingKind::ExtraFile, subject, "the manifest does not name it").into());
        }
    }
    if checks.len() == before {
        checks.push(Check::pass(
            Aspect::Records,
            path::DATA,
            format!("{} files as signed", data.subject.len()),
        ));
        check_counts(&data.predicate, &counted, checks);
    }
    check_permission(&data.predicate, checks);
    all
}

/// A file of records that another teacher gave than those the manifest names.
fn undisclosed(file: &str, teacher: Option<&str>, manifest: &DatasetManifest) -> Option<Check> {
    let teacher = teacher?;
    let named = manifest.sources.iter().filter_map(|source| source.teacher.as_ref());
    if named.clone().next().is_none() || named.clone().any(|known| known.name == teacher) {
        return None;
    }
    let detail = format!("its teacher is `{teacher}`, which the manifest does not name");
    Some(Finding::new(FindingKind::UndisclosedTeacher, file, detail).into())
}

fn check_file(
    folder: &Path,
    name: &str,
    signed: Digest,
    reader: &dyn RecordReader,
) -> Result<RecordFacts, Finding> {
    if name.contains('/') || name.contains('\\') || name == ".." {
        return Err(Finding::new(
            FindingKind::Malformed,
            name,
            "the manifest names a file outside its folder",
        ));
    }
    let path = folder.join(name);
    let found = Digest::of_file(&path);
    let found = found.map_err(|error| Finding::new(FindingKind::MissingFile, name, error.to_string()))?;
    if found != signed {
        return Err(Finding::new(FindingKind::BadDigest, name, format!("signed as {signed}, found {found}")));
    }
    let facts = reader.read(&path)?;
    if let [first, ..] = facts.broken_row_groups[..] {
        let detail = format!("row group {first} of {} has not its recorded digest", facts.row_groups);
        return Err(Finding::new(FindingKind::BadDigest, name, detail));
    }
    Ok(facts)
}

fn check_counts(manifest: &DatasetManifest, counted: &BTreeMap<String, Counts>, checks: &mut Vec<Check>) {
    let before = checks.len();
    let mut wrong = |subject: &str, detail: String| {
        checks.push(Finding::new(FindingKind::WrongShare, subject, detail).into());
    };
    let mut total = Counts::default();
    for counts in counted.values() {
        add(&mut total, *counts);
    }
    if total != manifest.totals {
        wrong("totals", format!("the manifest says {:?}, the records {total:?}", manifest.totals));
    }
    for (at, source) in manifest.sources.iter().enumerate() {
        if manifest.sources[..at].iter().any(|earlier| earlier.id == source.id) {
            wrong(&source.id, "the manifest names the source twice".to_owned());
        }
        let found = counted.get(&source.id).copied().unwrap_or_default();
        if (found.rows, found.tokens) != (source.rows, source.tokens) {
            let detail = format!("{} rows and {} tokens claimed", source.rows, source.tokens);
            wrong(&source.id, format!("{detail}, {} and {} found", found.rows, found.tokens));
        }
        let share = total.share(found.tokens);
        if (share - source.share).abs() > TOLERANCE {
            wrong(&source.id, format!("a share of {} claimed, {share} found", source.share));
        }
    }
    for id in counted.keys().filter(|id| !manifest.sources.iter().any(|source| source.id == **id)) {
        wrong(id, "the records hold a source that the manifest does not name".to_owned());
    }
    if checks.len() == before {
        let detail =
            format!("{} sources, {} tokens, recounted from the records", counted.len(), total.tokens);
        checks.push(Check::pass(Aspect::Shares, path::MANIFEST, detail));
    }
}

fn check_permission(manifest: &DatasetManifest, checks: &mut Vec<Check>) {
    let word = manifest.verdict.as_str();
    let refuse = |detail: &str| Finding::new(FindingKind::NotPermitted, path::MANIFEST, detail).into();
    checks.push(match manifest.verdict {
        Verdict::Permit | Verdict::PermitWithDuties => Check::pass(Aspect::Permission, path::MANIFEST, word),
        Verdict::Review if !manifest.accepted.is_empty() => {
            let people: Vec<&str> =
                manifest.accepted.iter().map(|accepted| accepted.person.as_str()).collect();
            Check::pass(
                Aspect::Permission,
                path::MANIFEST,
                format!("review, accepted by {}", people.join(", ")),
            )
        }
        Verdict::Review => refuse("the plan needed a review that nobody accepted"),
        Verdict::Forbid => refuse("the plan was forbidden"),
        Verdict::Unknown => {
            Finding::new(FindingKind::Unsupported, path::MANIFEST, "a verdict this version does not know")
                .into()
        }
    });
}

fn add(sum: &mut Counts, counts: Counts) {
    sum.rows = sum.rows.saturating_add(counts.rows);
    sum.tokens = sum.tokens.saturating_add(counts.tokens);
}
