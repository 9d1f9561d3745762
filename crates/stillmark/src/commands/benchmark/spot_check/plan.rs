//! `stillmark benchmark spot-check plan`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stillmark_benchmark::spot_check::draw;
use stillmark_evidence::Digest;
use stillmark_ledger::checkpoint;

use super::document::{self, Plan, SCHEMA};
use super::scores::{self, Which};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark spot-check plan` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark spot-check plan --log samples_gsm8k.jsonl --checkpoint checkpoint --nonce nonce.txt --exact --out plan.json"
)]
pub(crate) struct Args {
    /// The log that is checked: samples of lm-evaluation-harness, or their folder
    #[arg(long, value_name = "PATH", required_unless_present = "items")]
    log: Vec<PathBuf>,
    /// How many items the benchmark has, where no log is at hand
    #[arg(long, value_name = "N")]
    items: Option<u64>,
    /// The checkpoint that fixed the log, as its transparency log signed it
    #[arg(long, value_name = "FILE", required_unless_present = "root")]
    checkpoint: Option<PathBuf>,
    /// The root of that checkpoint in hexadecimal, where only it is at hand
    #[arg(long, value_name = "HEX", conflicts_with = "checkpoint")]
    root: Option<String>,
    /// The secret number that was committed to before
    #[arg(long, value_name = "FILE")]
    nonce: PathBuf,
    /// The inflation that is to be excluded, in points
    #[arg(long, default_value_t = 2.0, value_name = "POINTS")]
    margin: f64,
    /// How often a greater inflation may pass
    #[arg(long, default_value_t = 0.05)]
    alpha: f64,
    /// How often a sound log is to pass
    #[arg(long, default_value_t = 0.95)]
    power: f64,
    /// The share of items on which two honest runs differ
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    flip_rate: f64,
    /// Say that a re-run repeats exactly: then one item that differs is a finding
    #[arg(long, conflicts_with = "flip_rate")]
    exact: bool,
    /// Where the plan is written; to stdout if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// Plans.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let nonce = document::digest(&files::read_secret(&args.nonce, session.talk)?).ok_or_else(|| {
        Problem::new(format!("{} holds no number that was committed to", args.nonce.display()))
            .hint("`stillmark benchmark spot-check commit --nonce FILE` draws one")
    })?;
    let root = root(args)?;
    let keys: Vec<scores::Key> = if args.log.is_empty() {
        Vec::new()
    } else {
        scores::read(&args.log, &args.which)?.into_keys().collect()
    };
    let population = if keys.is_empty() { args.items.unwrap_or(0) } else { keys.len() as u64 };
    let seed = draw::seed(root.as_bytes(), nonce.as_bytes());
    let mut plan = Plan {
        schema: SCHEMA.to_owned(),
        root: root.to_string(),
        commitment: Digest::from_bytes(draw::commitment(nonce.as_bytes())).to_string(),
        nonce: nonce.to_string(),
        seed: Digest::from_bytes(seed).to_string(),
        population,
        margin_points: args.margin,
        alpha: args.alpha,
        power: args.power,
        flip_rate: args.flip_rate,
        exact: args.exact,
        drawn: Vec::new(),
        samples: BTreeMap::new(),
    };
    let aim = plan
        .aim()
        .map_err(|problem| Problem::new(problem).hint("see `stillmark benchmark spot-check plan --help`"))?;
    let size = if args.exact { aim.discovery().max(aim.inflation()) } else { aim.inflation() };
    let size = size.ok_or_else(|| {
        Problem::new(format!(
            "not even all {population} items exclude {} points at that flip rate",
            args.margin
        ))
        .hint("take a greater margin, or runs that differ less")
    })?;
    plan.drawn = draw::draw(&seed, population, size);
    for &place in &plan.drawn {
        if let Some((task, number)) = keys.get(place as usize) {
            plan.samples.entry(task.clone()).or_default().push(*number);
        }
    }
    plan.samples.values_mut().for_each(|numbers| numbers.sort_unstable());
    if let Some(path) = &args.out {
        let text = serde_json::to_string_pretty(&plan)
            .map_err(|err| Problem::new("the plan could not be written as JSON").cause(err.to_string()))?;
        files::write(path, (text + "\n").as_bytes(), Secrecy::Public)?;
    }
    session.answer(&plan, || told(&plan))?;
    Ok(ExitStatus::Done)
}

fn root(args: &Args) -> Result<Digest, Problem> {
    if let Some(path) = &args.checkpoint {
        let text = files::read_text(path)?;
        let body = text.split_once("\n\n").map_or(text.as_str(), |(body, _)| body);
        let parsed = checkpoint::parse(&format!("{}\n", body.trim_end()));
        return parsed.map(|checkpoint| Digest::from_bytes(checkpoint.head().root.0)).map_err(|err| {
            Problem::from_error(&err)
                .while_doing(format!("{} is no checkpoint", path.display()))
                .hint("a checkpoint is a log's name, its size and its root, a line each, then signatures")
        });
    }
    document::digest(args.root.as_deref().unwrap_or_default())
        .ok_or_else(|| Problem::new("`--root` is no SHA-256 in hexadecimal").hint("it has 64 digits"))
}

fn told(plan: &Plan) -> String {
    let mut lines = vec![format!(
        "run {} of {} items again: more than {} points of inflation pass once in {:.0} times",
        plan.drawn.len(),
        plan.population,
        plan.margin_points,
        1.0 / plan.alpha
    )];
    if plan.exact {
        lines.push(
            "  assumes   a re-run repeats exactly: show it by running some items twice (`judge --again`)"
                .to_owned(),
        );
    } else {
        lines.push(format!(
            "  assumes   two honest runs differ on {} of the items; a sound log then passes {:.0} times of 100",
            plan.flip_rate,
            plan.power * 100.0
        ));
    }
    lines.push(format!("  seed      {}", plan.seed));
    let items: Vec<String> = plan.drawn.iter().map(u64::to_string).collect();
    lines.push(format!("  items     {}", items.join(" ")));
    lines.join("\n")
}
