//! The provider's receipts: each in its log, each for one answer of this builder under this grant, none left out.

use crate::checks::{Aspect, Check, CheckVerdict};
use crate::consent::{Consent, Standing};
use crate::layout::{path, read};
use crate::manifest::Source;
use crate::receipt::{self, Kept, Leaf, Line, Shown, Witnessed};
use crate::verify::logged;
use crate::verify::records::Received;
use crate::verify::work::Work;
use crate::{Digest, Finding, FindingKind};
use std::collections::{BTreeMap, BTreeSet};
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::tree::{Hash, verify_consistency, verify_inclusion};
use stillmark_ledger::{Checkpoint, checkpoint};

/// What the receipts say together.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The most tokens that the provider counted under the grant.
    pub(super) spent: Option<u64>,
    /// The first and the last number of the answers.
    numbers: Option<(u64, u64)>,
}

/// Where each leaf is proven to be, under one checkpoint.
struct Places {
    head: Checkpoint,
    paths: BTreeMap<Digest, (u64, Vec<Hash>)>,
}

/// Checks the receipts of the sources under a grant.
pub(super) fn check(
    work: &Work<'_>,
    consent: &Consent,
    sources: &[&Source],
    checks: &mut Vec<Check>,
) -> Seen {
    let Some(log) = &consent.grant.predicate.receipts else { return Seen::default() };
    let before = checks.len();
    let mut found = Vec::new();
    let mut seen = Seen::default();
    match kept(work, sources) {
        Ok((kept, lost)) => {
            let leaves = leaves(&kept, &mut found);
            seen.spent = leaves.values().map(|(leaf, _)| leaf.spent).max();
            let numbers = || leaves.values().map(|(leaf, _)| leaf.sequence);
            seen.numbers = numbers().min().zip(numbers().max());
            match places(work, &log.log) {
                Ok(places) => proven(&leaves, &places, &mut found),
                Err(finding) => found.push(finding),
            }
            for (leaf, of) in leaves.values() {
                found.extend(foreign(leaf, of, consent, sources));
                found.extend(untimely(leaf, of, consent));
            }
            counted(&leaves, &lost, &mut found);
            matched(work, sources, &leaves, &mut found);
            for number in &lost {
                let detail =
                    format!("answer {number} under the grant was given, and its receipt did not arrive");
                let subject = path::RECEIPTS;
                checks.push(Check::new(Aspect::Receipts.code(), CheckVerdict::Inconclusive, subject, detail));
            }
        }
        Err(finding) => found.push(finding),
    }
    checks.extend(found.into_iter().map(Check::from));
    if checks.len() == before {
        let spent = seen.spent.unwrap_or_default();
        let (first, last) = seen.numbers.unwrap_or_default();
        let detail = format!(
            "answers {first} to {last} under the grant, each in the provider's log; {spent} tokens spent so far"
        );
        checks.push(Check::pass(Aspect::Receipts, path::RECEIPTS, detail));
    }
    seen
}

/// The receipts of these sources, and the numbers of those that were lost.
fn kept(work: &Work<'_>, sources: &[&Source]) -> Result<(Vec<Kept>, BTreeSet<u64>), Finding> {
    let (mut all, mut lost) = (Vec::new(), BTreeSet::new());
    for line in receipt::parse_kept(&read(work.dir, path::RECEIPTS)?)? {
        match line {
            Line::Kept(kept) if sources.iter().any(|source| source.id == kept.source) => all.push(kept),
            Line::Kept(kept) => {
                let detail = "its source is under no grant with receipts";
                return Err(Finding::new(FindingKind::ForeignReceipt, kept.record, detail));
            }
            Line::Lost { lost: number } => {
                lost.insert(number);
            }
        }
    }
    Ok((all, lost))
}

/// Each receipt by its leaf's hash; one that stands twice is replayed.
fn leaves(kept: &[Kept], found: &mut Vec<Finding>) -> BTreeMap<Digest, (Leaf, Kept)> {
    let mut leaves: BTreeMap<Digest, (Leaf, Kept)> = BTreeMap::new();
    for one in kept {
        match one.receipt.leaf() {
            Err(finding) => {
                found.push(Finding::new(FindingKind::ForgedReceipt, one.record.clone(), finding.detail));
            }
            Ok(leaf) => {
                if let Some((_, earlier)) = leaves.insert(one.receipt.hash(), (leaf, one.clone())) {
                    let detail = format!("its receipt stands for `{}`, too", earlier.record);
                    found.push(Finding::new(FindingKind::ReplayedReceipt, one.record.clone(), detail));
                }
            }
        }
    }
    leaves
}

