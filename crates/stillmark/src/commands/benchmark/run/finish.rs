//! The end of a run: scores, files in the harness's form, the signed result.

use std::path::Path;

use stillmark_benchmark::task::{self, About, Averages, Finished, Group, Sample, Score};
use stillmark_evidence::Digest;
use stillmark_evidence::evaluation::{Average, EvaluationRun, GroupResult, TaskResult, TaskScore};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::signing::seal_evaluation;
use stillmark_stats::interval::{self, Estimate};

use super::Asked;
use super::answers::Answers;
use super::jobs::Job;
use super::register::{Registered, count};
use crate::clock;
use crate::files::{self, Secrecy};
use crate::problem::Problem;
use crate::run::seal::open_log;

/// Of intervals.
const CONFIDENCE: f64 = 0.95;

/// Everything that was asked, with the answers.
pub(super) struct Answered<'a> {
    pub(super) jobs: &'a [Job],
    pub(super) groups: &'a [Group],
    pub(super) answers: &'a Answers,
}

/// Scores everything, writes the files and signs them.
pub(super) fn finish(
    out: &Path,
    answered: &Answered<'_>,
    (asked, registered, started_on): (&Asked, &Registered, String),
    (log_dir, key): (&Path, &PrivateKey),
) -> Result<EvaluationRun, Problem> {
    let finished_on = clock::now();
    let stamp = finished_on.trim_end_matches('Z').replace(':', "-");
    let (mut names, mut results, mut finished) = (Vec::new(), Vec::new(), Vec::new());
    let mut values = Vec::new();
    for (place, job) in answered.jobs.iter().enumerate() {
        let (lines, hash, scores) = scored(place, job, answered.answers)?;
        let name = format!("samples_{}_{stamp}.000000.jsonl", job.task.name);
        files::write(&out.join(&name), lines.as_bytes(), Secrecy::Public)?;
        names.push(name);
        finished.push(Finished {
            task: &job.task,
            setting: &job.setting,
            counts: (job.records.len(), job.prompts.len()),
            scores: scores
                .iter()
                .map(|(of, score)| (of.metric, of.filter, score.value, score.stderr))
                .collect(),
            hash,
        });
        let (of, scores): (Vec<Of>, Vec<TaskScore>) = scores.into_iter().unzip();
        values.extend(of.into_iter().map(|of| (job.task.name.as_str(), of)));
        results.push(result(job, scores)?);
    }
    let averages = averages(answered.groups, &values);
    let model = asked.model();
    let about = About {
        model: &model.name,
        model_args: format!("model={}", model.name),
        date: seconds(&finished_on),
        chat_template: asked.chat().map(|chat| chat.template.source()),
    };
    let name = format!("results_{stamp}.000000.json");
    files::write(&out.join(&name), task::results(&about, &finished, &averages).as_bytes(), Secrecy::Public)?;
    names.push(name);
    let mut log = open_log(log_dir, key)?;
    let registered_runs = count(log_dir, &log, key, (registered.registration.spec, model))?;
    let run = EvaluationRun {
        registration: registered.digest,
        registered_runs: registered_runs.max(registered.registration.earlier_runs + 1),
        model: model.clone(),
        tasks: results,
        groups: averages.into_iter().map(group_result).collect(),
        started_on,
        finished_on,
        log: registered.registration.log.clone(),
    };
    seal_evaluation(out, &names, run.clone(), key, &mut log)
        .map_err(|err| Problem::from_error(&err).while_doing("the run could not be signed"))?;
    Ok(run)
}

/// What a score is of, and every record's.
struct Of {
    metric: &'static str,
    filter: &'static str,
    values: Vec<f64>,
}

/// The averages of groups whose tasks were all scored.
fn averages(groups: &[Group], values: &[(&str, Of)]) -> Vec<Averages> {
    let scored: Vec<task::Scored<'_>> = values
        .iter()
        .map(|(task, Of { metric, filter, values })| task::Scored { task, metric, filter, values })
        .collect();
    groups.iter().filter_map(|group| task::averages(group, task::leaves(group), &scored)).collect()
}

fn group_result(averages: Averages) -> GroupResult {
    GroupResult {
        group: averages.group.name,
        tasks: averages.tasks,
        asked: averages.records,
        metric: averages.group.metric.to_owned(),
        filter: averages.group.filter.to_owned(),
        micro: average(averages.micro),
        by_task: average(averages.by_task),
        pooled_stderr: Some(averages.pooled_stderr).filter(|stderr| stderr.is_finite()),
        confidence: CONFIDENCE,
    }
}

