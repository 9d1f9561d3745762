//! The embedded decoder answers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stillmark_benchmark::task::{Given, Output};
use stillmark_evidence::evaluation::Model;
use stillmark_model::generate::{self, Event, Recorded, Request};
use stillmark_model::likelihood::{Encoder, Query, likelihoods};
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder};

use super::answers::Answers;
use super::jobs::{ChatOf, Job};
use super::spec::Spec;
use super::{Args, Asked};
use crate::advice;
use crate::commands::model;
use crate::interrupt;
use crate::problem::{Problem, Stop};
use crate::session::Session;

/// Texts that grow at a time.
const ROWS: usize = 16;

/// The most tokens of a text where its task does not say.
const MAX_TOKENS: usize = 256;

/// A model on this machine.
pub(super) struct Embedded {
    pub(super) model: Model,
    checkpoint: Checkpoint,
    decoder: Decoder,
    is_chat: bool,
}

/// Opens and loads the model.
pub(super) fn open(args: &Args, spec: &Spec, session: &Session) -> Result<Asked, Stop> {
    let path = model::locate(&args.model, session)?;
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be asked", path.display()))
    };
    let checkpoint = Checkpoint::open(&path).map_err(ours)?;
    if spec.chat_template && checkpoint.chat_template().is_none() {
        return Err(Problem::new(format!("{} has no chat template", path.display()))
            .hint("leave `chat_template` and `--apply-chat-template` out")
            .into());
    }
    let decoder =
        Decoder::load(checkpoint.config(), &checkpoint, args.precision.precision()).map_err(ours)?;
    let model = Model {
        name: args.model.clone(),
        weights: Some(checkpoint.digest().map_err(ours)?),
        url: None,
        precision: Some(args.precision.name().to_owned()),
    };
    let is_chat = spec.chat_template;
    Ok(Asked::Embedded(Box::new(Embedded { model, checkpoint, decoder, is_chat })))
}

/// What a batch of questions is about: task and record, and with choices which of them.
type Places = Vec<(usize, usize, usize)>;

