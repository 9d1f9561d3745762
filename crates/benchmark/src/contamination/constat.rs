//! Is a score better than those of other models let expect? (`ConStat`, Dekoninck et al. 2024, arXiv:2405.16281.)
//!
//! Reference models are scored on the benchmark and on one like it that nobody could have seen; a smooth curve leads from the one
//! score to the other. How far the suspect lies above the curve is what it cannot explain.

use serde::Deserialize;
use stillmark_evidence::contamination::{Check, ContaminationFinding, Kind, Part};
use stillmark_stats::draws::Draws;
use stillmark_stats::spline::smooth;
use stillmark_stats::{PValue, student, tail};

use super::verdict::{Computed, conclude, lines};
use crate::Error;

/// The test's name.
pub const TEST: &str = "constat";

/// With fewer reference models nothing is said.
pub const LEAST_MODELS: usize = 5;

const TOO_FEW: &str = "fewer than five reference models";
const ALL_ALIKE: &str = "the reference models all score the same on the reference benchmark";
const LARGER: &str = "the larger of a basic bootstrap over items and models and of Student's tail of the reference models' own errors \
                      of prediction: in the limit of many models";

/// The scores of one model, as a line of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// Its name.
    pub model: String,
    /// Its scores on the benchmark's items.
    pub benchmark: Vec<f64>,
    /// Its scores on the items of the reference benchmark.
    pub reference: Vec<f64>,
}

/// How it is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Bootstrap rounds.
    pub rounds: u32,
    /// Behind the draws.
    pub seed: u64,
    /// The rate of false alarms.
    pub level: f64,
}

/// Reads a file of scores: JSON Lines.
pub fn parse(text: &str) -> Result<Vec<Scored>, Error> {
    let wrong = |at: String, problem: String| Error::Malformed { format: "scores of models", at, problem };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut models: Vec<Scored> = Vec::new();
    for (number, line) in lines {
        let at = format!("line {}", number + 1);
        let model: Scored = serde_json::from_str(line).map_err(|err| wrong(at.clone(), err.to_string()))?;
        if model.benchmark.is_empty() || model.reference.is_empty() {
            return Err(wrong(at, format!("`{}` has no scores on one of the two", model.model)));
        }
        if models.iter().any(|other| other.model == model.model) {
            return Err(wrong(at, format!("`{}` stands twice", model.model)));
        }
        models.push(model);
    }
    Ok(models)
}

/// Judges the scores of a suspect against those of the others.
pub fn judge(suspect: &Scored, references: &[Scored], settings: &Settings) -> ContaminationFinding {
    let points: Vec<(f64, f64)> = references.iter().map(means).collect();
    let enough = references.len() >= LEAST_MODELS;
    let computed = |p: Option<PValue>, why: &'static str| Computed {
        test: TEST,
        level: settings.level,
        p,
        least_p: PValue::new(1.0 / (f64::from(settings.rounds) + 1.0)),
        kind: Kind::Approximate,
        why,
        checks: if enough { vec![inside(suspect, &points)] } else { Vec::new() },
    };
    let name = "score above the curve of the reference models";
    let Some(curve) = enough.then(|| smooth(&points)).flatten() else {
        let why = if enough { ALL_ALIKE } else { TOO_FEW };
        return told(conclude(computed(None, why), (name, None)), suspect, references);
    };
    let (at, score) = means(suspect);
    let above = score - curve.at(at);
    let errors = left_out_errors(&points);
    let scale = (errors.iter().map(|error| error * error).sum::<f64>() / errors.len().max(1) as f64).sqrt();
    let spread = scale.max(noise(suspect)).max(1e-9);
    let freedom = (points.len() as f64 - curve.freedom()).max(1.0);
    let by_errors = student::upper(above / spread, freedom);
    let mut shifts = bootstrap(suspect, references, settings);
    shifts.sort_by(f64::total_cmp);
    let by_bootstrap = rank(2.0 * above, &shifts);
    let p = if by_errors.ln() > by_bootstrap.ln() { by_errors } else { by_bootstrap };
    let mut finding = told(conclude(computed(Some(p), LARGER), (name, Some(above))), suspect, references);
    let high = shifts.get(shifts.len() * 19 / 20).copied().unwrap_or(f64::NAN);
    let part = |name: &str, value: f64, p: Option<PValue>| Part {
        name: name.to_owned(),
        units: references.len() as u64,
        value: Some(value).filter(|value| value.is_finite()),
        ln_p: p.map(PValue::ln),
        left_out: None,
    };
    finding.parts = vec![
        part("bootstrap over items and models", above, Some(by_bootstrap)),
        part("errors of prediction of models left out", spread, Some(by_errors)),
        part("rank among the errors of models left out", above, Some(rank(above, &errors))),
        part("least score above the curve, 95 % (basic bootstrap)", 2.0 * above - high, None),
    ];
    let reach =
        student::critical(PValue::new(settings.level), freedom) - tail::normal_critical(PValue::new(0.8));
    finding.power.least_effect = Some(reach * spread).filter(|effect| *effect <= 1.0);
    finding
}

