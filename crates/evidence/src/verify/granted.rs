//! The grants that a run rests on: whole, in force, and covering what was done.

use crate::checks::{Aspect, Check};
use crate::consent::{Consent, Files, Use, ending, stem};
use crate::layout::{path, read};
use crate::manifest::Source;
use crate::verify::receipts;
use crate::verify::signed::Trust;
use crate::verify::work::Work;
use crate::{Date, Digest, Finding, FindingKind, Verified, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Checks every grant that the manifest names, and the receipts given under it.
pub(super) fn check(work: &Work<'_>, trust: &Trust, checks: &mut Vec<Check>) -> Vec<Verified<Consent>> {
    let mut sources: BTreeMap<Digest, Vec<&Source>> = BTreeMap::new();
    for source in &work.data.sources {
        if let Some(grant) = source.grant {
            sources.entry(grant).or_default().push(source);
        }
    }
    checks.extend(unnamed(work.dir, &sources.keys().copied().collect()));
    let mut all = Vec::new();
    for (id, sources) in sources {
        match opened(work.dir, id, trust) {
            Ok(consent) => {
                judge(work, &consent, &sources, checks);
                all.push(consent);
            }
            Err(finding) => checks.push(finding.into()),
        }
    }
    all
}

fn judge(work: &Work<'_>, consent: &Verified<Consent>, sources: &[&Source], checks: &mut Vec<Check>) {
    let subject = format!("{}/{}{}", path::CONSENT, stem(consent.id), ending::GRANT);
    let grant = &consent.grant.predicate;
    if !consent.is_issuer_trusted {
        let detail =
            format!("`{}` granted by the key {}, which is not trusted", grant.issuer.name, consent.issuer);
        checks.push(Finding::new(FindingKind::UnknownSigner, subject.clone(), detail).into());
    }
    let before = checks.len();
    let seen = receipts::check(work, consent, sources, checks);
    for source in sources {
        let done = used(work, source, consent, seen.spent.unwrap_or_else(|| taught(work, sources)));
        let mut faults = consent.faults(&done);
        faults.extend(altered(source, consent));
        faults.extend(unbound(work, source, consent, &done));
        // Several sources may stand under one grant: each fault is told once.
        let faults = faults.into_iter().map(Check::from);
        let new: Vec<Check> = faults.filter(|fault| !checks.contains(fault)).collect();
        checks.extend(new);
    }
    if checks[before..].iter().all(|check| check.verdict == crate::checks::CheckVerdict::Pass) {
        let cap = grant.caps.tokens.map_or("no cap".to_owned(), |cap| format!("a cap of {cap} tokens"));
        let detail = format!("by `{}`, accepted, in force until {}, {cap}", grant.issuer.name, grant.until);
        checks.push(Check::pass(Aspect::Grant, subject, detail));
    }
}

/// The grant of that name, whatever stem its files go by.
fn opened(dir: &Path, id: Digest, trust: &Trust) -> Result<Verified<Consent>, Finding> {
    let name = format!("{}/{}{}", path::CONSENT, stem(id), ending::GRANT);
    let missing = |detail: String| Finding::new(FindingKind::MissingFile, name.clone(), detail);
    let read = |file: &str| match fs::read(dir.join(file)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(missing(error.to_string())),
    };
    let files = Files::beside(&name, read)?
        .ok_or_else(|| missing("the record names this grant, and it is not here".to_owned()))?;
    let consent = verify::consent(&files, trust)
        .map_err(|finding| Finding { subject: format!("{name}: {}", finding.subject), ..finding })?;
    if consent.id == id {
        return Ok(consent);
    }
    let detail = format!("it is the grant {}, the record names {id}", consent.id);
    Err(Finding::new(FindingKind::BrokenEdge, name, detail))
}

/// Files in the consent folder of a grant that no source names.
fn unnamed(dir: &Path, named: &BTreeSet<Digest>) -> Vec<Check> {
    let stems: BTreeSet<String> = named.iter().map(|id| stem(*id)).collect();
    let entries = fs::read_dir(dir.join(path::CONSENT)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let endings = [ending::GRANT, ending::ACCEPTANCE, ending::ACCEPTANCE_PROOF, ending::REVOCATION];
    let known = |name: &String| {
        let is_of = |ending: &str| name.strip_suffix(ending).is_some_and(|stem| stems.contains(stem));
        path::OFFER.strip_prefix(path::CONSENT).is_some_and(|offer| offer[1..] == **name)
            || endings.iter().any(|ending| is_of(ending))
    };
    let extra = names.into_iter().filter(|name| !known(name));
    extra
        .map(|name| {
            let subject = format!("{}/{name}", path::CONSENT);
            Finding::new(FindingKind::ExtraFile, subject, "no source of the record names this grant").into()
        })
        .collect()
}

/// Terms that the grant departs from have to be the ones that the record names.
fn altered(source: &Source, consent: &Consent) -> impl Iterator<Item = Finding> {
    let grant = &consent.grant.predicate;
    let differ = source.terms.iter().filter_map(|terms| {
        let based = grant.departs_from(&terms.id)?;
        (based != terms.digest).then(|| {
            let detail = format!("the record names {} of `{}`, the grant {based}", terms.digest, terms.id);
            Finding::new(FindingKind::AlteredTerms, source.id.clone(), detail)
        })
    });
    differ.collect::<Vec<_>>().into_iter()
}

/// What has to be recorded for a grant to be held against it.
fn unbound(work: &Work<'_>, source: &Source, consent: &Consent, done: &Use) -> Vec<Finding> {
    let grant = &consent.grant.predicate;
    let mut found = Vec::new();
    if done.asset.is_none() {
        let detail = "the record names neither the weights nor the offer that the grant is about";
        found.push(Finding::new(FindingKind::WrongAsset, source.id.clone(), detail));
    }
    if grant.caps.student_parameters.is_some() && done.student_parameters.is_none() {
        let detail = "the grant bounds the student's parameters, and its weights cannot be counted";
        found.push(Finding::new(FindingKind::StudentTooLarge, path::MODEL, detail));
    }
    if let Some(offer) = source.teacher.as_ref().and_then(|teacher| teacher.offer) {
        match read(work.dir, path::OFFER) {
            Ok(bytes) if Digest::of(&bytes) == offer => {}
            Ok(bytes) => {
                let detail = format!("recorded as {offer}, found {}", Digest::of(&bytes));
                found.push(Finding::new(FindingKind::BadDigest, path::OFFER, detail));
            }
            Err(finding) => found.push(finding),
        }
    }
    found
}

/// What was done with one source.
fn used(work: &Work<'_>, source: &Source, consent: &Consent, tokens: u64) -> Use {
    let teacher = source.teacher.as_ref();
    let is_api = consent.grant.predicate.asset.kind == "api";
    let asset = teacher.and_then(|teacher| if is_api { teacher.offer } else { teacher.weights });
    let parameters = work.run.map(|run| &run.predicate.build_definition.external_parameters);
    let audience = parameters.and_then(|plan| plan["declared"]["audience"].as_str());
    let metadata = work.run.map(|run| &run.predicate.run_details.metadata);
    let day = |time: Option<&String>| time.and_then(|time| time.get(..10)?.parse::<Date>().ok());
    let days = metadata
        .and_then(|metadata| Some((day(metadata.started_on.as_ref())?, day(metadata.finished_on.as_ref())?)));
    Use {
        builder: work.builder,
        asset,
        name: is_api.then(|| teacher.map_or_else(String::new, |teacher| teacher.name.clone())),
        audience: audience.map(str::to_owned),
        student_parameters: parameters_of(&work.dir.join(path::MODEL)),
        tokens: Some(tokens),
        days,
    }
}

fn taught(work: &Work<'_>, sources: &[&Source]) -> u64 {
    let counts = sources.iter().filter_map(|source| work.records.taught.get(&source.id));
    counts.fold(0, |sum: u64, count| sum.saturating_add(*count))
}

/// How many numbers the model's weights are, by the headers of its safetensors files; none where one cannot be read.
fn parameters_of(model: &Path) -> Option<u64> {
    let mut total: Option<u64> = None;
    for entry in fs::read_dir(model).ok()? {
        let path = entry.ok()?.path();
        let numbers = if path.is_dir() {
            let Some(inside) = parameters_of(&path) else { continue };
            inside
        } else if path.extension().is_some_and(|extension| extension == "safetensors") {
            numbers_in(&path)?
        } else {
            continue;
        };
        total = Some(total.unwrap_or_default().checked_add(numbers)?);
    }
    total
}

fn numbers_in(file: &Path) -> Option<u64> {
    use std::io::Read as _;
    const LONGEST_HEADER: u64 = 100 << 20;
    let mut file = fs::File::open(file).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    if LONGEST_HEADER < length {
        return None;
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).ok()?;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&header).ok()?;
    let tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
    let mut sum: u64 = 0;
    for (_, tensor) in tensors {
        let mut sizes = tensor["shape"].as_array()?.iter().map(serde_json::Value::as_u64);
        let numbers = sizes.try_fold(1_u64, |product, size| product.checked_mul(size?))?;
        sum = sum.checked_add(numbers)?;
    }
    Some(sum)
}
