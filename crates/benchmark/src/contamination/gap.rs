//! Do items that a training corpus holds score higher than the others?
//!
//! Which items the corpus holds is a fact ([`scan`](super::scan)); whether that lifted the score is asked here: within one subject and one
//! range of lengths, would a split by lot bring as large a difference? Long items are found more often than short ones and subjects differ,
//! so that nothing is compared across either.

use std::collections::BTreeMap;

use stillmark_evidence::Digest;
use stillmark_evidence::contamination::{ContaminationFinding, Kind, Part};
use stillmark_stats::PValue;
use stillmark_stats::draws::Draws;
use stillmark_stats::hypergeometric::Draw;

use super::verdict::{Computed, conclude, least_effect, lines};
use crate::Error;
use crate::audit::record_of;
use crate::digest;
use crate::log::{Run, Sample, Score};
use crate::record::View;

/// The test's name.
pub const TEST: &str = "gap";

/// Ranges of lengths within a subject.
const RANGES: usize = 4;

/// Splits by lot that are drawn where scores are not 0 or 1.
const DRAWS: u32 = 9_999;

/// One item that was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its subject, or the task.
    pub subject: String,
    /// How long it is, in words.
    pub words: usize,
    /// Its score, from 0 to 1.
    pub score: f64,
    /// Whether the corpus holds any of it.
    pub is_found: bool,
}

/// The score that a log states for an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The strict hash of the item's record.
    pub record: Digest,
    /// The task, as the log names it.
    pub task: String,
    /// The score.
    pub score: f64,
}

/// The scores of all items in logs, under the first filter of each task; rows without an item or a number are left out.
pub fn scores(runs: Vec<Run<'_>>) -> Result<Vec<Scored>, Error> {
    let mut all = Vec::new();
    for log in runs.into_iter().flat_map(|run| run.logs) {
        let (task, mut filter) = (log.about.task, None);
        for sample in log.rows.into_iter().flatten() {
            let sample = sample?;
            if filter.get_or_insert_with(|| sample.filter.to_string()).as_str() != sample.filter {
                continue;
            }
            if let (Some(record), Some(score)) = (record_of(&task, &sample), first_score(&sample)) {
                let record = digest::leaf(&record, View::Strict);
                all.push(Scored { record, task: task.clone(), score });
            }
        }
    }
    Ok(all)
}

fn first_score(sample: &Sample<'_>) -> Option<f64> {
    let numbers = sample.scores.iter().filter_map(|(_, score)| match score {
        Score::Number(number) => Some(*number),
        Score::Other(_) => None,
    });
    numbers.into_iter().find(|number| (0.0..=1.0).contains(number))
}

/// Items of one subject and one range of lengths: scores of those found, and of the others.
#[derive(Debug, Default, Clone)]
struct Stratum {
    found: Vec<f64>,
    others: Vec<f64>,
}

/// Judges the scores of items at a level of false alarms.
pub fn judge(items: &[Item], level: f64, seed: u64) -> ContaminationFinding {
    let strata = strata(items);
    let mixed: Vec<&Stratum> = strata.values().filter(|stratum| stratum.is_mixed()).collect();
    let (p, least_p) = p_values(&mixed, seed);
    let gap = gap(&mixed);
    let computed = Computed {
        test: TEST,
        level,
        p: (!mixed.is_empty()).then_some(p),
        least_p,
        kind: Kind::Exact,
        why: if mixed.is_empty() {
            "no subject holds both found items and others of one length"
        } else {
            "exact for any number of items if, within one subject and range of lengths, it does not hang on how hard an item is whether \
             the corpus holds it; no log can show that it does not"
        },
        checks: Vec::new(),
    };
    let named = "score of the items found less that of others of their subject and length";
    let mut finding = conclude(computed, (named, gap.map(|gap| gap.0)));
    finding.items = items.len() as u64;
    finding.units = mixed.iter().map(|stratum| stratum.found.len() as u64).sum();
    if let Some((_, sd)) = gap {
        finding.power = least_effect(&finding, level, (sd, 1.0), "difference of mean scores");
    }
    finding.parts = parts(&strata);
    finding.assumptions = lines(&[
        "within a subject and range of lengths, found items and others are of one difficulty",
        "items are answered one by one, each for itself",
    ]);
    finding.cannot_show = lines(&[
        "that the corpus lifted the score: texts that are quoted often may ask what is known to many, and be easier for that reason",
        "that a score without a gap is clean: all items may have been seen elsewhere, paraphrased or translated",
        "anything of a model that was not trained on this corpus",
    ]);
    finding
}

/// Items by subject and by quarter of the subject's lengths.
fn strata(items: &[Item]) -> BTreeMap<(&str, usize), Stratum> {
    let mut lengths: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for item in items {
        lengths.entry(&item.subject).or_default().push(item.words);
    }
    for lengths in lengths.values_mut() {
        lengths.sort_unstable();
    }
    let mut strata: BTreeMap<(&str, usize), Stratum> = BTreeMap::new();
    for item in items {
        let all = lengths.get(item.subject.as_str()).map_or(&[][..], Vec::as_slice);
        // Items of one length fall into one range.
        let below = all.partition_point(|words| *words < item.words);
        let stratum = strata.entry((&item.subject, below * RANGES / all.len().max(1))).or_default();
        let side = if item.is_found { &mut stratum.found } else { &mut stratum.others };
        side.push(item.score);
    }
    strata
}