/// A mean of scores with Student's interval, which lies where scores do.
fn average(estimate: Estimate) -> Average {
    let range = estimate.interval(CONFIDENCE);
    Average {
        value: estimate.mean,
        stderr: Some(estimate.stderr).filter(|stderr| stderr.is_finite()),
        low: range.low.max(0.0),
        high: range.high.min(1.0),
    }
}

/// Samples in the harness's form, their hash, and the scores.
type Scored = (String, String, Vec<(Of, TaskScore)>);

/// The samples and scores of a task.
fn scored(place: usize, job: &Job, answers: &Answers) -> Result<Scored, Problem> {
    let ours = |err: stillmark_benchmark::Error| {
        Problem::from_error(&err).while_doing("the answers cannot be scored")
    };
    let mut samples = Vec::with_capacity(job.prompts.len());
    for (index, (record, prompt)) in job.records.iter().zip(&job.prompts).enumerate() {
        let given = answers.get(place, index).ok_or_else(|| {
            Problem::new(format!("record {index} of `{}` has no answer", job.task.name))
                .hint("`--resume` asks it")
        })?;
        let scores = match given {
            task::Given::Choices(choices) => {
                let lls: Vec<f64> = choices.iter().map(|(ll, _)| *ll).collect();
                job.task.score_choices(record, &lls)
            }
            task::Given::Text(text) => job.task.score_text(record, text),
        };
        let (context, continuations) = (prompt.context.as_str(), prompt.continuations.as_slice());
        samples.push(Sample { index, record, context, continuations, given, scores: scores.map_err(ours)? });
    }
    let (lines, hash) = task::samples(&job.task, &samples).map_err(ours)?;
    let mut all = Vec::new();
    for (idx, first) in
        samples.first().map(|sample| sample.scores.as_slice()).unwrap_or_default().iter().enumerate()
    {
        let values: Option<Vec<f64>> = samples.iter().map(|sample| value_of(&sample.scores, idx)).collect();
        // A program that was not run has no score.
        let Some(values) = values else { continue };
        let score = score(first, &values);
        all.push((Of { metric: first.metric, filter: first.filter, values }, score));
    }
    Ok((lines, hash, all))
}

fn value_of(scores: &[Score], idx: usize) -> Option<f64> {
    scores.get(idx)?.value
}

/// The mean of some scores with its interval: Wilson's where every score is 0 or 1, else Student's.
fn score(of: &Score, values: &[f64]) -> TaskScore {
    let estimate = interval::mean(values);
    let is_share = values.iter().all(|value| *value == 0.0 || *value == 1.0);
    let (range, name) = if is_share {
        let successes = values.iter().filter(|value| **value == 1.0).count();
        (interval::wilson(successes as u64, values.len() as u64, CONFIDENCE), "wilson")
    } else {
        (estimate.interval(CONFIDENCE), "student")
    };
    TaskScore {
        metric: of.metric.to_owned(),
        filter: of.filter.to_owned(),
        value: estimate.mean,
        stderr: Some(estimate.stderr).filter(|stderr| stderr.is_finite()),
        low: range.low.max(0.0),
        high: range.high.min(1.0),
        confidence: CONFIDENCE,
        interval: name.to_owned(),
    }
}

fn result(job: &Job, scores: Vec<TaskScore>) -> Result<TaskResult, Problem> {
    let registered = job.registered()?;
    Ok(TaskResult {
        task: registered.task,
        recipe: job.setting.recipe(&job.task),
        recipe_sha256: registered.recipe,
        benchmark: registered.benchmark,
        pinned: job.is_pinned,
        asked: registered.asked,
        prompts_sha256: Some(prompts_sha256(job)),
        scores,
    })
}

/// The digest of the digests of all prompts.
fn prompts_sha256(job: &Job) -> Digest {
    let mut lines = String::new();
    for prompt in &job.prompts {
        lines.extend([Digest::of(prompt.context.as_bytes()).to_string().as_str(), "\n"]);
    }
    Digest::of(lines.as_bytes())
}

/// Seconds since 1970 of a time that this program wrote.
fn seconds(time: &str) -> f64 {
    time.parse::<jiff::Timestamp>().map_or(0.0, |time| time.as_second() as f64)
}
