//! Is the dataset's own order of choices likelier than others, and answered better?
//!
//! The right choice stays where it is and the wrong ones are permuted, so that knowing the answer is no help. Items whose choices
//! have an order of their own ("all of the above", numbers) are left out.

use std::collections::BTreeSet;

use stillmark_evidence::contamination::{Check, ContaminationFinding, Kind, Part};
use stillmark_stats::draws::Draws;
use stillmark_stats::paired::Discordant;
use stillmark_stats::permutation::{Stratum, rank_sum, sum_tail};
use stillmark_stats::{PValue, multiple};

use super::asking::{Answers, Ask, Question, digest};
use super::verdict::{Computed, conclude, least_effect, lines};
use super::{exchange, rendering};
use crate::Error;
use crate::record::{Answer, Record, Subset};

/// The test's name.
pub const TEST: &str = "options";

/// Draws behind the look at where right choices stand.
const DRAWS: u32 = 999;

/// How the items are asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Behind the permutations.
    pub seed: u64,
    /// Orders of an item's choices, its own included; all of them where there are no more.
    pub orders: usize,
    /// The rate of false alarms.
    pub level: f64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Plan {
    level: f64,
    items: Vec<Item>,
    left_out: usize,
    checks: Vec<Check>,
    even: Check,
}

#[derive(Debug, Clone)]
struct Item {
    id: String,
    question: String,
    choices: Vec<String>,
    gold: usize,
    /// The right choice in its place; the first is the dataset's.
    orders: Vec<Vec<usize>>,
    /// Any order, for the answers.
    shuffled: Vec<usize>,
}

/// Picks the items whose choices could as well stand otherwise, and draws other orders.
pub fn plan(subsets: &[Subset], settings: &Settings) -> Plan {
    let mut draws = Draws::new(settings.seed);
    let (mut items, mut left_out, mut known) = (Vec::new(), 0, BTreeSet::new());
    for subset in subsets {
        for (idx, record) in subset.records.iter().enumerate() {
            match item(record, rendering::id(subset, idx), settings.orders, &mut draws) {
                // Items with the same choices would rank together, and count as if they were many.
                Some(item) if known.insert(item.kind()) => items.push(item),
                _ => left_out += 1,
            }
        }
    }
    let wrong = |item: &Item| -> Vec<String> {
        let others = item.choices.iter().enumerate().filter(|(idx, _)| *idx != item.gold);
        others.map(|(_, choice)| choice.clone()).collect()
    };
    let checks = exchange::looks(&items.iter().map(wrong).collect::<Vec<_>>(), settings.seed);
    let even = even(&items, settings.seed);
    Plan { level: settings.level, items, left_out, checks, even }
}

impl Plan {
    /// What to ask.
    pub fn questions(&self) -> Vec<Question> {
        self.items.iter().flat_map(Item::questions).collect()
    }
}

impl Item {
    /// The choices without their order.
    fn kind(&self) -> Vec<String> {
        let mut choices: Vec<String> =
            self.choices.iter().map(|choice| choice.trim().to_lowercase()).collect();
        choices.sort();
        choices
    }

    fn questions(&self) -> Vec<Question> {
        let shown = |order: &[usize]| {
            rendering::lettered(&order.iter().map(|idx| self.choices[*idx].as_str()).collect::<Vec<_>>())
        };
        let orders = self.orders.iter().enumerate().map(|(number, order)| {
            let ask = Ask::Likelihood { context: self.question.clone(), text: shown(order) };
            Question { id: format!("{}/order/{number}", self.id), ask }
        });
        let own: Vec<usize> = (0..self.choices.len()).collect();
        let letters = [("own", &own), ("shuffled", &self.shuffled)].into_iter().flat_map(|(word, order)| {
            let context = format!("{}{}Answer:", self.question, shown(order));
            (0..order.len()).map(move |place| {
                let text = format!(" {}", rendering::letter(place));
                let ask = Ask::Likelihood { context: context.clone(), text };
                Question { id: format!("{}/{word}/{place}", self.id), ask }
            })
        });
        orders.chain(letters).collect()
    }

