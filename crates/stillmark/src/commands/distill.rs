//! `stillmark distill run|capture|train|export|replay|plan`.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde_json::json;
use stillmark_distill::course;
use stillmark_distill::metrics::{self, Entry};
use stillmark_distill::train::{Batch, Checkpoint, Feed, Replayed, Student, TeacherHead, replay};
use stillmark_evidence::layout::path;

use crate::advice;
use crate::exit::ExitStatus;
use crate::files;
use crate::interrupt;
use crate::keys;
use crate::lawful;
use crate::problem::{Outcome, Problem, Stop};
use crate::run::job::{Job, Step};
use crate::run::seal;
use crate::session::Session;

/// What `distill` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark distill plan plan.toml\n  stillmark distill run plan.toml --out student"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The whole job: capture, train, export, sign
    Run(Which),
    /// Ask the teacher and write the records
    Capture(Which),
    /// Train the student on the records
    Train(Which),
    /// Write the student's files and sign the folder
    Export(Which),
    /// Make some steps of a run again and compare the bits
    Replay(Replay),
    /// Read a plan, judge it and say what it would do
    Plan(PlanArgs),
}

/// A plan and its folder.
#[derive(Debug, clap::Args)]
struct Which {
    /// The plan
    plan: PathBuf,
    /// The run folder [default: the student's name, beside the plan]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with what the folder already holds
    #[arg(long)]
    resume: bool,
}

/// Steps to be made again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark distill replay student --steps 40..60\n\nExit codes: 0 the same bits, 1 a step differs."
)]
struct Replay {
    /// The run folder
    folder: PathBuf,
    /// The folder that the plan's paths are relative to [default: the one that holds the run folder]
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// First and last step; the nearest checkpoint before the first is where it begins
    #[arg(long, value_name = "N..M", value_parser = steps)]
    steps: RangeInclusive<u64>,
}

#[derive(Debug, clap::Args)]
struct PlanArgs {
    /// The plan
    plan: PathBuf,
    /// Carry nothing out (a plan is never carried out by this command)
    #[arg(long)]
    dry_run: bool,
}

/// Runs one of them.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    match &args.verb {
        Verb::Run(which) => steps_of(which, &[Step::Capture, Step::Train, Step::Export], session),
        Verb::Capture(which) => steps_of(which, &[Step::Capture], session),
        Verb::Train(which) => steps_of(which, &[Step::Train], session),
        Verb::Export(which) => steps_of(which, &[Step::Export], session),
        Verb::Replay(args) => run_replay(args, session),
        Verb::Plan(args) => plan(args, session),
    }
}

fn steps_of(which: &Which, steps: &[Step], session: &Session) -> Outcome {
    let text = files::read_text(&which.plan)?;
    let base = which.plan.parent().map_or_else(PathBuf::new, Path::to_owned);
    let folder = match &which.out {
        Some(folder) => folder.clone(),
        None => base.join(student_name(&text)?),
    };
    let alone = steps.len() == 1 && steps[0] > Step::Capture;
    if !which.resume && !alone && holds_something(&folder.join(path::DATA)) {
        return Err(Problem::new(format!("{} already holds a run", folder.display()))
            .hint("--resume goes on with it; --out names another folder")
            .into());
    }
    let signs = steps.contains(&Step::Export);
    let key = if signs { Some(keys::read_private(&session.settings.key)?) } else { None };
    let job = Job::open(&text, &base, &folder, session)?;
    let run = job.run()?;
    job.carry_out(&run, steps, session)?;
    if let Some(key) = &key {
        seal::run_folder(&folder, &job.plan, &job.particulars()?, key)?;
    }
    let answer = json!({
        "schema": "stillmark/distill/v1",
        "folder": folder,
        "plan": job.plan.digest().to_string(),
        "signed": signs,
    });
    session.answer(&answer, || {
        if signs { next_steps(&folder) } else { format!("{}: done", folder.display()) }
    })?;
    Ok(ExitStatus::Done)
}

/// Whether there is anything in a folder.
fn holds_something(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// What to do with a signed folder.
fn next_steps(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "{folder}: distilled and signed\n\nNext:\n  stillmark verify {folder}\n  stillmark report {folder} -o report.html"
    )
}

fn student_name(text: &str) -> Result<String, Problem> {
    let plan = stillmark_distill::Plan::parse(text)
        .map_err(|err| advice::distill_problem(&err).while_doing("the plan is not sound"))?;
    Ok(plan.student().name.replace(' ', "-"))
}

