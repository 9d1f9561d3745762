//! `stillmark benchmark claim`.

mod told;

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_benchmark::claim::grain::{self, Rounding, Scale};
use stillmark_benchmark::claim::subjects::{self, Subject};
use stillmark_benchmark::claim::{Metric, Named, Printed, Stated, Unclear, parse, spread};
use stillmark_benchmark::registry;

use crate::exit::ExitStatus;
use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark claim` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 1 where a number is impossible, 3 where it does not fit what stands beside it.\n\nExample:\n  stillmark benchmark claim \"76.4% on GSM8K, 67.1 pass@1 humaneval\""
)]
pub(crate) struct Args {
    /// The claim, as it was published
    #[arg(value_name = "TEXT")]
    text: String,
    /// How many items the score is over, where the benchmark is not known or was cut
    #[arg(long, value_name = "N")]
    items: Option<u64>,
    /// Over how many runs the score was averaged
    #[arg(long, default_value_t = 1, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: u64,
    /// Of how many runs the best may have been published
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    best_of: Option<u64>,
    /// Scores of the parts: CSV lines `name,items,score`
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
}

/// What is said of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// Nothing speaks against it.
    Possible,
    /// Every number could be written: the test has no power.
    NoPower,
    /// There is no test of such a score, or the number of items is not known.
    NotTestable,
    /// It is no rounded share, but a cut or raised one.
    OtherRounding,
    /// It is a count of more or fewer items than the benchmark has.
    OtherItems,
    /// The standard error beside it is not that of so many items.
    StderrMismatch,
    /// It is the mean of the parts' scores, not the share of all items.
    MacroMean,
    /// No count of items gives it.
    Impossible,
}

#[derive(Serialize)]
struct Count {
    rounding: &'static str,
    least: u64,
    greatest: u64,
}

#[derive(Serialize)]
struct Implied {
    stderr: f64,
    least_items: f64,
    greatest_items: f64,
}

#[derive(Serialize)]
struct Best {
    runs: u64,
    standard_error: f64,
    expected_inflation: f64,
    bound: f64,
}

#[derive(Serialize)]
struct Parts {
    micro: (f64, f64),
    #[serde(rename = "macro")]
    macro_: (f64, f64),
    impossible: Vec<String>,
}

#[derive(Serialize)]
struct Claimed {
    text: String,
    value: f64,
    benchmark: Option<&'static str>,
    /// A subject or task of it.
    subset: Option<&'static str>,
    items: Option<u64>,
    verdict: Verdict,
    /// Counts of right items that are written so.
    counts: Vec<Count>,
    /// The share of all numbers with so many decimals that can be written.
    possible_share: Option<f64>,
    implied: Option<Implied>,
    best_of: Option<Best>,
    subjects: Option<Parts>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Apart {
    z: f64,
    p: f64,
    ln_p: f64,
}

#[derive(Serialize)]
struct Told {
    schema: &'static str,
    verdict: Verdict,
    claims: Vec<Claimed>,
    /// The first two claims, where they are about one benchmark.
    apart: Option<Apart>,
    cannot_show: &'static str,
}

const CANNOT_SHOW: &str = "A number that is possible may still be wrong: without a log nothing shows that it was measured (level L0).";

/// Judges a published number.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let stated = parse(&args.text).map_err(|why| unclear(&why))?;
    if stated.is_empty() {
        return Err(Problem::new("there is no number in that claim")
            .hint("write it as it was published: \"76.4% on GSM8K\"")
            .into());
    }
    if args.items == Some(0) {
        return Err(Problem::new("`--items 0` makes no sense")
            .hint("a score is over one item at least")
            .into());
    }
    let parts = args.subjects.as_deref().map(read_subjects).transpose()?;
    let claims: Vec<Claimed> =
        stated.iter().map(|stated| judge(args, stated, parts.as_deref())).collect::<Result<_, _>>()?;
    let verdict = claims.iter().map(|claim| claim.verdict).max().unwrap_or(Verdict::NotTestable);
    let apart = apart(&claims);
    let answer =
        Told { schema: "stillmark/benchmark-claim/v1", verdict, claims, apart, cannot_show: CANNOT_SHOW };
    session.answer(&answer, || told::told(&answer))?;
    Ok(match verdict {
        Verdict::Impossible => ExitStatus::Negative,
        Verdict::OtherRounding | Verdict::OtherItems | Verdict::StderrMismatch | Verdict::MacroMean => {
            ExitStatus::Review
        }
        Verdict::Possible | Verdict::NoPower | Verdict::NotTestable => ExitStatus::Done,
    })
}

fn unclear(why: &Unclear) -> Problem {
    let hint = match why {
        Unclear::Several { .. } => {
            "put `%` behind the score, or `±` and its standard error, or leave the other numbers out"
        }
        Unclear::Comma { .. } => "write a point before decimals, and nothing between thousands",
        Unclear::Number { .. } => "write the score as `76.4%`, `0.764` or `1007/1319`",
    };
    Problem::new(why.to_string()).hint(hint)
}

fn judge(args: &Args, stated: &Stated, parts: Option<&[Subject]>) -> Result<Claimed, Problem> {
    let (benchmark, subset) = match stated.named {
        Some(Named::Pinned { benchmark, subset }) => (Some(benchmark), subset),
        _ => (None, None),
    };
    let counted = stated.count.map(|count| count.items);
    let items = args.items.or_else(|| pinned_items(benchmark?, subset)).or(counted);
    let mut claim = Claimed {
        text: stated.text.clone(),
        value: stated.share(),
        benchmark,
        subset,
        items,
        verdict: Verdict::NotTestable,
        counts: Vec::new(),
        possible_share: None,
        implied: None,
        best_of: None,
        subjects: None,
        notes: Vec::new(),
    };
    if let Some(Named::Other { name, pinned }) = &stated.named {
        claim
            .notes
            .push(format!("`{name}` is not read as {pinned}: it may be another benchmark, with other items"));
    }
    if counted == Some(0) {
        return Err(Problem::new(format!("`{}` counts no items", stated.text))
            .hint("a score is over one item at least"));
    }
    if claim.value > 1.0 {
        claim.verdict = Verdict::Impossible;
        claim.notes.push("a share cannot be greater than 100 %".to_owned());
        return Ok(claim);
    }
    match (stated.metric, items) {
        (Metric::Graded, _) => {
            claim
                .notes
                .push("items of this metric may be partly right: no count stands behind it".to_owned());
        }
        (Metric::AnyOf(k), _) => claim.notes.push(format!(
            "pass@{k} is estimated from {k} or more answers to each task, 1 − C(n − c, {k}) / C(n, {k}) for c of n right, so tasks count in parts: no count stands behind it"
        )),
        (_, None) => claim.notes.push("the number of items is not known: give it with --items".to_owned()),
        (Metric::RightOrWrong, Some(items)) => right_or_wrong(&mut claim, args, stated, items)?,
    }
    claim.best_of = args.best_of.zip(items).map(|(runs, items)| best_of(claim.value, runs, items));
    if let Some(parts) = parts {
        means(&mut claim, stated, parts);
    }
    Ok(claim)
}

fn best_of(share: f64, runs: u64, items: u64) -> Best {
    let standard_error = spread::stderr(share, items);
    Best {
        runs,
        standard_error,
        expected_inflation: standard_error * spread::best_of(runs),
        bound: standard_error * spread::best_of_bound(runs),
    }
}

/// The number of items of a pinned benchmark, or of one subset.
fn pinned_items(benchmark: &str, subset: Option<&str>) -> Option<u64> {
    // TruthfulQA is pinned once for each way of asking.
    if benchmark == "truthfulqa" {
        return Some(817);
    }
    let pinned = registry::find(benchmark)?;
    let Some(subset) = subset else { return Some(pinned.n() as u64) };
    let found = pinned.subsets().iter().find(|one| one.name == subset)?;
    Some(found.marks.len() as u64)
}

fn right_or_wrong(claim: &mut Claimed, args: &Args, stated: &Stated, items: u64) -> Result<(), Problem> {
    let runs = args.runs.saturating_mul(stated.runs);
    let parts = items.checked_mul(runs).ok_or_else(|| {
        Problem::new(format!("{items} items times {runs} runs are more than can be counted"))
            .hint("check `--items` and `--runs`")
    })?;
    match stated.value {
        Some(value) => grains(claim, value, stated.scale, parts),
        None => claim.verdict = Verdict::Possible,
    }
    counted(claim, stated, parts);
    stderrs(claim, stated, items);
    let answers_once = runs == 1 && matches!(claim.verdict, Verdict::Impossible | Verdict::OtherRounding);
    if answers_once && claim.benchmark == Some("humaneval") {
        claim.notes.push(
            "this holds where each task was answered once: pass@1 is often the mean over many answers to each task; for k answers give `--runs k`"
                .to_owned(),
        );
    }
    Ok(())
}

fn grains(claim: &mut Claimed, value: Printed, scale: Scale, parts: u64) {
    let found = grain::grain(value, scale, parts);
    claim.possible_share = Some(found.possible_share);
    claim.verdict = if found.is_possible() {
        if found.possible_share >= 1.0 { Verdict::NoPower } else { Verdict::Possible }
    } else if found.counts.is_empty() {
        Verdict::Impossible
    } else {
        Verdict::OtherRounding
    };
    claim.counts = found
        .counts
        .iter()
        .map(|&(rounding, least, greatest)| Count { rounding: word(rounding), least, greatest })
        .collect();
}

/// Holds `k of n` against the number of items and the number beside it.
fn counted(claim: &mut Claimed, stated: &Stated, parts: u64) {
    let Some(count) = stated.count else { return };
    if stated.value.is_none() {
        claim.counts =
            vec![Count { rounding: word(Rounding::Exact), least: count.right, greatest: count.right }];
    }
    if let Some(value) = stated.value {
        let found = grain::grain(value, stated.scale, count.items);
        let is_it = |&(_, least, greatest): &(Rounding, u64, u64)| (least..=greatest).contains(&count.right);
        if !found.counts.iter().any(is_it) {
            claim.verdict = Verdict::Impossible;
            claim
                .notes
                .push(format!("{} of {} is not written so, however it is rounded", count.right, count.items));
        }
    }
    if count.items != parts {
        claim.verdict = claim.verdict.max(Verdict::OtherItems);
        claim.notes.push(format!(
            "it counts {} items, not {parts}: a part of them, or another benchmark",
            count.items
        ));
    }
}

fn word(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Exact => "exact",
        Rounding::Nearest => "nearest",
        Rounding::Down => "down",
        Rounding::Up => "up",
    }
}

fn stderrs(claim: &mut Claimed, stated: &Stated, items: u64) {
    let (Some(printed), Some(value)) = (stated.stderr, stated.value) else { return };
    let whole = stated.scale.whole();
    let (share, (stderr, off)) = (spread::range(value, whole), spread::range(printed, whole));
    let Some((least, greatest)) = spread::items_implied(share, (stderr, off)) else { return };
    claim.implied = Some(Implied { stderr, least_items: least, greatest_items: greatest });
    let fits = |factor: f64| {
        spread::items_implied(share, (stderr / factor, off / factor))
            .is_some_and(|(least, greatest)| least <= items as f64 + 0.5 && items as f64 - 0.5 <= greatest)
    };
    if fits(1.0) {
        return;
    }
    if fits(1.96) {
        claim
            .notes
            .push("what stands behind ± is half the width of a 95 % interval, no standard error".to_owned());
        return;
    }
    claim.verdict = claim.verdict.max(Verdict::StderrMismatch);
    claim.notes.push(format!(
        "a standard error of {stderr} is that of {least:.0} to {greatest:.0} items, not of {items}: fewer items, another kind of error, or a wrong number"
    ));
}

fn means(claim: &mut Claimed, stated: &Stated, parts: &[Subject]) {
    let Some(value) = stated.value else { return };
    let means = subjects::means(parts, stated.scale);
    let (micro, macro_) =
        (subjects::fits(value, stated.scale, means.micro), subjects::fits(value, stated.scale, means.macro_));
    if !means.impossible.is_empty() {
        claim.verdict = Verdict::Impossible;
        claim.notes.push(format!("no count of items gives the scores of {}", means.impossible.join(", ")));
    } else if !micro && macro_ {
        claim.verdict = claim.verdict.max(Verdict::MacroMean);
        claim.notes.push("it is the mean of the parts' scores, not the share of all items right".to_owned());
    } else if !micro {
        claim.verdict = Verdict::Impossible;
        claim.notes.push(
            "neither the share of all items nor the mean of the parts' scores is written so".to_owned(),
        );
    }
    claim.subjects = Some(Parts { micro: means.micro, macro_: means.macro_, impossible: means.impossible });
}

/// Reads lines of a name, a number of items and a score.
fn read_subjects(path: &Path) -> Result<Vec<Subject>, Problem> {
    let text = files::read_text(path)?;
    let mut subjects = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut cells = line.rsplitn(3, ',').map(str::trim);
        let (score, items, name) = (cells.next(), cells.next(), cells.next());
        let subject = score
            .and_then(|score| Printed::parse(score.trim_end_matches('%').trim()))
            .zip(items.and_then(|items| items.parse::<u64>().ok()).filter(|&items| items > 0));
        match (subject, name) {
            (Some((score, items)), Some(name)) => {
                subjects.push(Subject { name: name.to_owned(), items, score });
            }
            // The first line may name the columns.
            _ if number == 0 => {}
            _ => {
                return Err(Problem::new(format!(
                    "{}, line {}: no part of a benchmark",
                    path.display(),
                    number + 1
                ))
                .hint("a line is `name,items,score`: `anatomy,135,0.63`"));
            }
        }
    }
    if subjects.is_empty() {
        return Err(Problem::new(format!("{} holds no part of a benchmark", path.display()))
            .hint("a line is `name,items,score`: `anatomy,135,0.63`"));
    }
    Ok(subjects)
}

fn apart(claims: &[Claimed]) -> Option<Apart> {
    let [first, second] = claims else { return None };
    if first.benchmark.is_none() || (first.benchmark, first.subset) != (second.benchmark, second.subset) {
        return None;
    }
    let of = |claim: &Claimed| Some((claim.value, spread::stderr(claim.value, claim.items?)));
    let (z, p) = spread::apart(of(first)?, of(second)?);
    z.is_finite().then(|| Apart { z, p: p.value(), ln_p: p.ln() })
}