/// The checkpoints in the order they were seen, each grown out of the one before, and the places under the last.
fn places(work: &Work<'_>, log: &str) -> Result<Places, Finding> {
    let subject = path::RECEIPT_PROOFS;
    let key = VerifierKey::parse(log)
        .map_err(|_| Finding::new(FindingKind::Malformed, "grant: receipts.log", "not the key of a log"))?;
    let mut last: Option<Checkpoint> = None;
    let mut paths = BTreeMap::new();
    for line in receipt::parse_shown(&read(work.dir, subject)?)? {
        match line {
            Shown::Checkpoint(seen) => last = Some(grown(last.as_ref(), &seen, &key)?),
            Shown::Place { leaf, index, path } => {
                paths.insert(leaf, (index, hashes(&path)?));
            }
        }
    }
    let head =
        last.ok_or_else(|| Finding::new(FindingKind::MissingFile, subject, "it holds no checkpoint"))?;
    Ok(Places { head, paths })
}

fn hashes(texts: &[String]) -> Result<Vec<Hash>, Finding> {
    let all: Option<Vec<Hash>> = texts.iter().map(|text| Hash::from_base64(text)).collect();
    all.ok_or_else(|| Finding::new(FindingKind::Malformed, path::RECEIPT_PROOFS, "a hash that is none"))
}

/// A checkpoint, held against the one seen before it.
fn grown(before: Option<&Checkpoint>, seen: &Witnessed, key: &VerifierKey) -> Result<Checkpoint, Finding> {
    let subject = path::RECEIPT_PROOFS;
    let opened = checkpoint::open(&seen.checkpoint, std::slice::from_ref(key))
        .map_err(|refusal| Finding::new(logged::kind(&refusal), subject, refusal.to_string()))?;
    let Some(before) = before else { return Ok(opened) };
    if opened.size < before.size {
        let detail = format!("the log had {} entries, and later {}", before.size, opened.size);
        return Err(Finding::new(FindingKind::StaleCheckpoint, subject, detail));
    }
    let path = hashes(&seen.consistency)?;
    verify_consistency(before.head(), opened.head(), &path).map_err(|_| {
        let detail =
            format!("the log of {} entries did not grow out of the one of {}", opened.size, before.size);
        Finding::new(FindingKind::SplitView, subject, detail)
    })?;
    Ok(opened)
}

/// Every receipt is in the log.
fn proven(leaves: &BTreeMap<Digest, (Leaf, Kept)>, places: &Places, found: &mut Vec<Finding>) {
    for (hash, (_, kept)) in leaves {
        let detail = match places.paths.get(hash) {
            None => "nothing proves that its receipt is in the provider's log",
            Some((index, path)) => {
                let leaf = Hash(*hash.as_bytes());
                if verify_inclusion(leaf, *index, places.head.size, path, places.head.root).is_ok() {
                    continue;
                }
                "its receipt is not in the provider's log"
            }
        };
        found.push(Finding::new(FindingKind::ForgedReceipt, kept.record.clone(), detail));
    }
}

/// What makes a receipt somebody else's, or one for another grant or model.
fn foreign(leaf: &Leaf, kept: &Kept, consent: &Consent, sources: &[&Source]) -> Option<Finding> {
    let record = &kept.record;
    let strange = |detail: String| Some(Finding::new(FindingKind::ForeignReceipt, record.clone(), detail));
    if leaf.tenant != consent.grantee {
        return strange(format!("its receipt is of the tenant {}", leaf.tenant));
    }
    if leaf.grant != Some(consent.id) {
        let other = leaf.grant.map_or("no grant".to_owned(), |grant| format!("the grant {grant}"));
        return strange(format!("its receipt was given under {other}"));
    }
    let source = sources.iter().find(|source| source.id == kept.source)?;
    let Some(teacher) = &source.teacher else {
        let detail = format!("`{}` answered, and the record names no teacher", leaf.model.name);
        return Some(Finding::new(FindingKind::UndisclosedTeacher, record.clone(), detail));
    };
    let is_other = leaf.model.name != teacher.name
        || leaf.model.sha256.is_some_and(|digest| teacher.weights.is_some_and(|weights| weights != digest));
    is_other.then(|| {
        let detail = format!("`{}` answered, and the record names `{}`", leaf.model.name, teacher.name);
        Finding::new(FindingKind::UndisclosedTeacher, record.clone(), detail)
    })
}

