//! How sure can one be that a text bears a key's mark?
//!
//! The primary test ranks the text's statistic among those of decoy keys on the same evidence: exact whatever the text is
//! like. The analytic tail is stated only where the decoys bear it out. A text is called marked where both say so, corrected by
//! Holm over the texts.

mod evidence;
mod local;
mod ranks;
mod raw;
mod score;
mod tails;
mod words;

use stillmark_evidence::watermark::{Mark, POOLED, TextResult, Unscored, WatermarkFinding, e_value};
use stillmark_stats::decoys;
use stillmark_stats::{PValue, multiple};

use crate::key::Key;
use crate::power;
use crate::scheme::Null;
use crate::sites::{Sites, Text};

pub use evidence::Likelihoods;
pub use score::score;
pub use tails::{interval, p_value, rough_interval};
pub(crate) use words::{CANNOT_SHOW, attribution_assumptions};

/// A text with its name.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name in the answer.
    pub id: &'a str,
    /// The text.
    pub text: Text<'a>,
    /// The natural logarithm of each token's probability under some model, where one was asked.
    pub likelihoods: Option<Likelihoods<'a>>,
}

/// How to detect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Decoy keys; fewer than 199 leave the analytic p-value unstated.
    pub decoys: usize,
    /// Which decoys.
    pub decoy_seed: u64,
    /// How often an unmarked file may be called marked.
    pub level: f64,
    /// Whether to look for a marked stretch within each text.
    pub search: Search,
    /// Keys that were tried on these texts, this one included.
    pub keys_tried: usize,
}

/// Whether to look for the stretch that is marked most clearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// No.
    Whole,
    /// Yes, and rank it among the decoys' own best stretches.
    Stretch,
}

/// The scores behind a finding, for charts.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Positions in the text.
    pub positions: Vec<u32>,
    /// Their scores.
    pub scores: Vec<f64>,
    /// How each score lies under the null: 0 the lowest, 1 the highest.
    pub quantiles: Vec<f64>,
    /// Numbers of scored tokens, and the logarithm of the analytic p-value after so many.
    pub curve: Vec<(u64, f64)>,
}

