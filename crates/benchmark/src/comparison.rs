//! Two runs over the same items: who is right where the other is not, and whether chance would do.
//!
//! Items are paired by task, number and the hash of the document, so runs over different data are never compared in silence. Where every
//! score is 0 or 1, McNemar's exact test asks how often fair coins would split the differing items so unevenly; the interval of the
//! difference is Student's over the items' own differences. Neither says that a difference will hold on other items.
//!
//! Tasks of one group are also compared together. Items of one task are alike, so the interval then takes each task for a cluster.

use std::collections::{BTreeMap, BTreeSet};

use stillmark_stats::interval::Estimate;
use stillmark_stats::paired::{self, Discordant};
use stillmark_stats::{PValue, interval};

use crate::Error;
use crate::log::Run;
use crate::task;

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
    /// The task, or the group.
    pub task: String,
    /// Of a group, the tasks that both runs asked.
    pub members: Option<Members>,
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

/// The tasks of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Members {
    /// Those that both runs asked.
    pub shared: u64,
    /// All of them.
    pub all: u64,
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

/// Compares two runs metric by metric, and group by group where they share two tasks of it; metrics that only one has, or no item
/// of which is shared, are left out.
pub fn compare(first: &Scores, second: &Scores) -> Vec<Compared> {
    let of_task = |(of, items): (&[String; 3], &Items)| {
        let pairs = Pairs::of(items, second.by_metric.get(of)?);
        let [task, filter, metric] = of.clone();
        let estimate = paired::difference(&pairs.first, &pairs.second);
        pairs.compared(Subject { task, members: None, filter, metric }, estimate)
    };
    first.by_metric.iter().filter_map(of_task).chain(groups(first, second)).collect()
}

/// The groups of which both runs share tasks, smaller ones first; one that shares no other tasks than a smaller one is left out.
fn groups(first: &Scores, second: &Scores) -> Vec<Compared> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for group in task::group_names().into_iter().filter_map(task::group) {
        let tasks = task::leaves(&group);
        let (mut together, mut clusters, mut shared) = (Pairs::default(), Vec::new(), Vec::new());
        for task in &tasks {
            let of = [task.clone(), group.filter.to_owned(), group.metric.to_owned()];
            let (Some(a), Some(b)) = (first.by_metric.get(&of), second.by_metric.get(&of)) else { continue };
            let before = together.first.len();
            together.add(Pairs::of(a, b));
            if before < together.first.len() {
                clusters.resize(together.first.len(), shared.len());
                shared.push(task.clone());
            }
        }
        let members = Some(Members { shared: shared.len() as u64, all: tasks.len() as u64 });
        if shared.len() < 2 || !seen.insert(shared) {
            continue;
        }
        let estimate = paired::clustered_difference(&together.first, &together.second, &clusters);
        let (filter, metric) = (group.filter.to_owned(), group.metric.to_owned());
        all.extend(together.compared(Subject { task: group.name, members, filter, metric }, estimate));
    }
    all
}

type Items = BTreeMap<String, (String, f64)>;

/// What is compared.
struct Subject {
    task: String,
    members: Option<Members>,
    filter: String,
    metric: String,
}

/// The scores of items that both runs asked.
#[derive(Default)]
struct Pairs {
    first: Vec<f64>,
    second: Vec<f64>,
    unpaired: u64,
}

impl Pairs {
    fn of(first: &Items, second: &Items) -> Self {
        let mut pairs = Self::default();
        for (id, (hash, score)) in first {
            if let Some((_, other)) = second.get(id).filter(|(other, _)| other == hash) {
                pairs.first.push(*score);
                pairs.second.push(*other);
            }
        }
        pairs.unpaired = (first.len() + second.len() - 2 * pairs.first.len()) as u64;
        pairs
    }

    fn add(&mut self, mut other: Self) {
        self.first.append(&mut other.first);
        self.second.append(&mut other.second);
        self.unpaired += other.unpaired;
    }

    /// What they say; nothing where there are none.
    fn compared(&self, subject: Subject, estimate: Estimate) -> Option<Compared> {
        let range = estimate.interval(CONFIDENCE);
        (!self.first.is_empty()).then(|| Compared {
            task: subject.task,
            members: subject.members,
            filter: subject.filter,
            metric: subject.metric,
            items: self.first.len() as u64,
            unpaired: self.unpaired,
            first: interval::mean(&self.first).mean,
            second: interval::mean(&self.second).mean,
            difference: Difference {
                value: estimate.mean,
                low: range.low.max(-1.0),
                high: range.high.min(1.0),
                confidence: CONFIDENCE,
            },
            test: self.test(),
        })
    }

    fn test(&self) -> Option<Test> {
        let is_truth = |score: &f64| *score == 0.0 || *score == 1.0;
        if !self.first.iter().chain(&self.second).all(is_truth) {
            return None;
        }
        let truths = self.first.iter().zip(&self.second).map(|(a, b)| (*a == 1.0, *b == 1.0));
        let discordant = Discordant::count(truths);
        Some(Test { discordant, p: discordant.p(), needed: needed(discordant.first + discordant.second) })
    }
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