/// What the provider's own clock says against the grant's days.
fn untimely(leaf: &Leaf, kept: &Kept, consent: &Consent) -> Option<Finding> {
    let grant = &consent.grant.predicate;
    let Ok(day) = leaf.day() else {
        let detail = format!("`{}` is no time", leaf.time);
        return Some(Finding::new(FindingKind::ForgedReceipt, kept.record.clone(), detail));
    };
    if day < grant.not_before || grant.until < day {
        let detail =
            format!("answered on {day}; the grant holds from {} to {}", grant.not_before, grant.until);
        return Some(Finding::new(FindingKind::GrantExpired, kept.record.clone(), detail));
    }
    match &consent.standing {
        Standing::Revoked { on, .. } if *on <= day => {
            let detail = format!("answered on {day}; the grant was taken back from {on} on");
            Some(Finding::new(FindingKind::GrantRevoked, kept.record.clone(), detail))
        }
        _ => None,
    }
}

/// The provider counts the answers under a grant: a number that stands twice, or is passed over, tells.
fn counted(leaves: &BTreeMap<Digest, (Leaf, Kept)>, lost: &BTreeSet<u64>, found: &mut Vec<Finding>) {
    let mut by_number: BTreeMap<u64, &Kept> = BTreeMap::new();
    for (leaf, kept) in leaves.values() {
        if let Some(other) = by_number.insert(leaf.sequence, kept) {
            let detail = format!("it is answer {} under the grant, as `{}` is", leaf.sequence, other.record);
            found.push(Finding::new(FindingKind::ReplayedReceipt, kept.record.clone(), detail));
        }
    }
    let numbers: Vec<u64> = by_number.keys().copied().collect();
    for pair in numbers.windows(2) {
        let missing = (pair[0] + 1..pair[1]).find(|number| !lost.contains(number));
        if let Some(missing) = missing {
            let detail = format!("answer {missing} under the grant was given, and its receipt is not here");
            found.push(Finding::new(FindingKind::DroppedRecord, path::RECEIPTS, detail));
        }
    }
}

/// Records and receipts are each other's, word for word, and the manifest lists them.
fn matched(
    work: &Work<'_>,
    sources: &[&Source],
    leaves: &BTreeMap<Digest, (Leaf, Kept)>,
    found: &mut Vec<Finding>,
) {
    let ours = |id: &String| sources.iter().any(|source| source.id == *id);
    for (source, count) in work.records.unreceived.iter().filter(|(id, _)| ours(id)) {
        let detail = format!("{count} records have no receipt, though the grant's provider gives them");
        found.push(Finding::new(FindingKind::MissingReceipt, source.clone(), detail));
    }
    let mut borne: BTreeMap<Digest, &str> = BTreeMap::new();
    for record in work.records.received.iter().filter(|record| ours(&record.source)) {
        found.extend(answered(record, leaves, &mut borne));
    }
    for (leaf, kept) in leaves.values().filter(|(leaf, kept)| kept.unused && !kept.receipt.is_for(leaf, "")) {
        let detail = format!("{} tokens were answered, and told as nothing", leaf.tokens.answer);
        found.push(Finding::new(FindingKind::DroppedRecord, kept.record.clone(), detail));
    }
    for (hash, (_, kept)) in leaves.iter().filter(|(_, (_, kept))| !kept.unused) {
        if borne.get(hash) != Some(&kept.record.as_str()) {
            let detail = "its answer was given under the grant, and the record is not here";
            found.push(Finding::new(FindingKind::DroppedRecord, kept.record.clone(), detail));
        }
    }
    for source in sources {
        let listed: BTreeSet<Digest> = source.receipts.iter().copied().collect();
        let here: BTreeSet<Digest> =
            leaves.iter().filter(|(_, (_, kept))| kept.source == source.id).map(|(hash, _)| *hash).collect();
        if listed != here {
            let detail = format!("the manifest lists {} receipts, {} are here", listed.len(), here.len());
            found.push(Finding::new(FindingKind::DroppedRecord, source.id.clone(), detail));
        }
    }
}

fn answered<'a>(
    record: &'a Received,
    leaves: &BTreeMap<Digest, (Leaf, Kept)>,
    borne: &mut BTreeMap<Digest, &'a str>,
) -> Option<Finding> {
    let finding = |kind, detail: String| Some(Finding::new(kind, record.record.clone(), detail));
    let known = record.receipt.parse::<Digest>().ok().and_then(|hash| leaves.get_key_value(&hash));
    let Some((hash, (leaf, kept))) = known else {
        return finding(FindingKind::MissingReceipt, "the receipt it names is not here".to_owned());
    };
    if let Some(other) = borne.insert(*hash, &record.record) {
        return finding(FindingKind::ReplayedReceipt, format!("its receipt stands for `{other}`, too"));
    }
    if !kept.receipt.is_for(leaf, &record.text) {
        let detail = "its receipt is for another answer than the one recorded".to_owned();
        return finding(FindingKind::ForgedReceipt, detail);
    }
    None
}