/// Judges texts by a key. `tick` is told of each decoy that is done.
pub fn detect(
    key: &Key,
    inputs: &[Input<'_>],
    settings: &Settings,
    tick: &(dyn Fn() + Sync),
) -> WatermarkFinding {
    let scheme = key.scheme();
    let texts: Vec<Text<'_>> = inputs.iter().map(|input| input.text).collect();
    let sites = Sites::find(&texts, &scheme.effective_rule());
    let mut scores = Vec::new();
    score(scheme, &sites, 0..inputs.len(), &mut scores);
    let null = scheme.null();
    let ranks = ranks::Ranks::new(key, &sites, inputs, settings, tick);
    let needed = power::plan(scheme, 1.0).and_then(|planned| planned.tokens(settings.level, 0.9));
    let mut results: Vec<TextResult> = inputs
        .iter()
        .enumerate()
        .map(|(idx, input)| {
            let range = sites.texts[idx].clone();
            let mut result = TextResult::new(input.id, input.text.tokens.len() as u64);
            result.unscored = unscored(&sites, idx);
            result.needed = needed;
            judge(&mut result, &null, &scores[range.clone()], ranks.of_text(idx), settings);
            evidence::add(&mut result, scheme, &sites, range.clone(), &scores, input.likelihoods);
            if let (Some(ln_e), Some(ratios), Some(_)) =
                (result.ln_e_value, ranks.ratios_of(idx), input.likelihoods)
            {
                set_rank(&mut result, decoys::rank_p(ln_e, ratios), ratios.len());
            }
            if settings.search == Search::Stretch {
                local::add(&mut result, &null, &sites, range, &scores, ranks.stretches_of(idx));
            }
            result
        })
        .collect();
    let mut pooled = TextResult::new(POOLED, results.iter().map(|result| result.tokens).sum());
    let fresh: Vec<f64> = kept(&scores, &sites.fresh);
    pooled.unscored = pooled_unscored(&results, fresh.len());
    pooled.needed = needed;
    judge(&mut pooled, &null, &fresh, ranks.pooled(), settings);
    decide(&mut results, inputs, settings);
    decide(std::slice::from_mut(&mut pooled), &[], settings);
    WatermarkFinding {
        texts: results,
        pooled,
        decoys: settings.decoys as u64,
        decoy_seed: settings.decoy_seed,
        assumptions: words::assumptions(scheme, settings),
        ..raw::frame(key, settings, inputs.len())
    }
}

/// The reference's own statistics of texts, with its own p-value where it has one: no decoys, nothing withheld.
pub fn detect_raw(key: &Key, inputs: &[Input<'_>], settings: &Settings) -> WatermarkFinding {
    let scheme = key.scheme();
    let texts: Vec<Text<'_>> = inputs.iter().map(|input| input.text).collect();
    let sites = Sites::find(&texts, &scheme.rule());
    let mut scores = vec![0.0; sites.len()];
    scheme.score(sites.all(), &mut scores);
    let mut results = Vec::new();
    for (idx, input) in inputs.iter().enumerate() {
        let mut result = TextResult::new(input.id, input.text.tokens.len() as u64);
        result.unscored = unscored(&sites, idx);
        let range = sites.texts[idx].clone();
        raw::fill(&mut result, scheme, sites.slice(range.clone()), &scores[range], settings.level);
        results.push(result);
    }
    let fresh = sites.fresh_only();
    let mut pooled = TextResult::new(POOLED, results.iter().map(|result| result.tokens).sum());
    pooled.unscored = pooled_unscored(&results, fresh.len());
    raw::fill(&mut pooled, scheme, fresh.all(), &kept(&scores, &sites.fresh), settings.level);
    WatermarkFinding { texts: results, pooled, ..raw::frame(key, settings, inputs.len()) }
}

/// The scores of one text, for charts.
pub fn scores(key: &Key, text: Text<'_>) -> Scores {
    let scheme = key.scheme();
    let sites = Sites::find(&[text], &scheme.effective_rule());
    let mut scores = Vec::new();
    score(scheme, &sites, 0..1, &mut scores);
    let null = scheme.null();
    let quantiles = scores.iter().map(|score| tails::quantile(&null, *score)).collect();
    let curve = tails::curve(&null, &scores);
    Scores { positions: sites.positions, scores, quantiles, curve }
}

fn judge(result: &mut TextResult, null: &Null, scores: &[f64], decoys: &[f64], settings: &Settings) {
    result.scored = scores.len() as u64;
    if scores.is_empty() {
        return;
    }
    let sum: f64 = scores.iter().sum();
    result.statistic = Some(tails::statistic(null, scores.len(), sum));
    if matches!(null, Null::Green { .. }) {
        result.green = Some(scores.iter().filter(|score| **score == 1.0).count() as u64);
    }
    if settings.decoys > 0 {
        set_rank(result, decoys::rank_p(sum, decoys), decoys.len());
    }
    let intervals: Vec<decoys::Interval> =
        decoys.iter().map(|sum| rough_interval(null, scores.len(), *sum)).collect();
    match words::withheld(&decoys::agreement(&intervals)) {
        None => {
            let p = interval(null, scores.len(), sum).upper;
            (result.p, result.ln_p) = (Some(p.value()), Some(p.ln().max(f64::MIN)));
        }
        Some(why) => result.withheld = Some(why),
    }
}

fn set_rank(result: &mut TextResult, rank: PValue, decoys: usize) {
    (result.decoy_p, result.decoy_ln_p) = (Some(fraction(rank, decoys)), Some(rank.ln()));
}

/// The rank as the fraction that it is: a logarithm and back would put 1 of 1,000 above .001.
fn fraction(rank: PValue, decoys: usize) -> f64 {
    let all = decoys as f64 + 1.0;
    (rank.value() * all).round() / all
}

/// The verdicts: the rank and a p-value must both reach the level, the p-value corrected over the texts and the keys tried. Where
/// the decoys are too few for the level, the rank must be the first: the p-value alone can then be small enough, and only the
/// analytic one is.
/// The p-value is the analytic one where it is stated, else the rank; with a model's probabilities it may also be one over the
/// e-value, where the analytic null holds.
fn decide(results: &mut [TextResult], inputs: &[Input<'_>], settings: &Settings) {
    let tries = settings.keys_tried.max(1) as f64;
    let own = |(idx, result): (usize, &TextResult)| {
        let tail = result.ln_p.or(result.decoy_ln_p).unwrap_or(0.0);
        let asked = inputs.get(idx).is_some_and(|input| input.likelihoods.is_some());
        let by_ratio = result.ln_e_value.filter(|_| asked && result.withheld.is_none());
        // The smaller of two p-values, twice.
        let p = by_ratio.map_or(tail, |ln_e| tail.min(-ln_e) + std::f64::consts::LN_2);
        PValue::from_ln(p).times(tries)
    };
    let p: Vec<PValue> = results.iter().enumerate().map(own).collect();
    let least = 1.0 / (settings.decoys as f64 + 1.0);
    for (result, adjusted) in results.iter_mut().zip(multiple::holm(&p)) {
        if result.scored == 0 {
            continue;
        }
        result.adjusted_ln_p = Some(adjusted.ln().max(f64::MIN));
        let first = result.decoy_p.is_some_and(|p| p <= least * (1.0 + 1e-9));
        let ranked = first || result.decoy_p.is_some_and(|p| p <= settings.level);
        let short = result.needed.is_none_or(|needed| result.scored < needed);
        result.mark = if ranked && adjusted.ln() <= settings.level.ln() {
            Mark::Marked
        // The best rank there is, and the level still out of reach: the decoys are too few to say more.
        } else if short || first {
            Mark::Inconclusive
        } else {
            Mark::NoEvidence
        };
    }
}

fn kept(scores: &[f64], fresh: &[bool]) -> Vec<f64> {
    scores.iter().zip(fresh).filter(|(_, fresh)| **fresh).map(|(score, _)| *score).collect()
}

fn unscored(sites: &Sites, text: usize) -> Unscored {
    let unscored = sites.unscored[text];
    Unscored {
        prompt: unscored.prompt,
        edge: unscored.edge,
        repeated: unscored.repeated,
        outside: unscored.outside,
    }
}

/// Everything that is not scored in the pool: what the texts leave out, and what several of them share.
fn pooled_unscored(results: &[TextResult], scored: usize) -> Unscored {
    let sum = |part: fn(&Unscored) -> u64| results.iter().map(|result| part(&result.unscored)).sum();
    let shared = results.iter().map(|result| result.scored).sum::<u64>() - scored as u64;
    let repeated: u64 = sum(|unscored| unscored.repeated);
    Unscored {
        prompt: sum(|unscored| unscored.prompt),
        edge: sum(|unscored| unscored.edge),
        repeated: repeated + shared,
        outside: sum(|unscored| unscored.outside),
    }
}

/// The e-value that goes with its logarithm.
fn set_e_value(result: &mut TextResult, ln_e: f64) {
    (result.ln_e_value, result.e_value) = (Some(ln_e), Some(e_value(ln_e)));
}