    /// Whether the likeliest letter is the right one; no number is right by chance.
    fn is_right(&self, word: &str, order: &[usize], answers: &Answers) -> Result<bool, Error> {
        let mut best = (f64::NEG_INFINITY, usize::MAX);
        for (place, idx) in order.iter().enumerate() {
            let ln_p = answers.ln_p(&format!("{}/{word}/{place}", self.id))?;
            if ln_p > best.0 {
                best = (ln_p, *idx);
            }
        }
        Ok(best.1 == self.gold)
    }
}

/// Judges the answers.
pub fn judge(plan: &Plan, answers: &Answers) -> Result<ContaminationFinding, Error> {
    let questions = digest(&plan.questions())?;
    answers.must_answer(TEST, questions)?;
    let (mut strata, mut pairs) = (Vec::new(), Vec::new());
    for item in &plan.items {
        let ln_p: Result<Vec<f64>, Error> = (0..item.orders.len())
            .map(|number| answers.ln_p(&format!("{}/order/{number}", item.id)))
            .collect();
        let mut observed = ln_p?;
        let others = observed.split_off(1.min(observed.len()));
        strata.push(Stratum { observed: observed.first().copied().unwrap_or(f64::NAN), others });
        let own: Vec<usize> = (0..item.choices.len()).collect();
        pairs.push((
            item.is_right("own", &own, answers)?,
            item.is_right("shuffled", &item.shuffled, answers)?,
        ));
    }
    let ranked = rank_sum(&strata);
    let share = |right: usize| right as f64 / pairs.len().max(1) as f64;
    let gain =
        share(pairs.iter().filter(|pair| pair.0).count()) - share(pairs.iter().filter(|pair| pair.1).count());
    let accuracy = Discordant::count(pairs.iter().copied()).p_first_better();
    let mut p = vec![ranked.p];
    p.extend(plan.even.holds.then_some(accuracy));
    let best = multiple::holm(&p).into_iter().min_by(PValue::total_cmp).filter(|_| !strata.is_empty());
    let greatest: Vec<Vec<i64>> = strata.iter().map(|one| (0..=one.others.len() as i64).collect()).collect();
    let top = greatest.iter().filter_map(|part| part.last()).sum();
    let computed = Computed {
        test: TEST,
        level: plan.level,
        p: best,
        least_p: sum_tail(&greatest, top).times(p.len() as f64),
        kind: Kind::Exact,
        why: if strata.is_empty() {
            "no item is left whose choices could stand otherwise"
        } else {
            "ranks among orders of the same choices, and an exact McNemar test, corrected by Holm"
        },
        checks: plan.checks.clone(),
    };
    let quantile = (!strata.is_empty()).then_some(ranked.quantile);
    let mut finding =
        conclude(computed, ("mean share of other orders that are less likely than the dataset's", quantile));
    tell(&mut finding, plan, (ranked.quantile, ranked.p), (gain, accuracy));
    finding.questions = Some(questions.to_string());
    finding.model = Some(answers.head.model.clone());
    Ok(finding)
}

fn tell(finding: &mut ContaminationFinding, plan: &Plan, order: (f64, PValue), accuracy: (f64, PValue)) {
    let units = plan.items.len() as u64;
    (finding.items, finding.units) = (units, units);
    let variance: f64 = plan
        .items
        .iter()
        .map(|item| item.orders.len() as f64)
        .map(|orders| (orders + 1.0) / (12.0 * (orders - 1.0)))
        .sum();
    let spread = variance.sqrt() / units as f64;
    finding.power = least_effect(
        finding,
        plan.level / 2.0,
        (spread, 0.5),
        "mean share of other orders below, over one half",
    );
    let part = |name: &str, value: f64, p: PValue, left_out: Option<String>| Part {
        name: name.to_owned(),
        units,
        value: Some(value),
        ln_p: left_out.is_none().then_some(p.ln()),
        left_out,
    };
    let uneven = (!plan.even.holds).then(|| format!("right choices stand unevenly: {}", plan.even.detail));
    finding.parts = vec![
        part("likelihood of the own order", order.0, order.1, None),
        part("accuracy in the own order less in a shuffled one", accuracy.0, accuracy.1, uneven),
    ];
    finding.assumptions = lines(&["the wrong choices of an item could as well stand in any other order"]);
    finding.assumptions.push(format!(
        "{} items whose choices have an order of their own, none to permute, or those of an earlier item, are left out",
        plan.left_out
    ));
    finding.cannot_show.push("items that were seen without their choices".to_owned());
}

