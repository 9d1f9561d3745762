//! `stillmark model answer MODEL`: a question a line, an answer a line.

use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
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

/// A longer line is no question.
const LINE_BYTES: u64 = 16 << 20;

/// What `model answer` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark model answer smollm2-135m-instruct --max-tokens 8 < questions.jsonl > answers.jsonl\n\n\
                        Each line of stdin is {id, prompt}; each line of stdout {id, prompt, response, prompt_tokens, tokens, finish},\n\
                        written as soon as it is known, so that another program can ask over a pipe (bench/mlperf does)."
)]
pub(crate) struct Args {
    /// A path, or a name of `stillmark model list`
    model: String,
    /// An answer's greatest length
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    /// Continue prompts as they are, without the chat template
    #[arg(long = "raw-prompts")]
    raw: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    id: String,
    prompt: String,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    prompt: &'a str,
    response: String,
    prompt_tokens: usize,
    tokens: usize,
    finish: &'static str,
}

/// Answers until stdin ends.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let path = super::locate(&args.model, session)?;
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be asked", path.display()))
    };
    let checkpoint = Checkpoint::open(&path).map_err(ours)?;
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).map_err(ours)?;
    interrupt::listen()?;
    let mut stdin = std::io::stdin().lock();
    for number in 1.. {
        let Some(question) = question(&mut stdin, number)? else { break };
        answer(args, &checkpoint, &decoder, &question)?;
        if interrupt::requested() {
            return Err(Problem::interrupted("the answers written so far are whole").into());
        }
    }
    Ok(ExitStatus::Done)
}

/// The next question; none where stdin ends.
fn question(stdin: &mut impl BufRead, number: usize) -> Result<Option<Question>, Problem> {
    let mut line = String::new();
    let read = stdin.by_ref().take(LINE_BYTES + 1).read_line(&mut line);
    let read = read.map_err(|err| {
        Problem::new(format!("line {number} of stdin cannot be read")).cause(err.to_string())
    })?;
    if read == 0 {
        return Ok(None);
    }
    if read as u64 > LINE_BYTES {
        return Err(Problem::new(format!("line {number} of stdin is longer than 16 MiB")));
    }
    serde_json::from_str(&line).map(Some).map_err(|err| {
        Problem::new(format!("line {number} of stdin is no question"))
            .cause(err.to_string())
            .hint("each line is {\"id\": …, \"prompt\": …}")
    })
}

fn answer(args: &Args, checkpoint: &Checkpoint, decoder: &Decoder, question: &Question) -> Result<(), Stop> {
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("`{}` cannot be asked", question.id))
    };
    let text = match checkpoint.chat_template().filter(|_| !args.raw) {
        Some(template) => {
            template.render(&[Message::new("user", &question.prompt)], Ending::Generation).map_err(ours)?
        }
        None => question.prompt.clone(),
    };
    let tokenizer = checkpoint.tokenizer().map_err(ours)?;
    let prompt = tokenizer.encode(&text).map_err(ours)?;
    let prompt_tokens = prompt.len();
    let request = Request { id: 0, prompt, max_tokens: args.max_tokens, seed: 0 };
    let sampling = Sampling { temperature: 0.0, top_k: None, top_p: None, min_p: None };
    let stop = checkpoint.config().eos.clone();
    let settings =
        generate::Settings { sampling, rows: 1, stop: stop.clone(), recorded: generate::Recorded::Nothing };
    let mut finished = None;
    generate::generate(decoder, &mut std::iter::once(request), &settings, None, &mut |event| {
        if let Event::Answer(answer) = event {
            finished = Some(answer);
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(ours)?;
    let Some(answer) = finished else { return Ok(()) };
    let said: Vec<u32> = answer.tokens.iter().copied().filter(|token| !stop.contains(token)).collect();
    let line = Line {
        id: &question.id,
        prompt: &question.prompt,
        response: tokenizer.decode(&said).map_err(ours)?,
        prompt_tokens,
        tokens: answer.tokens.len(),
        finish: match answer.finish {
            Finish::Stop => "stop",
            Finish::Length => "length",
        },
    };
    let mut text = serde_json::to_string(&line)
        .map_err(|err| Problem::new("an answer could not be written").cause(err.to_string()))?;
    text.push('\n');
    output::bytes(text.as_bytes())
}
