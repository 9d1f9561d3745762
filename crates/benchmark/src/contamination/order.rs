//! Is the dataset's own order of items likelier than others? (Oren et al. 2023, arXiv:2310.17623, with exact ranks.)
//!
//! A model that never saw the items in this order finds it no likelier than any other order of the same items, if the items are
//! exchangeable. Items are permuted within small shards of one subset; the ranks of the shards are summed, exactly.

use std::collections::BTreeSet;

use stillmark_evidence::contamination::{Check, ContaminationFinding, Kind, Part};
use stillmark_stats::draws::Draws;
use stillmark_stats::permutation::{Stratum, rank_sum, sum_tail};

use super::asking::{Answers, Ask, Question, digest};
use super::verdict::{Computed, conclude, least_effect, lines};
use super::{exchange, rendering};
use crate::Error;
use crate::record::Subset;

/// The test's name.
pub const TEST: &str = "order";

/// How the items are asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Behind the permutations.
    pub seed: u64,
    /// Other orders a shard is compared with.
    pub permutations: usize,
    /// Items a shard, about.
    pub shard: usize,
    /// The rate of false alarms.
    pub level: f64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Plan {
    level: f64,
    parts: Vec<Planned>,
    checks: Vec<Check>,
}

/// The shards of one subset.
#[derive(Debug, Clone)]
struct Planned {
    name: String,
    left_out: Option<String>,
    shards: Vec<Shard>,
}

/// Some neighboring items, and the orders they are shown in; the first is the dataset's.
#[derive(Debug, Clone)]
struct Shard {
    id: String,
    items: Vec<String>,
    orders: Vec<Vec<usize>>,
}

/// Cuts subsets into shards, looks whether their order can be guessed, and draws other orders.
pub fn plan(subsets: &[Subset], settings: &Settings) -> Plan {
    let mut draws = Draws::new(settings.seed);
    let (mut parts, mut known): (Vec<Planned>, _) = (Vec::new(), BTreeSet::new());
    for subset in subsets {
        let items: Vec<String> = subset.records.iter().map(rendering::item).collect();
        // A shard that stands twice would rank twice alike.
        let shards: Vec<Shard> = cut(&items, settings.shard)
            .filter(|items| known.insert(items.to_vec()))
            .enumerate()
            .map(|(idx, items)| {
                let own: Vec<usize> = (0..items.len()).collect();
                let others = (0..settings.permutations).map(|_| draws.permutation(items.len()));
                let orders = std::iter::once(own).chain(others).collect();
                Shard { id: rendering::id(subset, idx), items: items.to_vec(), orders }
            })
            .collect();
        let looks = exchange::looks(&texts(&shards), settings.seed);
        let broken = looks
            .into_iter()
            .find(|look| !look.holds)
            .map(|look| format!("{} fails: {}", look.name, look.detail));
        let left_out = if shards.is_empty() { Some("fewer than two items".to_owned()) } else { broken };
        parts.push(Planned { name: rendering::part(subset), left_out, shards });
    }
    let kept: Vec<Vec<String>> =
        parts.iter().filter(|part| part.left_out.is_none()).flat_map(|part| texts(&part.shards)).collect();
    let checks = exchange::looks(&kept, settings.seed.wrapping_add(1));
    Plan { level: settings.level, parts, checks }
}

impl Plan {
    /// What to ask.
    pub fn questions(&self) -> Vec<Question> {
        let shards = self.kept().flat_map(|part| &part.shards);
        shards
            .flat_map(|shard| {
                shard.orders.iter().enumerate().map(|(number, order)| {
                    let text = order.iter().map(|idx| shard.items[*idx].as_str()).collect();
                    let ask = Ask::Likelihood { context: String::new(), text };
                    Question { id: question_id(&shard.id, number), ask }
                })
            })
            .collect()
    }

    fn kept(&self) -> impl Iterator<Item = &Planned> {
        self.parts.iter().filter(|part| part.left_out.is_none())
    }
}

/// Judges the answers.
pub fn judge(plan: &Plan, answers: &Answers) -> Result<ContaminationFinding, Error> {
    let questions = digest(&plan.questions())?;
    answers.must_answer(TEST, questions)?;
    let (mut all, mut parts, mut items) = (Vec::new(), Vec::new(), 0);
    for part in &plan.parts {
        let (value, ln_p) = if part.left_out.is_none() {
            let strata: Result<Vec<Stratum>, Error> =
                part.shards.iter().map(|shard| stratum(shard, answers)).collect();
            let strata = strata?;
            let ranked = rank_sum(&strata);
            all.extend(strata);
            items += part.shards.iter().map(|shard| shard.items.len()).sum::<usize>();
            (Some(ranked.quantile), Some(ranked.p.ln()))
        } else {
            (None, None)
        };
        let units = part.shards.len() as u64;
        parts.push(Part { name: part.name.clone(), units, value, ln_p, left_out: part.left_out.clone() });
    }
    let ranked = rank_sum(&all);
    let others = all.first().map_or(0, |one| one.others.len());
    let best: Vec<Vec<i64>> = all.iter().map(|_| (0..=others as i64).collect()).collect();
    let computed = Computed {
        test: TEST,
        level: plan.level,
        p: (!all.is_empty()).then_some(ranked.p),
        least_p: sum_tail(&best, (others * all.len()) as i64),
        kind: Kind::Exact,
        why: if all.is_empty() {
            "no subset is left whose order could be tested"
        } else {
            "ranks among random orders of the same items, summed by their exact distribution"
        },
        checks: plan.checks.clone(),
    };
    let quantile = (!all.is_empty()).then_some(ranked.quantile);
    let mut finding =
        conclude(computed, ("mean share of other orders that are less likely than the dataset's", quantile));
    let spread = (others as f64 + 2.0) / (12.0 * others as f64 * all.len() as f64);
    finding.power = least_effect(
        &finding,
        plan.level,
        (spread.sqrt(), 0.5),
        "mean share of other orders below, over one half",
    );
    (finding.items, finding.units) = (items as u64, all.len() as u64);
    finding.parts = parts;
    finding.questions = Some(questions.to_string());
    finding.model = Some(answers.head.model.clone());
    finding.assumptions = lines(&[
        "within a shard the items could as well stand in any other order: nothing but the dataset fixes it",
        "the order was not chosen after looking at a model like this one",
    ]);
    finding.cannot_show.push("items that were seen one by one, or in another order".to_owned());
    Ok(finding)
}

fn stratum(shard: &Shard, answers: &Answers) -> Result<Stratum, Error> {
    let all: Result<Vec<f64>, Error> =
        (0..shard.orders.len()).map(|number| answers.ln_p(&question_id(&shard.id, number))).collect();
    let mut all = all?;
    let others = all.split_off(1.min(all.len()));
    Ok(Stratum { observed: all.first().copied().unwrap_or(f64::NAN), others })
}

fn question_id(shard: &str, number: usize) -> String {
    format!("{shard}/order/{number}")
}

fn texts(shards: &[Shard]) -> Vec<Vec<String>> {
    shards.iter().map(|shard| shard.items.clone()).collect()
}

/// Shards of nearly the same size; nothing where there is no order.
fn cut(items: &[String], size: usize) -> impl Iterator<Item = &[String]> {
    let number = if items.len() < 2 { 0 } else { (items.len() / size.max(2)).max(1) };
    (0..number).map(move |idx| &items[items.len() * idx / number..items.len() * (idx + 1) / number])
}
