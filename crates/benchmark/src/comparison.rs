//! Two runs over the same items: who is right where the other is not, and whether chance would do.
//!
//! Items are paired by task, number and the hash of the document, so runs over different data are never compared in silence. Where every
//! score is 0 or 1, McNemar's exact test asks how often fair coins would split the differing items so unevenly; the interval of the
//! difference is Student's over the items' own differences. Neither says that a difference will hold on other items.

use std::collections::BTreeMap;

use stillmark_stats::paired::{self, Discordant};
use stillmark_stats::{PValue, interval};

use crate::Error;
use crate::log::Run;

/// Of intervals, and the level that [`Test::needed`] is about.
const CONFIDENCE: f64 = 0.95;

/// The scores of a run, ready to be paired.
#[derive(Debug, Default)]
pub struct Scores {
    /// By task, filter and metric, then by item: the hash of its document and its score.
    by_metric: BTreeMap<[String; 3], BTreeMap<String, (String, f64)>>,
}

/// What a metric says of two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The task.
    pub task: String,
    /// The filter its answers went through.
    pub filter: String,
    /// The metric.
    pub metric: String,
    /// Items that both were asked.
    pub items: u64,
    /// Items that only one was asked, or whose documents differ.
    pub unpaired: u64,
    /// The first's mean over the shared items.
    pub first: f64,
    /// The second's.
    pub second: f64,
    /// The difference, first less second, with its interval.
    pub difference: Difference,
    /// How the differing items split, and what chance makes of it; none where scores are not all 0 or 1.
    pub test: Option<Test>,
}

/// A difference of means with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// First less second.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Its confidence.
    pub confidence: f64,
}

/// McNemar's exact test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The items that one alone has right.
    pub discordant: Discordant,
    /// How often fair coins would split them so unevenly.
    pub p: PValue,
    /// How many of the differing items one side must have for p to be at most 0.05; none where no split would do.
    pub needed: Option<u64>,
}

/// Collects the scores of runs.
pub fn scores(runs: Vec<Run<'_>>) -> Result<Scores, Error> {
    let mut scores = Scores::default();
    for log in runs.into_iter().flat_map(|run| run.logs) {
        let task = log.about.task.clone();
        for row in log.rows.into_iter().flatten() {
            let sample = row?;
            let hash = sample.hashes.doc.as_deref().unwrap_or_default().to_owned();
            for (metric, _) in &sample.scores {
                let Some(score) = sample.score(metric).filter(|score| score.is_finite()) else { continue };
                let of = [task.clone(), sample.filter.clone().into_owned(), metric.clone().into_owned()];
                let items = scores.by_metric.entry(of).or_default();
                if items.insert(sample.id.clone().into_owned(), (hash.clone(), score)).is_some() {
                    return Err(Error::Malformed {
                        format: "log",
                        at: format!("task `{task}`, line {}", sample.line),
                        problem: format!("item {} stands there twice: it cannot be paired", sample.id),
                    });
                }
            }
        }
    }
    Ok(scores)
}

/// Compares two runs metric by metric; metrics that only one has, or no item of which is shared, are left out.
pub fn compare(first: &Scores, second: &Scores) -> Vec<Compared> {
    first.by_metric.iter().filter_map(|(of, items)| compared(of, items, second.by_metric.get(of)?)).collect()
}

type Items = BTreeMap<String, (String, f64)>;

fn compared([task, filter, metric]: &[String; 3], first: &Items, second: &Items) -> Option<Compared> {
    let pairs: Vec<(f64, f64)> = first
        .iter()
        .filter_map(|(id, (hash, score))| {
            let (other_hash, other) = second.get(id)?;
            (hash == other_hash).then_some((*score, *other))
        })
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let estimate = paired::difference(&a, &b);
    let range = estimate.interval(CONFIDENCE);
    let items = pairs.len() as u64;
    Some(Compared {
        task: task.clone(),
        filter: filter.clone(),
        metric: metric.clone(),
        items,
        unpaired: first.len() as u64 + second.len() as u64 - 2 * items,
        first: interval::mean(&a).mean,
        second: interval::mean(&b).mean,
        difference: Difference {
            value: estimate.mean,
            low: range.low.max(-1.0),
            high: range.high.min(1.0),
            confidence: CONFIDENCE,
        },
        test: test(&pairs),
    })
}

fn test(pairs: &[(f64, f64)]) -> Option<Test> {
    let is_truth = |score: f64| score == 0.0 || score == 1.0;
    if !pairs.iter().all(|(a, b)| is_truth(*a) && is_truth(*b)) {
        return None;
    }
    let discordant = Discordant::count(pairs.iter().map(|(a, b)| (*a == 1.0, *b == 1.0)));
    Some(Test { discordant, p: discordant.p(), needed: needed(discordant.first + discordant.second) })
}

/// How many of `total` differing items one side must have for the test to come to 0.05.
fn needed(total: u64) -> Option<u64> {
    let is_enough =
        |most: &u64| Discordant { first: *most, second: total - *most }.p().value() <= 1.0 - CONFIDENCE;
    // Splits grow less probable towards the end, so the least that is enough is found by halving.
    let (mut low, mut high) = (total.div_ceil(2), total + 1);
    while low < high {
        let middle = low.midpoint(high);
        if middle <= total && !is_enough(&middle) { low = middle + 1 } else { high = middle }
    }
    (low <= total && 0 < total).then_some(low)
}
