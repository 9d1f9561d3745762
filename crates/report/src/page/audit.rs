//! The page of an audit of benchmark logs.

use serde::Serialize;
use stillmark_evidence::Verified;
use stillmark_evidence::audit::{Audit, Found, Level, Open, Score, Severity, SpotCheck, Verdict};
use stillmark_evidence::verify::AuditFacts;

use super::{Error, STYLE, facts, filled};
use crate::chart::{Cell, Claim, claims, heat};
use crate::number::{grouped, percent};

const TEMPLATE: &str = include_str!("../../templates/audit.html");
/// Rows that the table of a class has at most.
const MOST_ROWS: usize = 100;
/// Subjects from which on they are drawn as a field.
const LEAST_SUBJECTS: usize = 3;
/// How far two numbers may lie apart and still be one: what a rounded sum leaves.
const SAME: f64 = 1e-9;

/// All that the template reads.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    record: facts::Record,
    claim: Option<Headline>,
    chart: Option<String>,
    field: Option<String>,
    field_metric: String,
    rows: Vec<Row>,
    classes: Vec<Class<'a>>,
    left_out: u64,
    undecidable: &'a [Open],
    not_checked: &'a [Open],
    cannot_show: &'a [String],
    spot_check: Option<Vec<(&'static str, String)>>,
    files: Vec<(&'a str, &'a str, String, String)>,
    checks: Vec<facts::Group>,
    rendered_at: &'a str,
    tool: &'a str,
}

/// What the audit says, in careful words.
#[derive(Serialize)]
struct Headline {
    tone: &'static str,
    text: String,
    level: String,
    shows: &'static str,
}

/// One score as a row.
#[derive(Serialize)]
struct Row {
    name: String,
    metric: String,
    n: String,
    claimed: String,
    recomputed: String,
    difference: String,
    interval: String,
    agrees: bool,
}

/// The findings of one class.
#[derive(Serialize)]
struct Class<'a> {
    code: &'a str,
    severity: &'static str,
    tone: &'static str,
    count: usize,
    rows: Vec<&'a Found>,
    left_out: usize,
}

/// Renders one self-contained HTML page from a verified audit.
pub fn render_audit(facts: &Verified<AuditFacts>, rendered_at: &str, tool: &str) -> Result<String, Error> {
    let audit = facts.audit.as_ref();
    let scores = audit.map_or(&[][..], |audit| &audit.scores);
    let overall: Vec<&Score> = overall(scores);
    let (field, field_metric) = field(scores, audit.map_or(&[], |audit| &audit.findings)).unzip();
    let page = Page {
        style: STYLE,
        record: facts::record(&facts.report, facts.signer),
        claim: audit.map(headline),
        chart: Some(claims("Claimed and recomputed", &drawn(&overall))).filter(|_| !overall.is_empty()),
        field,
        field_metric: field_metric.unwrap_or_default(),
        rows: scores.iter().map(row).collect(),
        classes: audit.map(classes).unwrap_or_default(),
        left_out: audit.map_or(0, |audit| audit.findings_left_out),
        undecidable: audit.map_or(&[], |audit| &audit.undecidable),
        not_checked: audit.map_or(&[], |audit| &audit.not_checked),
        cannot_show: audit.map_or(&[], |audit| &audit.cannot_show),
        spot_check: audit.and_then(|audit| audit.spot_check.as_ref()).map(spot_check),
        files: audit.map(files).unwrap_or_default(),
        checks: facts::groups(&facts.report.checks),
        rendered_at,
        tool,
    };
    filled(TEMPLATE, &page)
}

fn headline(audit: &Audit) -> Headline {
    let errors = audit.findings.iter().filter(|found| found.severity == Severity::Error).count() as u64;
    let errors = errors + audit.findings_left_out;
    let (tone, text) = match audit.verdict {
        Verdict::NothingFound => ("nothing-found", "Nothing was found to be altered".to_owned()),
        Verdict::Departs => {
            ("departs", "The log says itself that it departs from the benchmark or its recipe".to_owned())
        }
        Verdict::Altered => {
            let word = if errors == 1 { "finding" } else { "findings" };
            ("altered", format!("It does not hold: {} {word}", grouped(errors)))
        }
        Verdict::Inconclusive => ("inconclusive", "Too little could be checked: nothing follows".to_owned()),
    };
    let (level, shows) = match audit.assurance {
        Level::L0 => ("L0", "A number alone: no log stands behind it."),
        Level::L1 => (
            "L1",
            "The log was held against itself, the pinned benchmark and its recipe. No log can show that a model gave \
             these answers.",
        ),
        Level::L2 => ("L2", "The log was checked, and items drawn at random were run again."),
        Level::L3 => {
            ("L3", "The log was checked, items were run again, and receipts and a registration back the run.")
        }
    };
    Headline { tone, text, level: level.to_owned(), shows }
}

/// The scores that stand for a whole: groups where there are any, else tasks that are no subject.
fn overall(scores: &[Score]) -> Vec<&Score> {
    let whole: Vec<&Score> =
        scores.iter().filter(|score| score.aggregation.is_some() || score.subject.is_none()).collect();
    if whole.is_empty() { scores.iter().take(MOST_ROWS).collect() } else { whole }
}