fn plan(args: &PlanArgs, session: &Session) -> Outcome {
    let _ = args.dry_run;
    let text = files::read_text(&args.plan)?;
    let plan = stillmark_distill::Plan::parse(&text).map_err(|err| {
        advice::distill_problem(&err).while_doing(format!("{} is not a sound plan", args.plan.display()))
    })?;
    let base = args.plan.parent().unwrap_or(Path::new(""));
    let case = lawful::judge_plan(&plan, base, None)?;
    let train = plan.train();
    let (steps, tokens) = (train.steps(), train.steps() * train.tokens_per_step());
    let answer = json!({
        "schema": "stillmark/plan/v1",
        "digest": plan.digest().to_string(),
        "verdict": case.ruling.verdict,
        "sources": plan.sources().iter().map(|source| &source.id).collect::<Vec<_>>(),
        "steps": steps,
        "tokens": tokens,
    });
    session.answer(&answer, || {
        format!(
            "{}: {}\n  student  {}\n  sources  {}\n  training {steps} steps of {} tokens, {tokens} in all\n  digest   {}",
            args.plan.display(),
            case.ruling.verdict.as_str(),
            plan.student().name,
            plan.sources().iter().map(|source| source.id.as_str()).collect::<Vec<_>>().join(", "),
            train.tokens_per_step(),
            plan.digest(),
        )
    })?;
    Ok(super::agreement::check::status(case.ruling.verdict))
}

fn run_replay(args: &Replay, session: &Session) -> Outcome {
    let text = files::read_text(&args.folder.join(path::PLAN))?;
    let base = args.base.clone().unwrap_or_else(|| above(&args.folder));
    let job = Job::open(&text, &base, &args.folder, session)?;
    let run = job.run()?;
    let metrics = metrics::read(&args.folder.join(path::METRICS)).map_err(|err| Problem::from_error(&err))?;
    let records: Vec<_> = metrics
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Step(record) => Some(record),
            Entry::Evaluation(_) => None,
        })
        .collect();
    let (first, last) = (*args.steps.start(), *args.steps.end());
    if let Some(made) = records.iter().map(|record| record.step).max().filter(|made| *made < last) {
        return Err(no_step(last, made).into());
    }
    let found = run.with_course(|course, config| {
        let saved = course::checkpoints(course.plan, course.folder);
        let before = saved.steps()?.into_iter().rfind(|step| *step < first).unwrap_or(0);
        let checkpoint = match before {
            0 => Checkpoint::beginning(run.untrained()?, course.bindings),
            step => Checkpoint::load_unpinned(&saved.path(step), config)?,
        };
        let settings = course::settings(course.plan, course.shared_vocab);
        let mut feed = Interruptible(course.feed());
        replay(checkpoint, settings, (&records, &saved), last, &mut feed).map(|replayed| (before, replayed))
    });
    if interrupt::requested() {
        return Err(Problem::interrupted("nothing was changed").into());
    }
    let (before, replayed) = found
        .map_err(|err| advice::distill_problem(&err).while_doing("the steps could not be made again"))?;
    replayed_answer(&replayed, before, last, session)
}

/// The batches of a course, until the user asks to stop.
struct Interruptible<'a>(course::CourseFeed<'a>);

impl Feed for Interruptible<'_> {
    fn batches(&mut self, step: u64, student: &Student) -> Result<Vec<Batch>, stillmark_distill::Error> {
        if interrupt::requested() {
            let source = std::io::ErrorKind::Interrupted.into();
            return Err(stillmark_distill::Error::Io { path: PathBuf::new(), source });
        }
        self.0.batches(step, student)
    }

    fn teacher(&mut self) -> Option<&mut dyn TeacherHead> {
        self.0.teacher()
    }
}

/// The folder that a folder lies in.
fn above(folder: &Path) -> PathBuf {
    match (folder.file_name(), folder.parent()) {
        (Some(_), Some(parent)) => parent.to_owned(),
        _ => folder.join(".."),
    }
}

fn no_step(step: u64, made: u64) -> Problem {
    Problem::new(format!("the run made no step {step}"))
        .cause(format!("its metrics end with step {made}"))
        .hint(format!("name steps from 1 to {made}"))
}

fn after(from: u64) -> String {
    if from == 0 { "from the beginning".to_owned() } else { format!("after the checkpoint of step {from}") }
}

fn replayed_answer(replayed: &Replayed, from: u64, last: u64, session: &Session) -> Outcome {
    let schema = "stillmark/replay/v1";
    let (answer, line, status) = match replayed {
        Replayed::Same { steps } => (
            json!({ "schema": schema, "verdict": "same", "from": from, "last": last, "steps": steps }),
            format!("same: {steps} steps {} give the recorded bits", after(from)),
            ExitStatus::Done,
        ),
        Replayed::Differs { step, what, recorded, found } => (
            json!({ "schema": schema, "verdict": "differs", "from": from, "step": step, "what": what, "recorded": recorded, "found": found }),
            format!(
                "differs: step {step} is the first that does ({what}: recorded {recorded}, found {found})"
            ),
            ExitStatus::Negative,
        ),
        Replayed::Missing { step } => {
            return Err(Stop::from(
                Problem::new(format!("the metrics hold no step {step}")).hint("name steps that the run made"),
            ));
        }
    };
    session.answer(&answer, || line)?;
    Ok(status)
}

/// Reads `N..M`.
fn steps(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write it as N..M")?;
    let number = |text: &str| text.trim_start_matches('=').parse::<u64>().map_err(|err| err.to_string());
    let (first, last) = (number(first)?, number(last)?);
    if first == 0 || last < first {
        return Err("steps count from 1, the first before the last".to_owned());
    }
    Ok(first..=last)
}