/// The difference of means within strata, each weighted by what it tells, and its standard deviation by lot.
fn gap(strata: &[&Stratum]) -> Option<(f64, f64)> {
    let weight: f64 = strata.iter().map(|stratum| stratum.weight()).sum();
    let excess: f64 = strata.iter().map(|stratum| stratum.excess()).sum();
    let variance: f64 = strata.iter().map(|stratum| stratum.weight() * stratum.variance()).sum();
    (weight > 0.0).then(|| (excess / weight, variance.sqrt() / weight))
}

/// How often a split by lot brings as high a sum of the found items' scores, and how seldom the highest one comes.
fn p_values(strata: &[&Stratum], seed: u64) -> (PValue, PValue) {
    let is_whole = |score: &f64| *score == 0.0 || *score == 1.0;
    if strata.iter().all(|stratum| stratum.all().all(|score| is_whole(&score))) {
        return counted(strata);
    }
    let observed: f64 = strata.iter().map(|stratum| stratum.found.iter().sum::<f64>()).sum();
    let mut values: Vec<Vec<f64>> = strata.iter().map(|stratum| stratum.all().collect()).collect();
    let mut draws = Draws::new(seed);
    let mut as_high = 1;
    for _ in 0..DRAWS {
        let mut sum = 0.0;
        for (values, stratum) in values.iter_mut().zip(strata) {
            for at in 0..stratum.found.len() {
                let drawn = at + draws.below(values.len() - at);
                values.swap(at, drawn);
                sum += values[at];
            }
        }
        as_high += u32::from(sum >= observed - 1e-9);
    }
    let of = f64::from(DRAWS) + 1.0;
    (PValue::new(f64::from(as_high) / of), PValue::new(1.0 / of))
}

/// All splits at once: the sum of hypergeometric numbers, one a stratum.
fn counted(strata: &[&Stratum]) -> (PValue, PValue) {
    let mut density = vec![1.0];
    let (mut observed, mut ln_least) = (0, 0.0);
    for stratum in strata {
        let draw = stratum.draw();
        let most = draw.marked.min(draw.drawn);
        let own: Vec<f64> = (0..=most).map(|count| draw.ln_density(count).exp()).collect();
        let mut sum = vec![0.0; density.len() + most as usize];
        for (at, mass) in density.iter().enumerate() {
            own.iter().zip(&mut sum[at..]).for_each(|(one, sum)| *sum += mass * one);
        }
        density = sum;
        observed += stratum.hits();
        ln_least += draw.ln_density(most);
    }
    let tail: f64 = density.iter().skip(observed as usize).rev().sum();
    (PValue::new(tail.min(1.0)), PValue::from_ln(ln_least))
}

fn parts(strata: &BTreeMap<(&str, usize), Stratum>) -> Vec<Part> {
    let mut subjects: BTreeMap<&str, Vec<&Stratum>> = BTreeMap::new();
    for ((subject, _), stratum) in strata {
        subjects.entry(subject).or_default().push(stratum);
    }
    let part = |(subject, strata): (&str, Vec<&Stratum>)| {
        let mixed: Vec<&Stratum> = strata.into_iter().filter(|stratum| stratum.is_mixed()).collect();
        let is_empty = mixed.is_empty();
        Part {
            name: subject.to_owned(),
            units: mixed.iter().map(|stratum| stratum.found.len() as u64).sum(),
            value: gap(&mixed).map(|gap| gap.0),
            ln_p: None,
            left_out: is_empty
                .then(|| "it does not hold both found items and others of one length".to_owned()),
        }
    };
    subjects.into_iter().map(part).collect()
}

impl Stratum {
    fn is_mixed(&self) -> bool {
        !self.found.is_empty() && !self.others.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = f64> + '_ {
        self.found.iter().chain(&self.others).copied()
    }

    fn len(&self) -> f64 {
        (self.found.len() + self.others.len()) as f64
    }

    fn mean(&self) -> f64 {
        self.all().sum::<f64>() / self.len()
    }

    /// How much a stratum tells: with few items on one side, little.
    fn weight(&self) -> f64 {
        self.found.len() as f64 * self.others.len() as f64 / self.len()
    }

    /// The sum of the found items' scores above what the stratum's mean lets expect: the weight times the difference of means.
    fn excess(&self) -> f64 {
        self.found.iter().sum::<f64>() - self.found.len() as f64 * self.mean()
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        self.all().map(|score| (score - mean).powi(2)).sum::<f64>() / (self.len() - 1.0)
    }

    fn hits(&self) -> u64 {
        self.found.iter().filter(|score| **score == 1.0).count() as u64
    }

    fn draw(&self) -> Draw {
        let marked = self.all().filter(|score| *score == 1.0).count() as u64;
        Draw { population: self.len() as u64, marked, drawn: self.found.len() as u64 }
    }
}
