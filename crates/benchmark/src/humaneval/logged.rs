//! The programs that a log of lm-evaluation-harness holds, and what follows from which of them passed.
//!
//! Three steps: [`answers`] reads the programs, somebody runs them, [`judge`] holds what passed against what the log says.

use std::collections::BTreeMap;

use stillmark_evidence::audit::{Found, Open, Score, Severity};
use stillmark_stats::interval::wilson;

use super::{ending, pass_at_k};
use crate::Error;
use crate::audit::Class;
use crate::json::Value;
use crate::log::{Claim, Harness, Log, Response, Sample};

/// The answers of one task that are programs.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The task.
    pub task: String,
    /// The file that they stand in.
    pub file: String,
    /// What the log claims of them.
    pub claims: Vec<Claim>,
    /// One a problem and filter.
    pub trials: Vec<Trial>,
}

/// What was answered to one problem.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The line that it stands on.
    pub line: u64,
    /// The problem's name in the log.
    pub id: String,
    /// The filter.
    pub filter: String,
    /// The programs that were written, each with the head of the function, and after each what tests it.
    pub candidates: Vec<String>,
    /// What tests them.
    pub test: String,
    /// The scores that the log states, by k.
    pub recorded: Vec<(u64, f64)>,
    /// What does not hold before anything is run.
    pub broken: Vec<(Class, &'static str)>,
}

/// How one program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every assertion held.
    Passed,
    /// One did not, or it did not come to its end.
    Failed,
    /// Its time was over: on a faster machine it may pass.
    TimedOut,
}

/// What follows from the programs that passed.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// The scores, claimed and recomputed.
    pub scores: Vec<Score>,
    /// What does not hold.
    pub findings: Vec<Found>,
    /// What stays open.
    pub not_checked: Vec<Open>,
}

/// The programs of a log, in its order; none where its answers are no programs.
pub fn answers(log: Log<'_>) -> Result<Option<Answers>, Error> {
    let Log { about, rows } = log;
    let is_code = about.harness == Harness::LmEval && about.task.to_ascii_lowercase().contains("humaneval");
    let Some(rows) = rows.filter(|_| is_code) else { return Ok(None) };
    let mut trials = Vec::new();
    for sample in rows {
        trials.extend(trial(&sample?));
    }
    let file = about.samples_file.unwrap_or_default();
    let is_any = !trials.is_empty();
    Ok(is_any.then_some(Answers { task: about.task, file, claims: about.claims, trials }))
}

fn trial(sample: &Sample<'_>) -> Option<Trial> {
    let doc = sample.doc.as_ref()?;
    let text = |key: &str| doc.get(key).and_then(Value::string);
    let (prompt, tests, entry_point) = (text("prompt")?, text("test")?, text("entry_point")?);
    let test = format!("{tests}\ncheck({entry_point})");
    let said: Vec<String> =
        sample.requests.iter().flat_map(|request| &request.responses).map(word).collect::<Option<_>>()?;
    let whole = |said: &String| format!("{prompt}{said}");
    let cut = |said: &String| format!("{prompt}{}", said.split("```").next().unwrap_or_default());
    let kept = kept(&sample.filtered);
    let (plain, fenced): (Vec<String>, Vec<String>) =
        (said.iter().map(whole).collect(), said.iter().map(cut).collect());
    let mut broken = Vec::new();
    if kept.as_ref().is_some_and(|kept| *kept != plain && *kept != fenced) {
        broken.push((Class::AnswerForged, "the programs are not the problem's head and the answers"));
    }
    if sample.target.as_ref().is_some_and(|target| !target.is(&test)) {
        broken.push((Class::GoldFlipped, "the test that programs were scored by is not the item's own"));
    }
    let recorded = sample.scores.iter().filter_map(|(metric, _)| {
        let k: u64 = metric.strip_prefix("pass@")?.parse().ok()?;
        Some((k, sample.score(metric)?))
    });
    Some(Trial {
        line: sample.line,
        id: sample.id.clone().into_owned(),
        filter: sample.filter.clone().into_owned(),
        candidates: if kept.as_ref() == Some(&fenced) { fenced } else { plain },
        test,
        recorded: recorded.collect(),
        broken,
    })
}

fn word(response: &Response<'_>) -> Option<String> {
    match response {
        Response::Text(text) => Some(text.get().into_owned()),
        Response::Likelihood { .. } | Response::Other(_) => None,
    }
}

