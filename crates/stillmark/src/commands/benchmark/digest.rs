//! `stillmark benchmark digest PATH…`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_benchmark::copies::{Copy, Note};
use stillmark_benchmark::digest::{self, Roots, SubsetDigest};
use stillmark_benchmark::registry::{self, Against};

use super::copies;
use crate::exit::ExitStatus;
use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark digest` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark digest mmlu/test\n\n\
                        All paths together are one copy. Exit code 0, also where it departs from the registry.")]
pub(crate) struct Args {
    /// A file (CSV, JSON Lines, JSON, Parquet, text, also compressed) or a folder with one file a subset
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Compare with this benchmark of the registry, not with the one that is recognized
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    digests: Roots,
    counts: Counts,
    known: Option<Known<'a>>,
    subsets: Vec<Subset<'a>>,
    /// Where the copy departs from the pinned benchmark.
    rows: &'a [registry::Departure],
    notes: &'a [Note],
}

#[derive(Serialize)]
struct Counts {
    records: usize,
    subsets: usize,
    /// Records that stand more than once, each counted as often beyond the first.
    repeated: usize,
}

#[derive(Serialize)]
struct Known<'a> {
    name: &'a str,
    title: &'a str,
    verdict: &'static str,
    digests: &'a Roots,
    counts: &'a registry::Counts,
}

#[derive(Serialize)]
struct Subset<'a> {
    name: &'a str,
    split: &'a str,
    n: usize,
    digests: &'a Roots,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<&'static str>,
}

/// Prints the digests of a copy, and whether the registry knows it.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let mut copy = copies::read(&args.paths, session.talk)?;
    let pinned = super::pinned(args.against.as_deref(), &copy)?;
    if let Some(pinned) = pinned {
        pinned.rename(&mut copy.subsets);
    }
    let digests: Vec<SubsetDigest> = copy.subsets.iter().map(digest::subset).collect();
    let against = pinned.map(|pinned| pinned.compare(&copy.subsets, &digests));
    let answer = answer(&copy, &digests, against.as_ref());
    session.answer(&answer, || told(&answer))?;
    Ok(ExitStatus::Done)
}

fn answer<'a>(copy: &'a Copy, digests: &'a [SubsetDigest], against: Option<&'a Against>) -> Answer<'a> {
    let mut leaves: Vec<_> =
        digests.iter().flat_map(|subset| &subset.leaves).map(|leaf| leaf.strict).collect();
    leaves.sort_unstable();
    let records = leaves.len();
    leaves.dedup();
    let known = against.map(|against| Known {
        name: against.pinned.name(),
        title: against.pinned.title(),
        verdict: against.verdict.code(),
        digests: against.pinned.roots(),
        counts: &against.counts,
    });
    let subset = |(idx, subset): (usize, &'a SubsetDigest)| Subset {
        name: &subset.name,
        split: &subset.split,
        n: subset.leaves.len(),
        digests: &subset.roots,
        pinned: against.and_then(|against| against.subsets[idx]).map(registry::Match::code),
    };
    Answer {
        schema: "stillmark/benchmark-digest/v1",
        digests: digest::bench(digests.iter().map(SubsetDigest::part)),
        counts: Counts { records, subsets: digests.len(), repeated: records - leaves.len() },
        known,
        subsets: digests.iter().enumerate().map(subset).collect(),
        rows: against.map_or(&[], |against| &against.rows),
        notes: &copy.notes,
    }
}

/// Subsets that are shown one by one.
const SHOWN: usize = 12;

fn told(answer: &Answer<'_>) -> String {
    let mut lines = Vec::new();
    match &answer.known {
        Some(known) => {
            lines.push(format!("{}: {}", known.title, known.verdict));
            lines.extend(departures(known, answer.rows));
        }
        None => lines.push("no benchmark of the registry: nothing is pinned for it".to_owned()),
    }
    let Counts { records, subsets, repeated } = answer.counts;
    let again = if repeated == 0 { String::new() } else { format!(", {repeated} of them repetitions") };
    let word = if subsets == 1 { "subset" } else { "subsets" };
    lines.push(format!("{records} records in {subsets} {word}{again}"));
    lines.extend(roots(&answer.digests));
    if answer.subsets.len() > 1 {
        let width =
            answer.subsets.iter().take(SHOWN).map(|subset| subset.name.len()).max().unwrap_or_default();
        lines.push(format!("  {:<width$}  {:>6}  strict", "subset", "n"));
        lines.extend(answer.subsets.iter().take(SHOWN).map(|subset| {
            format!(
                "  {:<width$}  {:>6}  {:.16}…  {}",
                subset.name,
                subset.n,
                subset.digests.strict.to_string(),
                subset.pinned.unwrap_or_default()
            )
        }));
        if answer.subsets.len() > SHOWN {
            lines.push(format!("  … {} more: --format json lists all", answer.subsets.len() - SHOWN));
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn departures(known: &Known<'_>, rows: &[registry::Departure]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let counts = known.counts.named().into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(word, count)| format!("{count} {word}")).collect();
    let mut lines = vec![format!("  {}", counts.join(", "))];
    lines.extend(rows.iter().take(SHOWN).map(|row| format!("  {}", row.told())));
    if rows.len() > SHOWN {
        lines.push(format!("  … {} more: --format json lists all", rows.len() - SHOWN));
    }
    lines
}

fn roots(roots: &Roots) -> [String; 4] {
    [
        format!("  strict      {}", roots.strict),
        format!("  loose       {}", roots.loose),
        format!("  order-free  {}", roots.order_free),
        format!("  gold-free   {}", roots.gold_free),
    ]
}
