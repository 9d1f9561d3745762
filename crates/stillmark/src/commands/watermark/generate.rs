//! `stillmark watermark generate --key KEYFILE --model MODEL --prompts FILE`.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_kernels::gemm::Precision;
use stillmark_model::generate::{Answer, Event, Recorded, Request, Settings, generate};
use stillmark_model::mark::Mark;
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder};
use stillmark_watermark::Key;
use stillmark_watermark::generate::{Marking, segments};

use super::prompts::{self, Chat, Prompt};
use super::segmented;
use crate::advice;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::interrupt;
use crate::keyfile;
use crate::mark::Marks;
use crate::output;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// What `watermark generate` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark watermark generate --key marks.toml --model smollm2-135m-instruct --prompts prompts.jsonl --out marked.jsonl\n\n\
                        PROMPTS: JSON Lines of {id, text} or {id, prompt}. Each answer is a line {id, prompt, response, tokens,\n\
                        prompt_len, model}, which `watermark detect` reads."
)]
pub(crate) struct Args {
    /// The key that marks
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
    /// A path, or a name of `stillmark model list`
    #[arg(long)]
    model: String,
    /// What is asked
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    /// An answer's greatest length
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    /// What logits are divided by; at 0 only green lists and best-of-n have room to mark
    #[arg(long, default_value_t = 1.0)]
    temperature: f32,
    /// Only so many of the likeliest tokens
    #[arg(long)]
    top_k: Option<usize>,
    /// Only the likeliest tokens that together reach this probability
    #[arg(long)]
    top_p: Option<f32>,
    /// Behind the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Continue prompts as they are, without the chat template
    #[arg(long = "raw-prompts")]
    raw: bool,
    /// Where the answers go [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    prompt: &'a str,
    response: String,
    tokens: Vec<u32>,
    prompt_len: usize,
    model: &'a str,
}

#[derive(Serialize)]
struct Summary {
    schema: &'static str,
    out: PathBuf,
    scheme: String,
    answers: usize,
    tokens: usize,
}

/// Asks, marks, and writes the answers.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let key = keyfile::read(&args.key, None, session)?;
    let path = crate::commands::model::locate(&args.model, session)?;
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be asked", path.display()))
    };
    let checkpoint = Checkpoint::open(&path).map_err(ours)?;
    let chat = if args.raw { Chat::Bare } else { Chat::Template };
    let prompts = prompts::read(&args.prompts, chat, &checkpoint)?;
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).map_err(ours)?;
    if let Some(size) = key.parameters().get("vocab_size").and_then(serde_json::Value::as_u64)
        && size != decoder.config().vocab_size as u64
    {
        session.talk.warn(&format!(
            "the key says a vocabulary of {size}, the model has {}: name the same one to detectors",
            decoder.config().vocab_size
        ));
    }
    interrupt::listen()?;
    let bar = session.talk.steps_bar("answers", prompts.len() as u64);
    let answers = answers(args, &key, &decoder, &checkpoint, &prompts, &|| bar.inc(1))?;
    bar.finish_and_clear();
    write(args, &key, &checkpoint, &prompts, answers, session)?;
    if interrupt::requested() {
        return Err(
            Problem::interrupted("the answers finished so far were written; the rest were not").into()
        );
    }
    Ok(ExitStatus::Done)
}

fn sampling(args: &Args) -> Sampling {
    Sampling { temperature: args.temperature, top_k: args.top_k, top_p: args.top_p, min_p: None }
}

/// The tokens of each answer, in the order of the prompts; fewer where the user stopped it.
fn answers(
    args: &Args,
    key: &Key,
    decoder: &Decoder,
    checkpoint: &Checkpoint,
    prompts: &[Prompt],
    tick: &dyn Fn(),
) -> Result<Vec<Vec<u32>>, Stop> {
    let broke = |err: stillmark_model::Error| advice::model_problem(&err, "the answers broke off".to_owned());
    if segments(key).is_some() {
        let job = segmented::Job { key, decoder, checkpoint, sampling: sampling(args), seed: args.seed };
        return segmented::answers(&job, prompts, args.max_tokens, tick);
    }
    let marking = Marking::new(key)
        .map_err(|err| keyfile::of_key(&err, format!("{} cannot mark", args.key.display())))?;
    let marks = Marks(marking);
    let settings = Settings {
        sampling: sampling(args),
        rows: 32,
        stop: checkpoint.config().eos.clone(),
        recorded: Recorded::Nothing,
    };
    let mut requests = prompts.iter().enumerate().map(|(id, prompt)| Request {
        id: id as u64,
        prompt: prompt.tokens.clone(),
        max_tokens: args.max_tokens,
        seed: args.seed,
    });
    let mark: &dyn Mark = &marks;
    let mut answers = Vec::new();
    generate(decoder, &mut requests, &settings, Some(mark), &mut |event| {
        if let Event::Answer(Answer { tokens, .. }) = event {
            answers.push(tokens);
            tick();
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(broke)?;
    Ok(answers)
}

fn write(
    args: &Args,
    key: &Key,
    checkpoint: &Checkpoint,
    prompts: &[Prompt],
    answers: Vec<Vec<u32>>,
    session: &Session,
) -> Result<(), Stop> {
    let broken = |err: stillmark_model::Error| advice::model_problem(&err, "an answer is no text".to_owned());
    let tokenizer = checkpoint.tokenizer().map_err(broken)?;
    let (count, mut total, mut bytes) = (answers.len(), 0, Vec::new());
    for (prompt, answer) in prompts.iter().zip(answers) {
        total += answer.len();
        let line = Line {
            id: &prompt.id,
            prompt: &prompt.text,
            response: tokenizer.decode(&answer).map_err(broken)?,
            prompt_len: prompt.tokens.len(),
            tokens: prompt.tokens.iter().copied().chain(answer).collect(),
            model: &args.model,
        };
        let text = serde_json::to_string(&line)
            .map_err(|err| Problem::new("an answer could not be written").cause(err.to_string()))?;
        // A vector takes everything.
        let _ = writeln!(bytes, "{text}");
    }
    let Some(out) = &args.out else { return output::bytes(&bytes) };
    files::write(out, &bytes, Secrecy::Public)?;
    let schema = "stillmark/watermark-generate/v1";
    let scheme = key.scheme().name().to_owned();
    let summary = Summary { schema, out: out.clone(), scheme, answers: count, tokens: total };
    session.answer(&summary, || told(&summary.out, &summary))
}

fn told(out: &Path, summary: &Summary) -> String {
    format!(
        "{}: {} answers, {} tokens, marked by {}",
        out.display(),
        summary.answers,
        summary.tokens,
        summary.scheme
    )
}
