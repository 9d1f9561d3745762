//! The page of a watermark finding.

use std::f64::consts::LN_10;

use serde::Serialize;
use stillmark_evidence::verify::FindingFacts;
use stillmark_evidence::watermark::{Attribution, Mark, POOLED, TextResult, WatermarkFinding};
use stillmark_evidence::{Subject, Verified};

use super::{Error, STYLE, facts, filled, green, results};
use crate::beside::Unit;
use crate::chart::{Axis, Chart, Plot, Size, Spread, Threshold, Weight, lines};
use crate::number::{grouped, of_logarithm};

const TEMPLATE: &str = include_str!("../../templates/finding.html");
/// Lines that are told apart; the clearest texts get them.
const MOST_TOLD: usize = 5;

/// All that the template reads.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    record: facts::Record,
    claim: Option<Claim>,
    finding: Option<results::Results>,
    attribution: Option<Vec<results::AttributedRow>>,
    chart: Option<String>,
    unlabeled: usize,
    maps: Vec<green::Map>,
    maps_left_out: usize,
    assumptions: &'a [String],
    cannot_show: &'a [String],
    particulars: Vec<(String, String)>,
    subjects: Vec<(&'a str, String)>,
    command: Option<String>,
    checks: Vec<facts::Group>,
    rendered_at: &'a str,
    tool: &'a str,
}

/// What the statement says, in careful words.
#[derive(Serialize)]
struct Claim {
    tone: &'static str,
    headline: String,
    sentences: Vec<String>,
}

/// Renders one self-contained HTML page from a verified finding.
pub fn render_finding(
    facts: &Verified<FindingFacts>,
    rendered_at: &str,
    tool: &str,
) -> Result<String, Error> {
    let found = facts.finding.as_ref().map(|statement| &statement.predicate);
    let attribution = facts.attribution.as_ref().map(|statement| &statement.predicate);
    let subjects: &[Subject] = match (&facts.finding, &facts.attribution) {
        (Some(statement), _) => &statement.subject,
        (None, Some(statement)) => &statement.subject,
        (None, None) => &[],
    };
    let (maps, maps_left_out) = found.map(|found| green::maps(found, &facts.scores)).unwrap_or_default();
    let plots = found.map(|found| plots(found, facts)).unwrap_or_default();
    let unlabeled = plots.iter().filter(|plot| plot.weight == Weight::Faint).count();
    let page = Page {
        style: STYLE,
        record: facts::record(&facts.report, facts.signer),
        claim: found.map(claim).or_else(|| attribution.map(claim_of_attribution)),
        finding: found.map(results::of),
        attribution: attribution.map(results::attributed),
        chart: found.map(|found| lines(&chart(found, plots))).filter(|svg| !svg.is_empty()),
        unlabeled,
        maps,
        maps_left_out,
        assumptions: found
            .map(|found| &found.assumptions)
            .or_else(|| attribution.map(|it| &it.assumptions))
            .map_or(&[], Vec::as_slice),
        cannot_show: found
            .map(|found| &found.cannot_show)
            .or_else(|| attribution.map(|it| &it.cannot_show))
            .map_or(&[], Vec::as_slice),
        particulars: found
            .map(results::particulars)
            .or_else(|| attribution.map(results::attribution_particulars))
            .unwrap_or_default(),
        subjects: subjects
            .iter()
            .map(|subject| (subject.name.as_str(), subject.digest.sha256.to_string()))
            .collect(),
        command: found.and_then(|found| command(found, subjects)),
        checks: facts::groups(&facts.report.checks),
        rendered_at,
        tool,
    };
    filled(TEMPLATE, &page)
}

fn claim(found: &WatermarkFinding) -> Claim {
    let pooled = &found.pooled;
    let level = of_logarithm(found.level.ln());
    let marked = found.texts.iter().filter(|text| text.mark == Mark::Marked).count();
    let texts = found.texts.len();
    let (tone, headline) = match pooled.mark {
        Mark::Marked => ("marked", format!("Marked, at the level {level}")),
        _ if marked > 0 => ("marked", format!("{marked} of {texts} texts marked, at the level {level}")),
        Mark::NoEvidence => ("no-evidence", "No evidence of this key’s mark".to_owned()),
        Mark::Inconclusive | Mark::Unknown => ("inconclusive", "Inconclusive".to_owned()),
    };
    let mut sentences = Vec::new();
    if tone == "marked" {
        sentences.push(format!(
            "Text that has nothing to do with the key comes out like this with a probability of at most {level}. That \
             is evidence of the key’s mark, not of who wrote the text."
        ));
        if pooled.mark == Mark::Marked && texts > 1 {
            sentences.push(format!("Taken one by one, {marked} of {texts} texts are marked."));
        }
    } else if tone == "no-evidence" {
        sentences.push(
            "No evidence is not innocence: a mark can be too weak or the text too short to show it, it can have been \
             edited away, or it can be of another key or scheme."
                .to_owned(),
        );
    } else {
        sentences
            .push("Too little was scored, or the tests do not agree: nothing follows either way.".to_owned());
    }
    sentences.extend(numbers(found, pooled));
    Claim { tone, headline, sentences }
}

