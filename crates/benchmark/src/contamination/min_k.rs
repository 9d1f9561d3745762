//! Are the items less surprising than withheld ones, in their most surprising tokens? (Min-K%++, Zhang et al. 2024, arXiv:2404.02936.)
//!
//! Each token's log-probability is set against what the model expected to see there; an item's score is the mean of its lowest
//! share. The score alone is no evidence: it needs items of the same kind that the model cannot have seen.

use stillmark_evidence::contamination::{Check, ContaminationFinding, Kind};
use stillmark_stats::permutation::{Way, larger};
use stillmark_stats::{PValue, hypergeometric};

use super::asking::{Answers, Ask, Question, digest};
use super::verdict::{Computed, conclude, least_effect, lines};
use super::{exchange, rendering};
use crate::Error;
use crate::record::Subset;

/// The test's name.
pub const TEST: &str = "min-k";

/// Splits drawn where there are too many to count.
const DRAWS: u32 = 99_999;

/// How the items are asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The share of tokens, the least expected ones, whose mean is an item's score.
    pub share: f64,
    /// Behind the draws.
    pub seed: u64,
    /// The rate of false alarms.
    pub level: f64,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Plan {
    settings: Settings,
    items: Vec<(String, String)>,
    control: Vec<(String, String)>,
    checks: Vec<Check>,
}

/// Takes the items and, where there are any, the withheld ones.
pub fn plan(subsets: &[Subset], control: &[Subset], settings: &Settings) -> Plan {
    let of = |subsets: &[Subset], word: &str| -> Vec<(String, String)> {
        let all = subsets.iter().flat_map(|subset| {
            subset.records.iter().enumerate().map(move |(idx, record)| (subset, idx, record))
        });
        all.map(|(subset, idx, record)| {
            (format!("{word}/{}", rendering::id(subset, idx)), rendering::item(record))
        })
        .collect()
    };
    let (items, control) = (of(subsets, "item"), of(control, "control"));
    let texts = |all: &[(String, String)]| all.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
    let checks = if control.is_empty() {
        Vec::new()
    } else {
        exchange::one_kind(&texts(&items), &texts(&control), settings.seed)
    };
    Plan { settings: *settings, items, control, checks }
}

impl Plan {
    /// What to ask.
    pub fn questions(&self) -> Vec<Question> {
        let all = self.items.iter().chain(&self.control);
        all.map(|(id, text)| Question { id: id.clone(), ask: Ask::Surprise { text: text.clone() } }).collect()
    }
}

/// Judges the answers.
pub fn judge(plan: &Plan, answers: &Answers) -> Result<ContaminationFinding, Error> {
    let questions = digest(&plan.questions())?;
    answers.must_answer(TEST, questions)?;
    let scores = |all: &[(String, String)]| -> Result<Vec<f64>, Error> {
        all.iter().map(|(id, _)| Ok(score(answers.z(id)?, plan.settings.share))).collect()
    };
    let (items, control) = (scores(&plan.items)?, scores(&plan.control)?);
    let (p, way) = larger(&items, &control, DRAWS, plan.settings.seed);
    let why = match (control.is_empty() || items.is_empty(), way) {
        (true, _) => {
            "no control: a score has no p-value unless items of the same kind are known to be unseen"
        }
        (false, Way::Counted) => "all splits of the scores into items and control were counted",
        (false, Way::Drawn(_)) => {
            "splits of the scores into items and control were drawn: exact, but no smaller than one in a hundred thousand"
        }
    };
    let fewest = least_p(items.len(), control.len());
    let computed = Computed {
        test: TEST,
        level: plan.settings.level,
        p: (!control.is_empty() && !items.is_empty()).then_some(p),
        least_p: match way {
            Way::Counted => fewest,
            Way::Drawn(draws) => PValue::new(1.0 / (f64::from(draws) + 1.0)),
        },
        kind: Kind::Exact,
        why,
        checks: plan.checks.clone(),
    };
    let name = if control.is_empty() {
        "mean Min-K%++ of the items"
    } else {
        "mean Min-K%++ of the items, less that of the control"
    };
    let mut finding = conclude(computed, (name, difference(&items, &control)));
    let (n, m) = (items.len() as f64, control.len() as f64);
    let spread = ((n + m + 1.0) / (12.0 * n * m)).sqrt();
    finding.power = least_effect(
        &finding,
        plan.settings.level,
        (spread, 0.5),
        "chance that an item scores above a control item, over one half",
    );
    (finding.items, finding.units) = (items.len() as u64, (items.len() + control.len()) as u64);
    finding.questions = Some(questions.to_string());
    finding.model = Some(answers.head.model.clone());
    finding.assumptions = lines(&[
        "items and control were split by lot, or by nothing that a model could feel",
        "the model has not seen the control",
    ]);
    Ok(finding)
}

/// The mean of the lowest share, at least one token; a text without tokens says nothing, which is an ordinary token.
pub fn score(z: &[f64], share: f64) -> f64 {
    let mut sorted: Vec<f64> = z.iter().copied().filter(|z| z.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let taken = ((sorted.len() as f64 * share).floor() as usize).clamp(1, sorted.len().max(1));
    sorted.truncate(taken);
    if sorted.is_empty() { 0.0 } else { sorted.iter().sum::<f64>() / sorted.len() as f64 }
}

/// The p-value of a first group that lies wholly above the second.
pub(super) fn least_p(first: usize, second: usize) -> PValue {
    let draw = hypergeometric::Draw {
        population: (first + second) as u64,
        marked: first as u64,
        drawn: first as u64,
    };
    if first == 0 || second == 0 { PValue::ONE } else { PValue::from_ln(draw.ln_density(first as u64)) }
}

fn difference(items: &[f64], control: &[f64]) -> Option<f64> {
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    match (items.is_empty(), control.is_empty()) {
        (true, _) => None,
        (false, true) => Some(mean(items)),
        (false, false) => Some(mean(items) - mean(control)),
    }
}
