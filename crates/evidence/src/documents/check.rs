//! Every document of a folder against its record.

use super::card::{Told, absent_sections, off_sections};
use super::facts::{Facts, Stated, facts, key};
use super::kind::Kind;
use super::record::Record;
use super::{croissant, cyclonedx, scores, spdx, table};
use crate::card::{self, Contradiction};
use crate::checks::{Aspect, Check};
use crate::layout::{path, read};
use crate::{Finding, FindingKind, license};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const FOLDER: &str = "disclosure";

/// Names whose first word is one of these form closed lists: the record names all of them.
const CLOSED: [&str; 10] = [
    "grant",
    "teacher",
    "source",
    "duty",
    "accepted",
    "records",
    "weights",
    "evidence",
    "held-out",
    "benchmark",
];

/// Compares what the documents of a folder state with its record; one that cannot be read is malformed.
pub(crate) fn check(dir: &Path, record: &Record<'_>, checks: &mut Vec<Check>) -> Vec<Contradiction> {
    let known = facts(record);
    let mut found = Vec::new();
    let mut read_ones = 0_usize;
    if let Ok(card) = read(dir, path::CARD) {
        let off = off_sections(&String::from_utf8_lossy(&card), &Told::of(record));
        found.extend(in_file(path::CARD, off));
    }
    let mut is_sound = true;
    for kind in Kind::ALL {
        if !dir.join(kind.path()).exists() {
            continue;
        }
        read_ones += 1;
        match document(dir, kind, record, &known) {
            Ok(contradictions) => found.extend(contradictions),
            Err(finding) => {
                is_sound = false;
                checks.push(Finding { subject: kind.path().to_owned(), ..finding }.into());
            }
        }
    }
    if 0 < read_ones && found.is_empty() && is_sound {
        let detail = format!("{read_ones} documents state what the signed record says");
        checks.push(Check::pass(Aspect::Documents, FOLDER, detail));
    }
    found
}

fn document(
    dir: &Path,
    kind: Kind,
    record: &Record<'_>,
    known: &Facts,
) -> Result<Vec<Contradiction>, Finding> {
    let text = String::from_utf8(read(dir, kind.path())?)
        .map_err(|_| Finding::new(FindingKind::Malformed, kind.path(), "it is not text in UTF-8"))?;
    let stated = match kind {
        Kind::ModelCard => return proposed(kind.path(), &text, record),
        Kind::Scores => scores::read(&text),
        Kind::CycloneDx16 => cyclonedx::read(&text, "1.6"),
        Kind::CycloneDx17 => cyclonedx::read(&text, "1.7"),
        Kind::Spdx => spdx::read(&text),
        Kind::Croissant => croissant::read(&text),
        Kind::EuSummary | Kind::DocumentationForm | Kind::Notice => Ok(table::read(&text)),
    };
    let stated = stated.map_err(|detail| Finding::new(FindingKind::Malformed, kind.path(), detail))?;
    Ok(compare(kind, &stated, known))
}

/// A proposed card: its claims, and its sections.
fn proposed(file: &str, text: &str, record: &Record<'_>) -> Result<Vec<Contradiction>, Finding> {
    let (stated, inner) = card::parse(text)?;
    let of_claims = inner.into_iter().chain(card::contradictions(&stated, &record.claims)).collect();
    let mut found: Vec<Contradiction> = in_file(file, of_claims).collect();
    found.extend(in_file(file, absent_sections(text, &Told::of(record))));
    found.extend(in_file(file, off_sections(text, &Told::of(record))));
    Ok(found)
}

fn in_file(file: &str, found: Vec<Contradiction>) -> impl Iterator<Item = Contradiction> {
    found.into_iter().map(move |one| Contradiction { field: format!("{file}: {}", one.field), ..one })
}

fn compare(kind: Kind, stated: &Stated, known: &Facts) -> Vec<Contradiction> {
    let by_key: BTreeMap<String, (&String, &String)> =
        known.iter().map(|(name, value)| (key(name), (name, value))).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    let mut differ = |name: &str, stated: &str, recorded: &str| {
        let field = format!("{}: {name}", kind.path());
        found.push(Contradiction { field, stated: stated.to_owned(), recorded: recorded.to_owned() });
    };
    for (name, value) in stated {
        if name == license::WRITTEN {
            let recorded = license::expression(known.get("license").map_or("other", String::as_str));
            seen.insert("license");
            if *value != recorded {
                differ("license", value, &recorded);
            }
        } else if let Some((name, recorded)) = by_key.get(&key(name)) {
            seen.insert(name);
            if !same(value, recorded) {
                differ(name, value, recorded);
            }
        } else if CLOSED.contains(&name.split([' ', '-']).next().unwrap_or_default()) || is_held_out(name) {
            differ(name, value, "nothing of that name");
        }
    }
    for (name, recorded) in known.iter().filter(|(name, _)| kind.carries(name)) {
        if !seen.contains(name.as_str()) {
            differ(name, "nothing", recorded);
        }
    }
    found
}

fn is_held_out(name: &str) -> bool {
    key(name).starts_with("held-out-")
}

/// Whether two spellings say the same, but for the spaces between words.
fn same(stated: &str, recorded: &str) -> bool {
    stated == recorded || stated.split_whitespace().eq(recorded.split_whitespace())
}
