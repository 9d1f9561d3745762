//! `stillmark model ask MODEL QUESTION`.

use std::io::Read;
use std::ops::ControlFlow;

use serde::Serialize;
use stillmark_kernels::gemm::Precision;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::generate::{self, Event, Finish, Request};
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder};

use crate::advice;
use crate::exit::ExitStatus;
use crate::interrupt;
use crate::output;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// What `model ask` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark model ask smollm2-135m-instruct \"Why is the sky blue?\"")]
pub(crate) struct Args {
    /// A path, or a name of `stillmark model list`
    model: String,
    /// The question; `-` reads it from stdin
    question: String,
    /// Said to the model before the question
    #[arg(long)]
    system: Option<String>,
    /// The answer's greatest length
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    /// What logits are divided by; 0 takes the likeliest token
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Only the likeliest tokens that together reach this probability
    #[arg(long)]
    top_p: Option<f32>,
    /// Behind the draws: the same seed gives the same answer
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Continue the text as it is, without the chat template
    #[arg(long)]
    raw: bool,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    prompt: String,
    response: String,
    prompt_tokens: usize,
    tokens: usize,
    ln_p: f64,
    finish: &'static str,
}

/// Asks, and shows the answer as it grows.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let question = question(args)?;
    let path = super::locate(&args.model, session)?;
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be asked", path.display()))
    };
    let checkpoint = Checkpoint::open(&path).map_err(ours)?;
    let prompt = prompt(args, question, &checkpoint).map_err(ours)?;
    let tokens = checkpoint.tokenizer().and_then(|tokenizer| tokenizer.encode(&prompt)).map_err(ours)?;
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).map_err(ours)?;
    let request = Request { id: 0, prompt: tokens, max_tokens: args.max_tokens, seed: args.seed };
    interrupt::listen()?;
    let answer = answer(args, session, &checkpoint, (&decoder, request, prompt))?;
    if session.is_json() {
        session.answer(&answer, String::new)?;
    } else {
        output::bytes(b"\n")?;
    }
    if interrupt::requested() {
        return Err(Problem::interrupted("the answer is cut short where you stopped it").into());
    }
    Ok(ExitStatus::Done)
}

fn question(args: &Args) -> Result<String, Problem> {
    if args.question != "-" {
        return Ok(args.question.clone());
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|err| Problem::new("the question cannot be read from stdin").cause(err.to_string()))?;
    Ok(text.trim_end().to_owned())
}

fn prompt(args: &Args, question: String, checkpoint: &Checkpoint) -> Result<String, stillmark_model::Error> {
    let Some(template) = checkpoint.chat_template().filter(|_| !args.raw) else { return Ok(question) };
    let mut messages: Vec<Message> = args.system.iter().map(|text| Message::new("system", text)).collect();
    messages.push(Message::new("user", &question));
    template.render(&messages, Ending::Generation)
}

/// Generates; for people each piece of text is shown as soon as it is whole.
fn answer(
    args: &Args,
    session: &Session,
    checkpoint: &Checkpoint,
    (decoder, request, prompt): (&Decoder, Request, String),
) -> Result<Answer, Stop> {
    let ours = |err: stillmark_model::Error| Problem::from_error(&err).while_doing("the answer broke off");
    let sampling = Sampling { temperature: args.temperature, top_k: None, top_p: args.top_p, min_p: None };
    let stop = checkpoint.config().eos.clone();
    let settings =
        generate::Settings { sampling, rows: 1, stop: stop.clone(), recorded: generate::Recorded::Nothing };
    let mut stream = checkpoint.tokenizer().map_err(ours)?.stream();
    let (mut response, mut ln_p, mut tokens, mut finish) = (String::new(), 0.0, 0, "interrupted");
    let mut trouble = None;
    let prompt_tokens = request.prompt.len();
    let mut on_event = |event: Event| {
        match event {
            Event::Token { choice, .. } => {
                tokens += 1;
                ln_p += f64::from(choice.log_prob);
                if !stop.contains(&choice.token) {
                    trouble = stream
                        .push(choice.token)
                        .map_err(|err| Stop::from(ours(err)))
                        .and_then(|piece| {
                            response.push_str(&piece);
                            if session.is_json() { Ok(()) } else { output::bytes(piece.as_bytes()) }
                        })
                        .err();
                }
            }
            Event::Answer(answer) => finish = word(answer.finish),
        }
        if trouble.is_some() || interrupt::requested() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let requests = &mut std::iter::once(request);
    generate::generate(decoder, requests, &settings, None, &mut on_event).map_err(ours)?;
    if let Some(stop) = trouble {
        return Err(stop);
    }
    let rest = stream.finish().map_err(ours)?;
    if !session.is_json() {
        output::bytes(rest.as_bytes())?;
    }
    response.push_str(&rest);
    let schema = "stillmark/model-ask/v1";
    Ok(Answer { schema, prompt, response, prompt_tokens, tokens, ln_p, finish })
}

fn word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}
