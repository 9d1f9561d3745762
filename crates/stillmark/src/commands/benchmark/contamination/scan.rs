//! `stillmark benchmark contamination scan`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use stillmark_benchmark::contamination::scan::{self, Found, GramLength, Index, Place};
use stillmark_benchmark::{digest, record::View};
use stillmark_evidence::Digest;
use stillmark_evidence::contamination::ContaminationFinding;

use super::gap::{self, Known};
use super::search::{How, search};
use super::{check_level, corpus, told};
use crate::commands::benchmark::copies;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::interrupt;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// Items that the answer names.
const NAMED: usize = 20;
/// Fewer words of a whole text come together by chance (GPT-3's authors took 8 as the least).
const LEAST: usize = 8;

/// What `benchmark contamination scan` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 1 where an item is found, else 0.\n\nExample:\n  stillmark benchmark contamination scan corpus/ --benchmark mmlu/test --dirty dirty.jsonl"
)]
pub(crate) struct Args {
    /// The corpus: JSON Lines, plain text (also .gz, .zst, .bz2), Parquet, or folders of such files
    #[arg(required = true, value_name = "CORPUS")]
    corpus: Vec<PathBuf>,
    /// A copy of a benchmark: a file or a folder; may be given several times
    #[arg(long = "benchmark", required = true, value_name = "PATH")]
    benchmarks: Vec<PathBuf>,
    /// How many words make a run that counts
    #[arg(long = "n", default_value_t = 13, value_name = "WORDS")]
    n: usize,
    #[command(flatten)]
    how: How,
    /// Logs of an evaluation on these benchmarks: says whether items that were found score higher than others
    #[arg(long, value_name = "LOG")]
    scores: Vec<PathBuf>,
    /// The rate of false alarms of that test
    #[arg(long, default_value_t = 0.01, requires = "scores", value_name = "RATE")]
    level: f64,
    /// Write the items that were found, a JSON object a line
    #[arg(long, value_name = "FILE")]
    dirty: Option<PathBuf>,
    /// Write the items that were not found, a JSON object a line
    #[arg(long, value_name = "FILE")]
    clean: Option<PathBuf>,
}

/// An item by where it lies.
#[derive(Debug, Clone, Serialize)]
struct Item {
    subset: String,
    split: String,
    /// Its place in its subset, from 0.
    index: usize,
    /// Its strict hash, where scores are asked for.
    #[serde(skip)]
    record: Option<Digest>,
}

#[derive(Serialize)]
struct Spot<'a> {
    file: &'a str,
    line: u64,
    byte: u64,
}

#[derive(Serialize)]
struct Hit<'a> {
    #[serde(flatten)]
    item: &'a Item,
    words: usize,
    /// Fewer words than come together by chance only seldom.
    short: bool,
    runs: usize,
    runs_found: usize,
    share: f64,
    words_covered: usize,
    longest: usize,
    most_seen: u64,
    places: Vec<Spot<'a>>,
}

#[derive(Default, Serialize)]
struct Counts {
    items: usize,
    hit: usize,
    /// Of those hit, items of fewer words than come together by chance only seldom.
    short: usize,
}

#[derive(Serialize)]
struct Told<'a> {
    schema: &'static str,
    n: usize,
    items: usize,
    items_hit: usize,
    items_short: usize,
    runs: usize,
    index_bytes: usize,
    files: usize,
    documents: u64,
    text_bytes: u64,
    subsets: BTreeMap<String, Counts>,
    /// The items with the greatest shares.
    hits: Vec<&'a Hit<'a>>,
    /// Whether items that were found score higher than others, where scores were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<ContaminationFinding>,
    cannot_show: [&'static str; 3],
}

const CANNOT_SHOW: [&str; 3] = [
    "Overlap is a fact about the corpus, no p-value, and does not say that a model learned from it.",
    "Paraphrases, translations and texts changed every few words are not found; letters beyond ASCII are compared as they stand.",
    "Nothing is said of text that was not given: no item found is no evidence about other training data.",
];