/// The numbers of all texts together, each with what it is.
fn numbers(found: &WatermarkFinding, pooled: &TextResult) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(decoy_p) = pooled.decoy_p {
        let least = 1.0 / (found.decoys as f64 + 1.0);
        let bound = if decoy_p <= least * 1.000_001 { ", the least that so many can show" } else { "" };
        let decoys = grouped(found.decoys);
        sentences.push(format!("Rank among {decoys} decoy keys: p = {}{bound}.", of_logarithm(decoy_p.ln())));
    }
    match (&pooled.withheld, pooled.ln_p) {
        (Some(why), _) => sentences.push(format!("The analytic p-value is withheld: {why}.")),
        (None, Some(ln_p)) => sentences.push(format!("Analytic: p = {}.", of_logarithm(ln_p))),
        (None, None) => {}
    }
    if let Some(ln_e_value) = pooled.ln_e_value {
        let value = of_logarithm(ln_e_value);
        sentences.push(format!("E-value {value}, which holds wherever the reading is stopped."));
    }
    let (scored, tokens) = (grouped(pooled.scored), grouped(pooled.tokens));
    let needed = pooled.needed.filter(|_| pooled.mark != Mark::Marked);
    let needed = needed
        .map(|needed| format!("; a mark of the usual strength needs about {} to show", grouped(needed)));
    sentences.push(format!("{scored} of {tokens} tokens were scored{}.", needed.unwrap_or_default()));
    sentences
}

fn claim_of_attribution(attribution: &Attribution) -> Claim {
    let named = attribution.texts.iter().filter(|text| text.tenant.is_some()).count();
    let (texts, keys) = (attribution.texts.len(), grouped(attribution.keys_tried));
    let level = of_logarithm(attribution.level.ln());
    let (tone, headline) = match named {
        0 => ("no-evidence", "No text was attributed to a key".to_owned()),
        _ => ("marked", format!("{named} of {texts} texts attributed to a key, at the level {level}")),
    };
    let sentences = vec![
        format!(
            "{keys} keys were tried; the numbers are corrected for all of them and for every text tried."
        ),
        "A mark shows which key made it, not who sent the request. No evidence is not innocence.".to_owned(),
    ];
    Claim { tone, headline, sentences }
}

/// The clearest texts are told apart, the others are faint, and the sum of more than one is thick.
fn plots(found: &WatermarkFinding, facts: &FindingFacts) -> Vec<Plot> {
    let mut scored: Vec<_> = facts.scores.iter().filter(|line| !line.curve.is_empty()).collect();
    let end = |curve: &[(u64, f64)]| curve.last().map_or(0.0, |last| last.1);
    scored.sort_by(|left, right| end(&left.curve).total_cmp(&end(&right.curve)));
    let is_alone = found.texts.len() == 1;
    let mut told = 0;
    let mut plots = Vec::new();
    for line in scored {
        let is_pooled = line.id == POOLED;
        if is_pooled && is_alone {
            continue;
        }
        let weight = if is_pooled || is_alone {
            Weight::Thick
        } else if told < MOST_TOLD {
            told += 1;
            Weight::Told
        } else {
            Weight::Faint
        };
        let name = if is_pooled { "all texts".to_owned() } else { line.id.clone() };
        let points = line.curve.iter().map(|(tokens, ln_p)| (*tokens as f64, ln_p.min(0.0) / LN_10));
        plots.push(Plot { name, points: points.collect(), weight });
    }
    plots
}

fn chart(found: &WatermarkFinding, lines: Vec<Plot>) -> Chart {
    let axis = |label: &str, unit, range| Axis {
        label: label.to_owned(),
        unit,
        spread: Spread::Even,
        range: Some(range),
    };
    let level = of_logarithm(found.level.ln());
    Chart {
        title: "p-value of the tokens scored so far".to_owned(),
        across: axis("scored tokens", Unit::Count, (0.0, 0.0)),
        up: axis("p, logarithmic", Unit::PowerOfTen, (found.level.log10() * 1.25, 0.0)),
        lines,
        threshold: Some(Threshold {
            at: found.level.log10(),
            label: format!("below: rarer than the level {level}"),
        }),
        size: Size::Whole,
    }
}

/// What whoever holds the key runs.
fn command(found: &WatermarkFinding, subjects: &[Subject]) -> Option<String> {
    let file = subjects.iter().find(|subject| subject.name != stillmark_evidence::watermark::path::SCORES)?;
    let decoys = if found.decoys > 0 { format!(" --decoys {}", found.decoys) } else { String::new() };
    let tokenizer = if found.tokenizer_sha256.is_some() { " --tokenizer TOKENIZER" } else { "" };
    Some(format!("stillmark watermark detect --key KEYFILE {}{tokenizer}{decoys}", file.name))
}