/// How many of the others reach a number, it among them.
fn rank(number: f64, others: &[f64]) -> PValue {
    let reached = others.iter().filter(|other| **other >= number).count();
    PValue::new((reached as f64 + 1.0) / (others.len() as f64 + 1.0))
}

/// Looks whether the curve reaches as far as the suspect: beyond its ends it is a guess.
fn inside(suspect: &Scored, points: &[(f64, f64)]) -> Check {
    let (at, _) = means(suspect);
    let low = points.iter().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
    Check {
        name: "the suspect's reference score lies among those of the reference models".to_owned(),
        holds: low <= at && at <= high,
        ln_p: None,
        detail: format!("{at:.3}, from {low:.3} to {high:.3}"),
    }
}

fn told(mut finding: ContaminationFinding, suspect: &Scored, references: &[Scored]) -> ContaminationFinding {
    "score above the curve".clone_into(&mut finding.power.effect);
    (finding.items, finding.units) = (suspect.benchmark.len() as u64, references.len() as u64);
    finding.model = Some(suspect.model.clone());
    finding.assumptions = lines(&[
        "the reference models have not seen the benchmark, and nobody has seen the reference benchmark",
        "the suspect, were it clean, would lie about the curve as the reference models do",
    ]);
    finding.cannot_show.push("whether the benchmark was seen, or its kind of question practiced".to_owned());
    finding
}

/// Mean scores on the reference benchmark and on the benchmark.
fn means(model: &Scored) -> (f64, f64) {
    (mean(&model.reference), mean(&model.benchmark))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard error that a model's own score owes to its items.
fn noise(model: &Scored) -> f64 {
    let error = |values: &[f64]| {
        let mean = mean(values);
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>().sqrt() / values.len() as f64
    };
    error(&model.benchmark).hypot(error(&model.reference))
}

/// How far each model lies above the curve of all others.
fn left_out_errors(points: &[(f64, f64)]) -> Vec<f64> {
    (0..points.len())
        .filter_map(|idx| {
            let mut others = points.to_vec();
            let (at, score) = others.remove(idx);
            smooth(&others).map(|curve| score - curve.at(at))
        })
        .collect()
}

/// How far the suspect lies above the curve when items and models are drawn anew.
fn bootstrap(suspect: &Scored, references: &[Scored], settings: &Settings) -> Vec<f64> {
    let mut draws = Draws::new(settings.seed);
    let mut again = |model: &Scored| -> (f64, f64) {
        let mut drawn = |values: &[f64]| {
            (0..values.len()).map(|_| values[draws.below(values.len())]).sum::<f64>() / values.len() as f64
        };
        (drawn(&model.reference), drawn(&model.benchmark))
    };
    let mut choose = Draws::new(settings.seed.wrapping_add(1));
    (0..settings.rounds)
        .filter_map(|_| {
            let points: Vec<(f64, f64)> =
                (0..references.len()).map(|_| again(&references[choose.below(references.len())])).collect();
            let (at, score) = again(suspect);
            smooth(&points).map(|curve| score - curve.at(at))
        })
        .collect()
}