/// The programs that the filter left: a text each, or a list of texts a request.
fn kept(filtered: &[Response<'_>]) -> Option<Vec<String>> {
    let each = filtered.iter().map(|response| match response {
        Response::Other(list) => {
            list.items().iter().map(|item| Some(item.string()?.into_owned())).collect::<Option<Vec<_>>>()
        }
        other => Some(vec![word(other)?]),
    });
    each.collect::<Option<Vec<_>>>().map(|all| all.concat())
}

impl Trial {
    /// The whole programs; each writes `nonce` where every assertion held.
    pub fn programs(&self, nonce: &str) -> Vec<String> {
        let whole = |candidate: &String| format!("{candidate}\n{}\n{}", self.test, ending(nonce));
        self.candidates.iter().map(whole).collect()
    }
}

/// Holds what passed against what the log says; `ended` is by trial and program.
pub fn judge(answers: &Answers, ended: &[Vec<Ended>]) -> Judged {
    let mut judged = Judged::default();
    let mut columns: BTreeMap<(String, u64), Vec<Option<f64>>> = BTreeMap::new();
    let mut late = 0_u64;
    for (trial, ended) in answers.trials.iter().zip(ended) {
        for (class, detail) in &trial.broken {
            judged.findings.push(found(answers, trial, (*class, (*detail).to_owned()), None));
        }
        let count = |one: Ended| ended.iter().filter(|ended| **ended == one).count() as u64;
        let (passed, timed_out) = (count(Ended::Passed), count(Ended::TimedOut));
        late += timed_out;
        for &(k, recorded) in &trial.recorded {
            let [least, most] = [passed, passed + timed_out].map(|c| pass_at_k(ended.len() as u64, c, k));
            let column = columns.entry((trial.filter.clone(), k)).or_default();
            column.push(least.filter(|_| least == most));
            let (Some(least), Some(most)) = (least, most) else { continue };
            if recorded < least - ROUNDING || most + ROUNDING < recorded {
                let detail = format!(
                    "`pass@{k}` under the filter `{}` does not follow from running the program",
                    trial.filter
                );
                let stands = Some((least.to_string(), recorded.to_string()));
                judged.findings.push(found(answers, trial, (Class::ScoreForged, detail), stands));
            }
        }
    }
    if late > 0 {
        let why = format!(
            "{late} programs ran out of time: they may pass on a faster machine, or with a longer `--timeout`"
        );
        judged.not_checked.push(open(answers, Class::ScoreForged, why));
    }
    judged.scores =
        columns.iter().map(|((filter, k), column)| score(answers, (filter, *k), column)).collect();
    aggregates(answers, &columns, &mut judged);
    judged
}

/// What adding in another order may change.
const ROUNDING: f64 = 1e-9;

/// Claimed means against those of what was recorded; one that follows from running was not forged beside samples that were.
fn aggregates(answers: &Answers, columns: &BTreeMap<(String, u64), Vec<Option<f64>>>, judged: &mut Judged) {
    for ((filter, k), column) in columns {
        let metric = format!("pass@{k}");
        let recorded: Vec<f64> = answers
            .trials
            .iter()
            .filter(|trial| trial.filter == *filter)
            .filter_map(|trial| trial.recorded.iter().find(|(of, _)| of == k).map(|(_, value)| *value))
            .collect();
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
        let derived: Option<Vec<f64>> = column.iter().copied().collect();
        let follows = |claim: &Claim, all: &[f64]| (claim.value - mean(all)).abs() <= ROUNDING;
        let claim = answers.claims.iter().find(|claim| claim.metric == metric && claim.filter == *filter);
        if let Some(claim) = claim
            && !follows(claim, &recorded)
            && !derived.is_some_and(|derived| follows(claim, &derived))
        {
            judged.findings.push(Found {
                class: Class::AggregateForged.code().to_owned(),
                severity: Severity::Error,
                file: answers.file.clone(),
                line: None,
                doc_id: None,
                task: Some(answers.task.clone()),
                detail: format!(
                    "`{metric}` under the filter `{filter}` is not the mean of its {} samples",
                    recorded.len()
                ),
                expected: Some(mean(&recorded).to_string()),
                found: Some(claim.value.to_string()),
            });
        }
    }
}

fn score(answers: &Answers, (filter, k): (&str, u64), column: &[Option<f64>]) -> Score {
    let metric = format!("pass@{k}");
    let claim = answers.claims.iter().find(|claim| claim.metric == metric && claim.filter == filter);
    let derived: Option<Vec<f64>> = column.iter().copied().collect();
    let hits = derived.as_ref().filter(|all| all.iter().all(|score| *score == 0.0 || *score == 1.0));
    let interval = hits.map(|all| {
        let interval =
            wilson(all.iter().filter(|score| **score == 1.0).count() as u64, all.len() as u64, 0.95);
        [interval.low, interval.high]
    });
    Score {
        task: answers.task.clone(),
        subject: None,
        metric,
        filter: filter.to_owned(),
        aggregation: None,
        n: column.len() as u64,
        n_benchmark: None,
        claimed: claim.map(|claim| claim.value).filter(|value| value.is_finite()),
        recomputed: derived.map(|all| all.iter().sum::<f64>() / all.len() as f64),
        interval,
    }
}

fn found(
    answers: &Answers,
    trial: &Trial,
    (class, detail): (Class, String),
    stands: Option<(String, String)>,
) -> Found {
    let (expected, found) = stands.unzip();
    Found {
        class: class.code().to_owned(),
        severity: Severity::Error,
        file: answers.file.clone(),
        line: Some(trial.line),
        doc_id: Some(trial.id.clone()),
        task: Some(answers.task.clone()),
        detail,
        expected,
        found,
    }
}

/// What stays open of a task.
pub fn open(answers: &Answers, class: Class, why: String) -> Open {
    Open { what: class.code().to_owned(), task: Some(answers.task.clone()), why }
}