impl Embedded {
    pub(super) fn chat(&self) -> Option<ChatOf<'_>> {
        self.checkpoint.chat_template().filter(|_| self.is_chat).map(|template| ChatOf { template })
    }

    /// Asks whatever was not answered yet.
    pub(super) fn ask(&self, jobs: &[Job], answers: &mut Answers, session: &Session) -> Result<(), Stop> {
        self.ask_choices(jobs, answers, session)?;
        for (task, job) in jobs.iter().enumerate() {
            if matches!(job.task.output, Output::Text { .. }) && !interrupt::requested() {
                self.ask_texts(jobs, task, answers, session)?;
            }
        }
        Ok(())
    }

    fn ask_choices(&self, jobs: &[Job], answers: &mut Answers, session: &Session) -> Result<(), Stop> {
        let ours = |err: stillmark_model::Error| {
            Problem::from_error(&err).while_doing("the model could not be asked")
        };
        let encoder = Encoder::new(self.checkpoint.tokenizer().map_err(ours)?).map_err(ours)?;
        let (mut queries, mut places): (Vec<Query>, Places) = (Vec::new(), Vec::new());
        for (task, job) in jobs.iter().enumerate() {
            for (index, prompt) in job.prompts.iter().enumerate() {
                if answers.get(task, index).is_some() {
                    continue;
                }
                for (choice, continuation) in prompt.continuations.iter().enumerate() {
                    queries.push(encoder.pair(&prompt.context, continuation).map_err(ours)?);
                    places.push((task, index, choice));
                }
            }
        }
        if queries.is_empty() {
            return Ok(());
        }
        let bar = session.talk.steps_bar("log-likelihoods", queries.len() as u64);
        let mut waiting: BTreeMap<(usize, usize), BTreeMap<usize, (f64, bool)>> = BTreeMap::new();
        let mut trouble = None;
        likelihoods(&self.decoder, &queries, &mut |batch| {
            let mut done = Vec::new();
            for (query, likelihood) in batch {
                let (task, index, choice) = places[*query];
                let given = waiting.entry((task, index)).or_default();
                given.insert(choice, (likelihood.log_prob(), likelihood.is_greedy()));
                if given.len() == jobs[task].prompts[index].continuations.len() {
                    let given = waiting.remove(&(task, index)).unwrap_or_default();
                    done.push(((task, index), Given::Choices(given.into_values().collect())));
                }
            }
            bar.inc(batch.len() as u64);
            trouble = answers.add(jobs, done).err();
            if trouble.is_some() || interrupt::requested() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .map_err(ours)?;
        bar.finish_and_clear();
        trouble.map_or(Ok(()), |problem| Err(problem.into()))
    }

    fn ask_texts(
        &self,
        jobs: &[Job],
        task: usize,
        answers: &mut Answers,
        session: &Session,
    ) -> Result<(), Stop> {
        let job = &jobs[task];
        let Output::Text { generation, .. } = &job.task.output else { return Ok(()) };
        let ours = |err: stillmark_model::Error| {
            Problem::from_error(&err).while_doing("the model could not be asked")
        };
        let tokenizer = self.checkpoint.tokenizer().map_err(ours)?;
        let encoder = Encoder::new(tokenizer).map_err(ours)?;
        let max_tokens = generation.max_gen_toks.unwrap_or(MAX_TOKENS);
        let limit = self.checkpoint.config().max_positions;
        let room = limit.checked_sub(max_tokens).filter(|room| 0 < *room).ok_or_else(|| {
            Problem::new(format!("`{}` wants answers of {max_tokens} tokens", job.task.name))
                .cause(format!("the model's context holds {limit}"))
        })?;
        let mut requests = Vec::new();
        for (index, prompt) in job.prompts.iter().enumerate() {
            if answers.get(task, index).is_none() {
                let mut tokens = encoder.encode(&prompt.context).map_err(ours)?;
                tokens.drain(..tokens.len().saturating_sub(room));
                requests.push(Request { id: index as u64, prompt: tokens, max_tokens, seed: 0 });
            }
        }
        let bar = session.talk.steps_bar(&job.task.name, requests.len() as u64);
        let stop = self.checkpoint.config().eos.clone();
        let settings =
            generate::Settings { sampling: greedy(), rows: ROWS, stop, recorded: Recorded::Nothing };
        let eos: Vec<&str> = settings.stop.iter().filter_map(|id| tokenizer.token(*id)).collect();
        let is_ended = |tokens: &[u32]| {
            // A stop text has few characters: the last tokens hold it, however it was cut.
            let last = &tokens[tokens.len().saturating_sub(LOOK_BACK)..];
            tokenizer.decode(last).is_ok_and(|text| generation.until.iter().any(|stop| text.contains(stop)))
        };
        let mut trouble = None;
        let mut on_event = |event: Event| {
            if let Event::Answer(answer) = event {
                bar.inc(1);
                let text = tokenizer.decode(&answer.tokens).map(|text| cut(text, generation.until, &eos));
                let kept = text.map_err(ours).and_then(|text| {
                    answers.add(jobs, vec![((task, answer.id as usize), Given::Text(text))])
                });
                trouble = kept.err();
            }
            if trouble.is_some() || interrupt::requested() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        generate::generate_until(
            &self.decoder,
            &mut requests.into_iter(),
            &settings,
            &is_ended,
            &mut on_event,
        )
        .map_err(ours)?;
        bar.finish_and_clear();
        trouble.map_or(Ok(()), |problem| Err(problem.into()))
    }
}

/// Tokens at the end of a growing text in which a stop text is looked for.
const LOOK_BACK: usize = 16;

/// The likeliest token, always.
fn greedy() -> Sampling {
    Sampling { temperature: 0.0, top_k: None, top_p: None, min_p: None }
}

/// A text before the first of each stop text, one after another, as the harness cuts it.
pub(super) fn cut(text: String, until: &[&str], eos: &[&str]) -> String {
    until.iter().chain(eos).fold(text, |text, stop| match text.find(stop) {
        Some(at) if !stop.is_empty() => text[..at].to_owned(),
        _ => text,
    })
}