/// Scans.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let length = GramLength::new(args.n).ok_or_else(|| {
        Problem::new(format!("`--n {}` cannot be looked for", args.n))
            .hint(format!("a run has 1 to {} words; 13 is usual", GramLength::MOST))
    })?;
    check_level(args.level)?;
    interrupt::listen()?;
    let (index, items) = index(args, length, session)?;
    let files = corpus::find(&args.corpus)?;
    let tally = search(&args.how, &index, &files, session)?;
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    let gap = gap(args, &items, scan::found(&index, &tally), session)?;
    let mut subsets: BTreeMap<String, Counts> = BTreeMap::new();
    let mut hits = Vec::new();
    let mut clean = String::new();
    for found in scan::found(&index, &tally) {
        let item = &items[found.item];
        let counts = subsets.entry(item.subset.clone()).or_default();
        counts.items += 1;
        if found.is_hit() {
            let hit = hit(item, &found, &names);
            counts.hit += 1;
            counts.short += usize::from(hit.short);
            hits.push(hit);
        } else {
            clean += &line(item)?;
        }
    }
    if let Some(path) = &args.dirty {
        let lines = hits.iter().map(line).collect::<Result<String, _>>()?;
        files::write(path, lines.as_bytes(), Secrecy::Public)?;
    }
    if let Some(path) = &args.clean {
        files::write(path, clean.as_bytes(), Secrecy::Public)?;
    }
    let named = named(&hits);
    let answer = Told {
        schema: "stillmark/benchmark-contamination-scan/v1",
        n: args.n,
        items: items.len(),
        items_hit: hits.len(),
        items_short: hits.iter().filter(|hit| hit.short).count(),
        runs: index.grams(),
        index_bytes: index.size_bytes(),
        files: files.len(),
        documents: tally.documents,
        text_bytes: tally.text_bytes,
        subsets,
        hits: named,
        gap,
        cannot_show: CANNOT_SHOW,
    };
    session.answer(&answer, || human(&answer))?;
    Ok(if answer.items_hit > 0 { ExitStatus::Negative } else { ExitStatus::Done })
}

/// Whether items that were found score higher than others, where scores were given.
fn gap(
    args: &Args,
    items: &[Item],
    found: impl Iterator<Item = Found>,
    session: &Session,
) -> Result<Option<ContaminationFinding>, Stop> {
    if args.scores.is_empty() {
        return Ok(None);
    }
    let mut known: Known = BTreeMap::new();
    for found in found {
        if let Some(record) = items[found.item].record {
            known.entry(record).or_insert((found.words, false)).1 |= found.is_hit();
        }
    }
    gap::judge(&args.scores, &known, args.level, session).map(Some)
}

/// The items with the greatest shares, long ones first.
fn named<'h, 'a>(hits: &'h [Hit<'a>]) -> Vec<&'h Hit<'a>> {
    let mut named: Vec<&Hit<'_>> = hits.iter().collect();
    named.sort_by(|a, b| a.short.cmp(&b.short).then(b.share.total_cmp(&a.share)));
    named.truncate(NAMED);
    named
}

fn index(args: &Args, length: GramLength, session: &Session) -> Result<(Index, Vec<Item>), Problem> {
    let mut index = Index::new(length, LEAST);
    let mut items = Vec::new();
    for path in &args.benchmarks {
        let copy = copies::read(std::slice::from_ref(path), session.talk)?;
        for subset in &copy.subsets {
            for (at, record) in subset.records.iter().enumerate() {
                if !index.push_record(record) {
                    return Err(Problem::new("the benchmarks hold more than 4 GB of text")
                        .hint("scan for fewer of them at a time"));
                }
                let record = (!args.scores.is_empty()).then(|| digest::leaf(record, View::Strict));
                let (subset, split) = (subset.name.clone(), subset.split.clone());
                items.push(Item { subset, split, index: at, record });
            }
        }
    }
    index.finish();
    Ok((index, items))
}

fn hit<'a>(item: &'a Item, found: &Found, names: &'a [String]) -> Hit<'a> {
    let spot = |place: &Place| Spot {
        file: names.get(place.file as usize).map_or("", String::as_str),
        line: place.line,
        byte: place.byte,
    };
    Hit {
        item,
        words: found.words,
        short: found.words < LEAST,
        runs: found.runs,
        runs_found: found.runs_found,
        share: found.share(),
        words_covered: found.words_covered,
        longest: found.longest,
        most_seen: found.most_seen,
        places: found.places.iter().map(spot).collect(),
    }
}

fn line(value: &impl Serialize) -> Result<String, Problem> {
    let line = serde_json::to_string(value)
        .map_err(|err| Problem::new("an item could not be written as JSON").cause(err.to_string()))?;
    Ok(line + "\n")
}

fn human(answer: &Told<'_>) -> String {
    let mut lines = vec![format!(
        "{} of {} items are in the corpus, whole or in runs of {} words ({} documents, {} bytes of text)",
        answer.items_hit, answer.items, answer.n, answer.documents, answer.text_bytes
    )];
    if answer.items_short > 0 {
        lines.push(format!(
            "  {} of them have fewer than {LEAST} words, which come together by chance",
            answer.items_short
        ));
    }
    for (name, counts) in answer.subsets.iter().filter(|(_, counts)| counts.hit > 0) {
        lines.push(format!("  {:>6} of {:>6}  {name}", counts.hit, counts.items));
    }
    for hit in &answer.hits {
        let place = hit
            .places
            .first()
            .map_or(String::new(), |spot| format!("{}, line {}, byte {}", spot.file, spot.line, spot.byte));
        lines.push(format!(
            "  found     {} {}: {} of {} runs, {} words in a row; {place}",
            hit.item.subset, hit.item.index, hit.runs_found, hit.runs, hit.longest
        ));
    }
    lines.extend(answer.cannot_show.iter().map(|line| format!("  note      {line}")));
    if let Some(finding) = &answer.gap {
        lines.push(format!("\n{}", told::human(finding)));
    }
    lines.join("\n")
}
