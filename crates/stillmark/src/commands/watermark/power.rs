//! `stillmark watermark power`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_watermark::{Key, power};

use crate::exit::ExitStatus;
use crate::keyfile;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `watermark power` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark watermark power --scheme vllm-philox --entropy 1 --level 1e-6 --power 0.9"
)]
pub(crate) struct Args {
    /// The scheme, with its default parameters
    #[arg(long, value_name = "NAME", default_value = "vllm-philox")]
    scheme: String,
    /// A key whose scheme and parameters are planned with
    #[arg(long, value_name = "KEYFILE", conflicts_with = "scheme")]
    key: Option<PathBuf>,
    /// A parameter of the scheme, such as `vocab_size=49152`; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Mean entropy of the model's next token, in nats
    #[arg(long, default_value_t = 1.0)]
    entropy: f64,
    /// How often unmarked text may be called marked
    #[arg(long, default_value_t = 1e-6)]
    level: f64,
    /// How often marked text is to be found
    #[arg(long, default_value_t = 0.9)]
    power: f64,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    scheme: String,
    entropy: f64,
    level: f64,
    power: f64,
    /// None: more than a thousand million.
    tokens: Option<u64>,
    mean_score: f64,
    /// Tokens, and how often so many find a mark.
    curve: Vec<(u64, f64)>,
    assumptions: [&'static str; 3],
}

const ASSUMPTIONS: [&str; 3] = [
    "Scored tokens: what repeats is scored once, so a text needs more tokens than this.",
    "Next-token probabilities follow Zipf's law at the stated entropy; real text mixes low and high entropy and differs.",
    "Nothing was edited: each replaced token also unsettles the windows after it.",
];

/// Plans.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let within = |name: &str, value: f64| {
        if value > 0.0 && value < 1.0 {
            return Ok(());
        }
        Err(Problem::new(format!("`--{name} {value}` makes no sense")).hint("it lies between 0 and 1"))
    };
    within("level", args.level)?;
    within("power", args.power)?;
    let key = match &args.key {
        Some(path) => keyfile::read(path, None, session)?,
        None => generic(args)?,
    };
    let planned = power::plan(key.scheme(), args.entropy).ok_or_else(|| {
        Problem::new(format!("no next token has {} nats of entropy in that vocabulary", args.entropy))
            .hint("ordinary prose has .5 to 3 nats; of V tokens at most ln V")
    })?;
    let tokens = planned.tokens(args.level, args.power);
    let most = tokens.unwrap_or(1_000_000).saturating_mul(2).max(10);
    let points = (1..=20).map(|step| (most * step / 20).max(1));
    let answer = Answer {
        schema: "stillmark/watermark-power/v1",
        scheme: key.scheme().name().to_owned(),
        entropy: args.entropy,
        level: args.level,
        power: args.power,
        tokens,
        mean_score: planned.mean(),
        curve: points.map(|tokens| (tokens, planned.at(tokens, args.level))).collect(),
        assumptions: ASSUMPTIONS,
    };
    session.answer(&answer, || told(&answer))?;
    Ok(ExitStatus::Done)
}

fn generic(args: &Args) -> Result<Key, Problem> {
    let mut parameters = super::key::parameters(&args.parameters)?;
    let needs_vocabulary = Key::generate(&args.scheme, &parameters, &[0; 32]).is_err();
    if needs_vocabulary && !parameters.contains("vocab_size") {
        parameters += "vocab_size = 49152\n";
    }
    Key::generate(&args.scheme, &parameters, &[0; 32])
        .map_err(|err| keyfile::of_key(&err, format!("`{}` cannot be planned with", args.scheme)))
}

fn told(answer: &Answer) -> String {
    let mut lines = vec![match answer.tokens {
        Some(tokens) => format!(
            "{tokens} scored tokens of {} nats: a mark of {} is found in {:.0} % of texts, at a false-alarm rate of {:e}",
            answer.entropy,
            answer.scheme,
            answer.power * 100.0,
            answer.level
        ),
        None => format!("no number of tokens of {} nats shows a mark of {}", answer.entropy, answer.scheme),
    }];
    for (tokens, power) in answer.curve.iter().step_by(2) {
        let bar = "#".repeat((power * 40.0).round() as usize);
        lines.push(format!("  {tokens:>9} tokens  {:>6.1} %  {bar}", power * 100.0));
    }
    lines.extend(answer.assumptions.iter().map(|line| format!("  assumes   {line}")));
    lines.join("\n")
}
