//! Asks an embedded model.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use indicatif::ProgressBar;
use stillmark_benchmark::contamination::asking::{Answer, Ask, Question};
use stillmark_kernels::gemm::Precision;
use stillmark_model::generate::{self, Event, Request};
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder, Tokenizer, reading};

use crate::advice;
use crate::interrupt;
use crate::problem::{Problem, Stop};
use crate::session::Session;

/// Tokens that a model sees at a time.
const WINDOW: usize = 2048;

/// Continuations that grow at a time.
const ROWS: usize = 16;

/// A text that is read, and from which token on it is scored.
struct Read<'a> {
    question: &'a Question,
    tokens: Vec<u32>,
    from: usize,
}

/// The model's name, and its answers to the questions.
pub(super) fn ask(
    model: &str,
    questions: &[Question],
    session: &Session,
) -> Result<(String, Vec<Answer>), Stop> {
    let path = crate::commands::model::locate(model, session)?;
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be asked", path.display()))
    };
    let checkpoint = Checkpoint::open(&path).map_err(ours)?;
    let tokenizer = checkpoint.tokenizer().map_err(ours)?;
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).map_err(ours)?;
    interrupt::listen()?;
    let bar = session.talk.steps_bar("questions", questions.len() as u64);
    let (mut read, mut continued) = (Vec::new(), Vec::new());
    for question in questions {
        match &question.ask {
            Ask::Likelihood { context, text } => {
                read.push(cut(question, context, text, tokenizer).map_err(ours)?);
            }
            Ask::Surprise { text } => read.push(cut(question, "", text, tokenizer).map_err(ours)?),
            Ask::Continuation { prompt, max_tokens } => {
                let id = continued.len() as u64;
                let prompt = tokenizer.encode(prompt).map_err(ours)?;
                let request = Request { id, prompt, max_tokens: *max_tokens as usize, seed: 0 };
                continued.push((question, request));
            }
        }
    }
    let mut answers = likelihoods(&decoder, &read, &bar).map_err(ours)?;
    let stop = checkpoint.config().eos.clone();
    answers.extend(continuations((&decoder, tokenizer, &stop), &continued, &bar).map_err(ours)?);
    bar.finish_and_clear();
    if interrupt::requested() {
        return Err(Problem::interrupted("nothing was judged; run the same command again").into());
    }
    Ok((model.to_owned(), answers))
}

/// Context and text are cut into tokens together, as they would be read; what the context alone takes is not scored.
fn cut<'a>(
    question: &'a Question,
    context: &str,
    text: &str,
    tokenizer: &Tokenizer,
) -> Result<Read<'a>, stillmark_model::Error> {
    let tokens = tokenizer.encode(&format!("{context}{text}"))?;
    let from = if context.is_empty() { 0 } else { tokenizer.encode(context)?.len() };
    Ok(Read { question, tokens, from })
}

fn likelihoods(
    decoder: &Decoder,
    read: &[Read<'_>],
    bar: &ProgressBar,
) -> Result<Vec<Answer>, stillmark_model::Error> {
    let mut sums = vec![0.0_f64; read.len()];
    let mut all: Vec<Vec<f64>> = read.iter().map(|_| Vec::new()).collect();
    let settings = reading::Settings { temperature: 1.0, window: WINDOW };
    let mut texts = read.iter().inspect(|_| bar.inc(1)).map(|read| read.tokens.clone());
    reading::read(decoder, &mut texts, &settings, &mut |reading| {
        let Read { question, from, .. } = &read[reading.text];
        if reading.position >= *from {
            sums[reading.text] += f64::from(reading.log_prob);
            if matches!(question.ask, Ask::Surprise { .. }) {
                all[reading.text].push(surprise(reading.log_prob, reading.logits));
            }
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let answered = read.iter().zip(sums).zip(all);
    Ok(answered
        .map(|((read, sum), z)| match read.question.ask {
            Ask::Surprise { .. } => Answer::surprise(&read.question.id, z),
            _ => Answer::likelihood(&read.question.id, sum),
        })
        .collect())
}

/// How far a log-probability lies from its expectation, in standard deviations (Min-K%++, eq. 3); 0 where the model was certain.
fn surprise(log_prob: f32, logits: &[f32]) -> f64 {
    let greatest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let (mut mass, mut first, mut second) = (0.0, 0.0, 0.0);
    for logit in logits {
        let shifted = f64::from(*logit) - greatest;
        let weight = shifted.exp();
        // What is impossible counts for nothing, and must not multiply it.
        if weight > 0.0 {
            mass += weight;
            first += weight * shifted;
            second += weight * shifted * shifted;
        }
    }
    let mean = first / mass;
    let deviation = (second / mass - mean * mean).max(0.0).sqrt();
    let z = (f64::from(log_prob) - (mean - mass.ln())) / deviation;
    if deviation > 1e-9 && z.is_finite() { z } else { 0.0 }
}

fn continuations(
    (decoder, tokenizer, stop): (&Decoder, &Tokenizer, &[u32]),
    asked: &[(&Question, Request)],
    bar: &ProgressBar,
) -> Result<Vec<Answer>, stillmark_model::Error> {
    let sampling = Sampling { temperature: 0.0, top_k: None, top_p: None, min_p: None };
    let settings = generate::Settings {
        sampling,
        rows: ROWS,
        stop: stop.to_vec(),
        recorded: generate::Recorded::Nothing,
    };
    let mut said: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    let mut requests = asked.iter().map(|(_, request)| request.clone());
    generate::generate(decoder, &mut requests, &settings, None, &mut |event| {
        if let Event::Answer(answer) = event {
            bar.inc(1);
            said.insert(answer.id, answer.tokens);
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    asked
        .iter()
        .map(|(question, request)| {
            let tokens = said.remove(&request.id).unwrap_or_default();
            let kept: Vec<u32> = tokens.into_iter().filter(|token| !stop.contains(token)).collect();
            Ok(Answer::continuation(&question.id, tokenizer.decode(&kept)?))
        })
        .collect()
}
