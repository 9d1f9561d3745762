//! One cell of the null table: a scheme on a class of unmarked text.

use rayon::prelude::*;
use serde_json::{Value, json};
use stillmark_model::sample;
use stillmark_stats::clustered::Alarms;
use stillmark_stats::{decoys, uniformity};
use stillmark_watermark::{Null, Scheme, Sites, Text, detect};

/// The levels.
pub(crate) const LEVELS: [f64; 2] = [1e-2, 1e-3];
/// A band is left with this chance.
const BEYOND: f64 = 1e-3;
/// Decoys a text, its own.
const DECOYS: usize = 999;
/// The levels at which the curve is drawn.
const CURVE: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// What came of all pairs of a text and a key.
struct Pairs {
    sites: usize,
    /// The rank p-value under each key.
    ranks: Vec<f64>,
    /// The analytic one.
    analytic: Vec<f64>,
    /// Whether the gate lets it through.
    stated: Stated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    Yes,
    No,
}

/// Scores all texts under all keys, and each text under decoys of its own.
pub(crate) fn measure(texts: &[Vec<u32>], keys: &[Box<dyn Scheme>]) -> Value {
    let Some(first) = keys.first() else { return Value::Null };
    let rule = first.effective_rule();
    let pairs: Vec<Pairs> = texts
        .par_iter()
        .enumerate()
        .map(|(text, tokens)| {
            let sites = Sites::find(&[Text { tokens, prompt_len: 0 }], &rule);
            of_text(text, &sites, keys)
        })
        .filter(|pairs| pairs.sites > 0)
        .collect();
    let stated: Vec<&Pairs> = pairs.iter().filter(|pairs| pairs.stated == Stated::Yes).collect();
    let all: Vec<&Pairs> = pairs.iter().collect();
    let null = first.null();
    json!({
        "texts": pairs.len(),
        "keys": keys.len(),
        "sites": pairs.iter().map(|pairs| pairs.sites).sum::<usize>() as f64 / pairs.len().max(1) as f64,
        "refused": pairs.len() - stated.len(),
        "decoy": LEVELS.map(|level| rate(&all, keys.len(), level, |pairs| &pairs.ranks)),
        "analytic": LEVELS.map(|level| rate(&stated, keys.len(), level, |pairs| &pairs.analytic)),
        "ungated": LEVELS.map(|level| rate(&all, keys.len(), level, |pairs| &pairs.analytic)),
        "ks": is_continuous(&null).then(|| uniform(&stated, keys.len())),
        "curve": CURVE.map(|level| {
            [level, share(&all, level, |pairs| &pairs.ranks), share(&all, level, |pairs| &pairs.analytic)]
        }),
    })
}

fn of_text(text: usize, sites: &Sites, keys: &[Box<dyn Scheme>]) -> Pairs {
    let scheme = keys[0].as_ref();
    let null = scheme.null();
    let mut scores = Vec::new();
    let mut sum = |scheme: &dyn Scheme| -> f64 {
        detect::score(scheme, sites, 0..1, &mut scores);
        scores.iter().sum()
    };
    let mut others: Vec<f64> = (0..DECOYS)
        .map(|decoy| sum(scheme.with_key(&material(1 + text as u64, decoy as u64)).as_ref()))
        .collect();
    let sums: Vec<f64> = keys.iter().map(|key| sum(key.as_ref())).collect();
    let intervals: Vec<_> =
        others.iter().map(|sum| detect::rough_interval(&null, sites.len(), *sum)).collect();
    let admitted = decoys::agreement(&intervals).verdict.admits_analytic();
    others.sort_by(f64::total_cmp);
    // As `decoys::rank_p`, in sorted decoys.
    let rank = |sum: &f64| {
        let below = others.partition_point(|decoy| decoy < sum);
        (1 + others.len() - below) as f64 / (others.len() + 1) as f64
    };
    let p = |sum: &f64| detect::p_value(&null, sites.len(), *sum, LEVELS[0]).value();
    Pairs {
        sites: sites.len(),
        ranks: sums.iter().map(rank).collect(),
        analytic: sums.iter().map(p).collect(),
        stated: if admitted { Stated::Yes } else { Stated::No },
    }
}

/// Whether the statistic takes so many values that its p-value is uniform.
fn is_continuous(null: &Null) -> bool {
    match null {
        Null::Exponential | Null::Fused { .. } => true,
        Null::Green { .. } => false,
        Null::Bits { weights } => weights.iter().any(|weight| *weight != weights[0]),
    }
}

fn share(pairs: &[&Pairs], level: f64, of: fn(&Pairs) -> &Vec<f64>) -> f64 {
    let count = |pairs: &&Pairs| of(pairs).iter().filter(|p| **p <= level * (1.0 + 1e-9)).count();
    let total: usize = pairs.iter().map(|pairs| of(pairs).len()).sum();
    pairs.iter().map(count).sum::<usize>() as f64 / total.max(1) as f64
}

/// Count, pairs, the band's ends and the inflation of the variance by clustering.
fn rate(pairs: &[&Pairs], keys: usize, level: f64, of: fn(&Pairs) -> &Vec<f64>) -> Value {
    if pairs.is_empty() {
        return Value::Null;
    }
    let mut alarms = Alarms::new(pairs.len(), keys);
    for (text, pairs) in pairs.iter().enumerate() {
        for (key, p) in of(pairs).iter().enumerate() {
            if *p <= level * (1.0 + 1e-9) {
                alarms.raise(text, key);
            }
        }
    }
    let band = alarms.band(level, BEYOND);
    json!([band.count, band.pairs, band.low, band.high, band.inflation])
}

/// Kolmogorov and Smirnov's test of one p-value a key, each of one text: keys do not depend on each other.
fn uniform(pairs: &[&Pairs], keys: usize) -> f64 {
    if pairs.is_empty() {
        return f64::NAN;
    }
    let sample: Vec<f64> = (0..keys).map(|key| pairs[key % pairs.len()].analytic[key]).collect();
    uniformity::two_sided(&sample).p.value()
}

/// 32 bytes that depend on two numbers.
pub(crate) fn material(seed: u64, number: u64) -> [u8; 32] {
    std::array::from_fn(|byte| {
        (sample::uniform(seed.wrapping_add(77 << 32), number, byte as u64) * 256.0) as u8
    })
}