fn item(record: &Record, id: String, orders: usize, draws: &mut Draws) -> Option<Item> {
    let Answer::Choice { choices, gold } = &record.answer else { return None };
    let gold = *gold.first().filter(|first| gold.len() == 1 && **first < choices.len())?;
    if choices.len() < 3
        || choices.iter().any(|choice| names_others(choice))
        || choices.iter().filter(|choice| is_number(choice)).count() > 1
    {
        return None;
    }
    let wrong: Vec<usize> = (0..choices.len()).filter(|idx| *idx != gold).collect();
    let all = (1..=wrong.len()).try_fold(1_usize, usize::checked_mul);
    let permuted =
        if all.is_some_and(|all| all <= orders) { every(&wrong) } else { some(&wrong, orders, draws) };
    let placed = |wrong: Vec<usize>| {
        let mut order = wrong;
        order.insert(gold, gold);
        order
    };
    let orders: Vec<Vec<usize>> = permuted.into_iter().map(placed).collect();
    let shuffled = draws.permutation(choices.len());
    let (question, choices) = (rendering::question(record), choices.clone());
    (orders.len() > 1).then_some(Item { id, question, choices, gold, orders, shuffled })
}

/// The own order, and others by lot.
fn some(wrong: &[usize], orders: usize, draws: &mut Draws) -> Vec<Vec<usize>> {
    let others = (1..orders).map(|_| {
        let mut order = wrong.to_vec();
        draws.shuffle(&mut order);
        order
    });
    std::iter::once(wrong.to_vec()).chain(others).collect()
}

/// Every order, the own one first.
fn every(wrong: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = wrong.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for place in 0..=rest.len() {
        for mut order in every(rest) {
            order.insert(place, *first);
            all.push(order);
        }
    }
    all.sort();
    all
}

/// "All of the above", "both A and B", "none of these": a choice that must stand where it stands.
fn names_others(choice: &str) -> bool {
    let text = choice.to_lowercase();
    let phrases =
        ["of the above", "of these", "of the below", "the others", "all are", "both are", "neither"];
    let letters = |word: &str| matches!(word, "A" | "B" | "C" | "D" | "E" | "I" | "II" | "III" | "IV");
    let named = choice.split(|letter: char| !letter.is_alphanumeric()).filter(|word| letters(word)).count();
    phrases.iter().any(|phrase| text.contains(phrase))
        || named > 1
        || ["all", "none", "both"].contains(&text.trim())
}

/// A choice that is mostly a number is mostly sorted.
fn is_number(choice: &str) -> bool {
    let digits = choice.chars().filter(char::is_ascii_digit).count();
    let letters = choice.chars().filter(|letter| letter.is_alphabetic()).count();
    digits > 0 && letters <= 2 * digits.max(4)
}

/// Looks whether the right choices stand as often in one place as in another.
fn even(items: &[Item], seed: u64) -> Check {
    let spread = |place: &mut dyn FnMut(&Item) -> usize| {
        let mut counts: Vec<f64> = Vec::new();
        let mut expected: Vec<f64> = Vec::new();
        for item in items {
            let len = item.choices.len().max(counts.len());
            counts.resize(len, 0.0);
            expected.resize(len, 0.0);
            counts[place(item)] += 1.0;
            expected
                .iter_mut()
                .take(item.choices.len())
                .for_each(|one| *one += 1.0 / item.choices.len() as f64);
        }
        counts
            .iter()
            .zip(&expected)
            .map(|(count, expected)| (count - expected).powi(2) / expected.max(1e-9))
            .sum::<f64>()
    };
    let observed = spread(&mut |item| item.gold);
    let mut draws = Draws::new(seed);
    let reached =
        (0..DRAWS).filter(|_| spread(&mut |item| draws.below(item.choices.len())) >= observed - 1e-9).count();
    let p = PValue::new((reached as f64 + 1.0) / (f64::from(DRAWS) + 1.0));
    exchange::look("right choices stand evenly", p, 1.0)
}
