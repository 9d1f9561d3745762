//! `stillmark benchmark run SPEC --model MODEL`.

mod answers;
mod embedded;
mod finish;
mod jobs;
mod register;
mod remote;
mod spec;
mod told;

use std::path::{Path, PathBuf};

use stillmark_evidence::evaluation::Model;
use stillmark_kernels::gemm::Precision;

use self::register::Start;
use crate::clock;
use crate::exit::ExitStatus;
use crate::files;
use crate::interrupt;
use crate::keys;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark run` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark run gsm8k --data benchmarks/gsm8k --model smollm2-135m-instruct --limit 100\n  \
                  stillmark benchmark audit gsm8k-run\n\nSPEC: a TOML file (tasks, data, num_fewshot, limit, seed, chat_template, \
                  system_instruction), or\ntasks and groups of lm-evaluation-harness: mmlu, mmlu_anatomy, arc_challenge, gsm8k, bbh.\n\
                  Exit codes: 0 whatever the scores; 2 where it could not be carried out."
)]
pub(crate) struct Args {
    /// A TOML file, or names of tasks and groups with commas between them
    spec: String,
    /// A path, a name of `stillmark model list`, or a model's name at --url
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// An OpenAI-compatible API to ask, such as `http://localhost:8000/v1`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The environment variable that holds the API's key
    #[arg(long, value_name = "NAME", requires = "url")]
    key_env: Option<String>,
    /// Copies of the benchmarks: files or folders; may be repeated
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// Examples a prompt [default: the task's own]
    #[arg(long, value_name = "N")]
    num_fewshot: Option<usize>,
    /// Ask the first N records only
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Behind the choice of examples [default: 1234]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Put prompts into the model's chat template
    #[arg(long)]
    apply_chat_template: bool,
    /// What numbers are rounded to in products
    #[arg(long, value_enum, default_value_t = Rounding::F32)]
    precision: Rounding,
    /// The folder of the run [default: the spec's name and `-run`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The log that runs are registered in [default: ~/.config/stillmark/evaluations]
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Go on with what the folder already holds
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Rounding {
    /// 32 bits: what other harnesses' scores are compared with
    F32,
    /// 16 bits: faster
    Bf16,
}

impl Rounding {
    fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::Bf16 => Precision::Bf16,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

/// Runs a benchmark: registered, asked, scored, signed.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let spec = spec::read(args)?;
    let key = keys::read_private(&session.settings.key)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}-run", spec.name)));
    let start = if args.resume { Start::Resumed } else { Start::Anew };
    check_place(&out, start)?;
    interrupt::listen()?;
    let asked = match &args.url {
        Some(url) => remote::open(args, url, &spec, session)?,
        None => embedded::open(args, &spec, session)?,
    };
    let jobs = jobs::prepare(&spec, asked.chat(), session)?;
    asked.check(&jobs)?;
    files::make_folder(&out)?;
    let log = args.log.clone().unwrap_or_else(|| session.settings.trust.with_file_name("evaluations"));
    let started_on = clock::now();
    let registered = register::register(&out, (&jobs, asked.model()), &log, &key, start)?;
    session.talk.note(&format!(
        "registered as run {} of this spec and model in {}",
        registered.registration.earlier_runs + 1,
        log.display()
    ));
    let mut answers = answers::open(&out, &jobs)?;
    asked.ask(&jobs, &mut answers, session)?;
    if interrupt::requested() {
        return Err(Problem::interrupted("the run is not finished")
            .hint(format!("the same command with `--resume` goes on: {} keeps the answers", out.display()))
            .into());
    }
    let asked_of = finish::Answered { jobs: &jobs, groups: &spec.groups, answers: &answers };
    let finished = finish::finish(&out, &asked_of, (&asked, &registered, started_on), (&log, &key))?;
    session.answer(&told::answer(&finished, &out), || told::human(&finished, &out))?;
    Ok(ExitStatus::Done)
}

/// A folder that holds a run is only gone on with where that was asked.
fn check_place(out: &Path, start: Start) -> Result<(), Problem> {
    use stillmark_evidence::evaluation::path;
    if out.join(path::RUN).exists() {
        return Err(Problem::new(format!("{} holds a finished run", out.display()))
            .hint("a run is registered and signed once: name another folder with `--out`"));
    }
    if out.join(path::REGISTRATION).exists() && start == Start::Anew {
        return Err(Problem::new(format!("{} holds a run that did not end", out.display()))
            .hint("`--resume` goes on with it; `--out` names another folder"));
    }
    Ok(())
}

/// Who answers.
enum Asked {
    Embedded(Box<embedded::Embedded>),
    Remote(Box<remote::Remote>),
}

impl Asked {
    fn model(&self) -> &Model {
        match self {
            Self::Embedded(one) => &one.model,
            Self::Remote(one) => &one.model,
        }
    }

    /// How prompts become conversations; none where they stay plain text.
    fn chat(&self) -> Option<jobs::ChatOf<'_>> {
        match self {
            Self::Embedded(one) => one.chat(),
            Self::Remote(_) => None,
        }
    }

    fn check(&self, jobs: &[jobs::Job]) -> Result<(), Problem> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Remote(one) => one.check(jobs),
        }
    }

    fn ask(
        &self,
        jobs: &[jobs::Job],
        answers: &mut answers::Answers,
        session: &Session,
    ) -> Result<(), crate::problem::Stop> {
        match self {
            Self::Embedded(one) => one.ask(jobs, answers, session),
            Self::Remote(one) => one.ask(jobs, answers, session),
        }
    }
}
