//! A model behind an OpenAI-compatible API answers.

use std::ops::ControlFlow;

use stillmark_benchmark::task::{Given, Output};
use stillmark_evidence::evaluation::Model;
use stillmark_model::remote::{Endpoint, Prompt, Question, Reply, Scope, Secret, ask_all};

use super::answers::Answers;
use super::embedded::cut;
use super::jobs::Job;
use super::spec::Spec;
use super::{Args, Asked};
use crate::environment;
use crate::interrupt;
use crate::problem::{Problem, Stop};
use crate::run::teacher::{self, Waits};
use crate::session::Session;

/// Questions asked at a time.
const CONCURRENCY: usize = 8;

/// The most tokens of a text where its task does not say.
const MAX_TOKENS: usize = 256;

/// A model that is reached over the network.
pub(super) struct Remote {
    pub(super) model: Model,
    endpoint: Endpoint,
}

/// Gets ready to ask.
pub(super) fn open(args: &Args, url: &str, spec: &Spec, session: &Session) -> Result<Asked, Stop> {
    if spec.chat_template {
        return Err(Problem::new("the chat template of a remote model is not known here")
            .hint("leave `chat_template` out: prompts are sent as plain text to `/completions`")
            .into());
    }
    let key = match &args.key_env {
        None => None,
        Some(name) => Some(Secret::new(
            &environment::variable(name)
                .ok_or_else(|| {
                    Problem::new(format!("the variable `{name}`, which holds the key, is not set"))
                })?
                .to_string_lossy(),
        )),
    };
    let endpoint = teacher::endpoint((url, &args.model), key, CONCURRENCY, session.settings.attempts);
    let model = Model { name: args.model.clone(), weights: None, url: Some(url.to_owned()), precision: None };
    Ok(Asked::Remote(Box::new(Remote { model, endpoint })))
}

impl Remote {
    /// Asks one short question where choices are asked: an API that does not score its prompts is refused before the run is registered.
    pub(super) fn check(&self, jobs: &[Job]) -> Result<(), Problem> {
        let first = jobs.iter().flat_map(|job| &job.prompts).find(|prompt| !prompt.continuations.is_empty());
        let Some(prompt) = first else { return Ok(()) };
        let question = scoring(&prompt.context, &prompt.continuations[0]);
        let mut found = None;
        let ours =
            |err: stillmark_model::Error| Problem::from_error(&err).while_doing("the API could not be asked");
        ask_all(&self.endpoint, &Waits, &mut std::iter::once(question), &mut |_, reply| {
            found = Some(reply);
            ControlFlow::Break(())
        })
        .map_err(ours)?;
        match found {
            Some(Ok(reply)) if judged(&reply, &prompt.context, &prompt.continuations[0]).is_some() => Ok(()),
            Some(Err(err)) => Err(ours(err).hint(NO_SCORES)),
            _ => Err(Problem::new("the API does not say how probable a given text is").hint(NO_SCORES)),
        }
    }

    /// Asks whatever was not answered yet.
    pub(super) fn ask(&self, jobs: &[Job], answers: &mut Answers, session: &Session) -> Result<(), Stop> {
        let mut questions = Vec::new();
        for (task, job) in jobs.iter().enumerate() {
            for (index, prompt) in job.prompts.iter().enumerate() {
                if answers.get(task, index).is_some() {
                    continue;
                }
                match &job.task.output {
                    Output::Choices { .. } => {
                        questions.extend(
                            prompt
                                .continuations
                                .iter()
                                .map(|continuation| ((task, index), scoring(&prompt.context, continuation))),
                        );
                    }
                    Output::Text { generation, .. } => {
                        let max_tokens = generation.max_gen_toks.unwrap_or(MAX_TOKENS);
                        questions.push(((task, index), writing(&prompt.context, max_tokens)));
                    }
                }
            }
        }
        let places: Vec<(usize, usize)> = questions.iter().map(|(place, _)| *place).collect();
        let bar = session.talk.steps_bar("answers", places.len() as u64);
        let mut choices: Vec<(f64, bool)> = Vec::new();
        let mut trouble = None;
        let ours =
            |err: stillmark_model::Error| Problem::from_error(&err).while_doing("the API could not be asked");
        ask_all(
            &self.endpoint,
            &Waits,
            &mut questions.into_iter().map(|(_, question)| question),
            &mut |idx, reply| {
                bar.inc(1);
                let (task, index) = places[idx];
                let kept = reply.map_err(ours).and_then(|reply| {
                    let given = match given(&jobs[task], index, &reply, &mut choices)? {
                        Some(given) => vec![((task, index), given)],
                        None => Vec::new(),
                    };
                    answers.add(jobs, given)
                });
                trouble = kept.err();
                if trouble.is_some() || interrupt::requested() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )
        .map_err(ours)?;
        bar.finish_and_clear();
        trouble.map_or(Ok(()), |problem| Err(problem.into()))
    }
}

const NO_SCORES: &str = "choices are judged by `/completions` with `echo` and `logprobs`, as vLLM serves it; tasks that ask for a text need no more than `/completions`";

/// How probable a continuation is.
fn scoring(context: &str, continuation: &str) -> Question {
    Question {
        prompt: Prompt::Text(format!("{context}{continuation}")),
        max_tokens: 0,
        temperature: 0.0,
        top_p: None,
        seed: None,
        top_logprobs: Some(1),
        scope: Scope::PromptAndAnswer,
    }
}

fn writing(context: &str, max_tokens: usize) -> Question {
    Question {
        prompt: Prompt::Text(context.to_owned()),
        max_tokens,
        temperature: 0.0,
        top_p: None,
        seed: None,
        top_logprobs: None,
        scope: Scope::Answer,
    }
}

/// What a reply comes to; with choices, once the last of a record is there. Replies come in the order of their questions.
fn given(
    job: &Job,
    index: usize,
    reply: &Reply,
    choices: &mut Vec<(f64, bool)>,
) -> Result<Option<Given>, Problem> {
    let prompt = &job.prompts[index];
    if let Output::Text { generation, .. } = &job.task.output {
        return Ok(Some(Given::Text(cut(reply.text.clone(), generation.until, &[]))));
    }
    let continuation = &prompt.continuations[choices.len().min(prompt.continuations.len() - 1)];
    let judged = judged(reply, &prompt.context, continuation).ok_or_else(|| {
        Problem::new(format!("the API did not judge a choice of record {index} of `{}`", job.task.name))
            .hint(NO_SCORES)
    })?;
    choices.push(judged);
    Ok((choices.len() == prompt.continuations.len()).then(|| Given::Choices(std::mem::take(choices))))
}

/// The log-probability of a continuation in an echoed text, and whether each of its tokens was the most probable.
fn judged(reply: &Reply, context: &str, continuation: &str) -> Option<(f64, bool)> {
    let spaces = context.len() - context.trim_end().len();
    let (start, end) = (context.len() - spaces, context.len() + continuation.len());
    let (mut at, mut sum, mut is_greedy, mut seen) = (0, 0.0, true, false);
    for token in &reply.tokens {
        let next = at + token.bytes.len();
        if start <= at && at < end {
            let log_prob = token.log_prob?;
            sum += f64::from(log_prob);
            is_greedy &= token.top.first().is_none_or(|(bytes, _)| *bytes == token.bytes);
            seen = true;
        }
        at = next;
    }
    // The bytes must be those of the text that was sent: else the places mean nothing.
    (seen && end <= at).then_some((sum, is_greedy))
}