fn drawn(scores: &[&Score]) -> Vec<Claim> {
    let claim = |score: &&Score| Claim {
        name: name(score),
        claimed: score.claimed,
        recomputed: score.recomputed,
        interval: score.interval,
        value: match (score.claimed, score.recomputed) {
            (Some(claimed), Some(found)) if !agree(claimed, found) => {
                format!("{} claimed, {}", percent(claimed), percent(found))
            }
            (Some(claimed), None) => format!("{} claimed", percent(claimed)),
            (_, Some(found)) => percent(found),
            (None, None) => "–".to_owned(),
        },
        agrees: agrees(score),
    };
    scores.iter().map(claim).collect()
}

/// The subjects of the metric that most of them have, as a field.
fn field(scores: &[Score], findings: &[Found]) -> Option<(String, String)> {
    let subjects = || scores.iter().filter(|score| score.subject.is_some() && score.aggregation.is_none());
    let first = subjects().next()?;
    let cells: Vec<Cell> = subjects()
        .filter(|score| score.metric == first.metric && score.filter == first.filter)
        .filter_map(|score| {
            let found = score.recomputed.or(score.claimed)?;
            let is_found = |finding: &Found| {
                finding.severity == Severity::Error && finding.task.as_deref() == Some(score.task.as_str())
            };
            Some(Cell {
                name: score.subject.clone()?,
                score: found,
                value: format!("{} of {}", percent(found), grouped(score.n)),
                is_touched: !agrees(score) || findings.iter().any(is_found),
            })
        })
        .collect();
    let title = format!("{} by subject", first.metric);
    (LEAST_SUBJECTS <= cells.len()).then(|| (heat(&title, &cells), first.metric.clone()))
}

fn row(score: &Score) -> Row {
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let difference = match (score.claimed, score.recomputed) {
        (Some(claimed), Some(found)) if agree(claimed, found) => "none".to_owned(),
        (Some(claimed), Some(found)) => format!("{:+.4}", claimed - found).replace('-', "−"),
        _ => "–".to_owned(),
    };
    let n = match score.n_benchmark {
        Some(all) if all != score.n => format!("{} of {}", grouped(score.n), grouped(all)),
        _ => grouped(score.n),
    };
    Row {
        name: name(score),
        metric: if score.filter == "none" {
            score.metric.clone()
        } else {
            format!("{}, {}", score.metric, score.filter)
        },
        n,
        claimed: number(score.claimed),
        recomputed: number(score.recomputed),
        difference,
        interval: score
            .interval
            .map_or_else(|| "–".to_owned(), |[low, high]| format!("{low:.4} to {high:.4}")),
        agrees: agrees(score),
    }
}

fn name(score: &Score) -> String {
    match &score.aggregation {
        Some(how) => format!("{} ({how})", score.task),
        None => score.task.clone(),
    }
}

fn agrees(score: &Score) -> bool {
    match (score.claimed, score.recomputed) {
        (Some(claimed), Some(found)) => agree(claimed, found),
        _ => true,
    }
}

fn agree(claimed: f64, found: f64) -> bool {
    (claimed - found).abs() <= SAME
}

/// The findings and departures by class, the worst first.
fn classes(audit: &Audit) -> Vec<Class<'_>> {
    let mut classes: Vec<(&str, Severity, Vec<&Found>)> = Vec::new();
    for found in audit.findings.iter().chain(&audit.departures) {
        match classes
            .iter_mut()
            .find(|(code, severity, _)| *code == found.class && *severity == found.severity)
        {
            Some((_, _, rows)) => rows.push(found),
            None => classes.push((&found.class, found.severity, vec![found])),
        }
    }
    classes.sort_by_key(|(_, severity, _)| std::cmp::Reverse(*severity));
    let class = |(code, severity, mut rows): (_, Severity, Vec<_>)| {
        let (count, word) = (rows.len(), severity_word(severity));
        rows.truncate(MOST_ROWS);
        let left_out = count - rows.len();
        Class { code, severity: word.0, tone: word.1, count, rows, left_out }
    };
    classes.into_iter().map(class).collect()
}

fn severity_word(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Error => ("does not hold", "altered"),
        Severity::Warning => ("declared", "departs"),
        Severity::Note => ("remark", "note"),
    }
}

/// What running items again showed, line by line.
fn spot_check(check: &SpotCheck) -> Vec<(&'static str, String)> {
    let assumed = if check.assumed_exact {
        "a re-run repeats exactly"
    } else {
        "two honest runs may differ, and favor neither side"
    };
    vec![
        ("Verdict", check.verdict.clone()),
        ("Items run again", format!("{} of {}", grouped(check.items), grouped(check.population))),
        ("Items that differ", grouped(check.differ)),
        ("To be excluded", format!("{} points or more", check.margin_points)),
        (
            "Bound",
            format!(
                "the inflation is no more than {:.2} points, at {:.0} %",
                check.bound_points,
                check.confidence * 100.0
            ),
        ),
        ("Assumed", assumed.to_owned()),
        ("Commitment", check.commitment.to_string()),
    ]
}

fn files(audit: &Audit) -> Vec<(&str, &str, String, String)> {
    audit
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.format.as_str(), grouped(file.bytes), file.sha256.to_string()))
        .collect()
}
