//! One plan carried out: judged, its teacher found, captured, trained, exported.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stillmark_agreement::{Pack, Permit, Refusal};
use stillmark_distill::plan::{Init, Place, Precision};
use stillmark_distill::run::{Outcome, Run};
use stillmark_distill::teach::EmbeddedTeacher;
use stillmark_distill::{Embedded, Plan, Setup, Tokens};
use stillmark_evidence::layout::path;
use stillmark_kernels::gemm;
use stillmark_model::catalog;
use stillmark_model::{Checkpoint, Decoder};

use super::progress::Progress;
use super::seal::Particulars;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Problem, Stop};
use crate::session::Session;
use crate::{clock, fetch, interrupt, lawful};

/// What wrote the records.
const TOOL: &str = concat!("stillmark ", env!("CARGO_PKG_VERSION"));

/// A plan that may be carried out, with its teacher at hand.
pub(crate) struct Job {
    /// The plan.
    pub(crate) plan: Plan,
    /// The text it was read from.
    text: String,
    base: PathBuf,
    /// The run folder.
    pub(crate) folder: PathBuf,
    permit: Permit,
    /// The teacher's files.
    pub(crate) checkpoint: Checkpoint,
    /// The teacher, ready to run.
    pub(crate) decoder: Decoder,
    name: String,
    uri: String,
    started_on: String,
}

/// Which parts of the job are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The teacher's answers.
    Capture,
    /// The student.
    Train,
    /// Its files.
    Export,
}

impl Job {
    /// Judges a plan and gets its teacher ready; a plan that is not permitted stops here, before anything is fetched.
    pub(crate) fn open(text: &str, base: &Path, folder: &Path, session: &Session) -> Result<Self, Stop> {
        interrupt::listen()?;
        let started_on = clock::now();
        let plan = Plan::parse(text)
            .map_err(|err| Problem::from_error(&err).while_doing("the plan is not sound"))?;
        let permit = permit(&plan)?;
        let Place::Embedded { model } = &plan.teacher().place else {
            return Err(Problem::new("a remote teacher cannot be run from the command line in this version")
                .hint("name an embedded teacher: `stillmark model list`")
                .into());
        };
        let (place, uri) = find(model, base, session)?;
        let name = published(model);
        let checkpoint = Checkpoint::open(&place).map_err(|err| {
            Problem::from_error(&err).while_doing(format!("the teacher `{model}` cannot be used"))
        })?;
        let precision = match plan.train().precision {
            Precision::F32 => gemm::Precision::F32,
            Precision::Bf16 => gemm::Precision::Bf16,
        };
        let decoder = Decoder::load(checkpoint.config(), &checkpoint, precision).map_err(|err| {
            Problem::from_error(&err).while_doing(format!("the teacher `{model}` cannot be used"))
        })?;
        Ok(Self {
            plan,
            text: text.to_owned(),
            base: base.to_owned(),
            folder: folder.to_owned(),
            permit,
            checkpoint,
            decoder,
            name,
            uri,
            started_on,
        })
    }

    /// Takes the run folder.
    pub(crate) fn run(&self) -> Result<Run<'_>, Problem> {
        let setup = Setup {
            plan: &self.plan,
            base: &self.base,
            folder: &self.folder,
            tokens: self.tokens()?,
            teacher: Some(Embedded { checkpoint: &self.checkpoint, decoder: &self.decoder }),
            teacher_name: &self.name,
            tool: TOOL,
        };
        let run = Run::open(&self.permit, setup).map_err(|err| broken(&err))?;
        files::write(&self.folder.join(path::PLAN), self.text.as_bytes(), Secrecy::Public)?;
        Ok(run)
    }

    /// Carries out some steps of a run, with progress on stderr.
    pub(crate) fn carry_out(&self, run: &Run<'_>, steps: &[Step], session: &Session) -> Result<(), Stop> {
        for step in steps {
            let mut progress = Progress::new(session);
            let mut listener = |event: stillmark_distill::run::Event| {
                progress.show(&event);
                if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let outcome = match step {
                Step::Capture => {
                    let mut teacher = EmbeddedTeacher::new(&self.decoder, self.tokens()?, &self.plan);
                    run.capture(&self.permit, &mut teacher, &mut listener)
                }
                Step::Train => run.train(&mut listener),
                Step::Export => run.export(&mut listener),
            };
            progress.finish();
            if outcome.map_err(|err| broken(&err))? == Outcome::Stopped {
                let hint = "nothing is lost: run the same command with --resume and it goes on, bit for bit";
                return Err(Problem::interrupted(hint).into());
            }
        }
        Ok(())
    }

    fn tokens(&self) -> Result<Tokens<'_>, Problem> {
        Tokens::of(&self.checkpoint).map_err(|err| broken(&err))
    }

    /// What the folder does not show of the run.
    pub(crate) fn particulars(&self) -> Result<Particulars, Problem> {
        let digest = self.checkpoint.digest().map_err(|err| Problem::from_error(&err))?;
        let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
        let from_teacher = matches!(self.plan.student().init, Init::Teacher { .. });
        Ok(Particulars {
            base: from_teacher.then(|| (self.name.clone(), digest)),
            teacher_uri: self.uri.clone(),
            terms_pack: pack.digest(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            started_on: self.started_on.clone(),
            finished_on: clock::now(),
        })
    }
}

/// The pass for a plan; without one, what stands against it.
fn permit(plan: &Plan) -> Result<Permit, Problem> {
    let case = lawful::judge_plan(plan, None)?;
    case.ruling.permit(&case.accepted).map_err(|refusal| {
        let problem = Problem::new("the plan is not permitted").cause(refusal.to_string());
        match &refusal {
            Refusal::Forbidden { reasons } => {
                let mut problem = problem.status(ExitStatus::Negative);
                for reason in reasons {
                    problem = problem.cause(format!("{}: {}", reason.path, reason.says));
                }
                problem.hint("nothing was fetched; only a grant of the provider overrides a clause that forbids")
            }
            Refusal::Open { asks } => {
                let mut problem = problem.status(ExitStatus::Review);
                for ask in asks {
                    problem = problem.cause(format!("{}: {}", ask.id, ask.question));
                }
                problem.hint("a named person answers each ask in an `[[accepted]]` table of the plan: ask, person, date, reason")
            }
            Refusal::Blank { .. } | Refusal::NotAsked { .. } => {
                problem.hint("`stillmark agreement check` lists the asks of a plan by their ids")
            }
        }
    })
}

/// Where a model lies: a path as it stands, or a name of the catalog, fetched where it is not in the cache.
fn find(model: &str, base: &Path, session: &Session) -> Result<(PathBuf, String), Stop> {
    if let Some(entry) = catalog::find(model) {
        let fetched = fetch::fetch(entry, None, &session.settings, session.talk)?;
        return Ok((fetched.path, format!("urn:stillmark:catalog:{model}")));
    }
    let path = base.join(model);
    if !path.exists() {
        return Err(Problem::new(format!("there is no model `{model}`"))
            .cause(format!("it is no name of the catalog, and {} is not there", path.display()))
            .hint("`stillmark model list` shows the names")
            .into());
    }
    let uri = format!("file:{model}");
    Ok((path, uri))
}

/// The name a model is published under: the repository of its maker, or the last part of its path.
fn published(model: &str) -> String {
    let hub = catalog::find(model).and_then(|entry| {
        entry.sources.iter().find_map(|source| match source.place {
            catalog::Place::Hub { repository, .. } => Some(repository.to_owned()),
            catalog::Place::PyPi { .. } => None,
        })
    });
    let stem =
        || Path::new(model).file_stem().map_or(model.to_owned(), |stem| stem.to_string_lossy().into_owned());
    hub.unwrap_or_else(stem)
}

/// A failure of the job, with what to do next where there is something.
fn broken(err: &stillmark_distill::Error) -> Problem {
    let problem = Problem::from_error(err);
    match err {
        stillmark_distill::Error::Busy { .. } => {
            problem.hint("wait for it to end, or name another folder with --out")
        }
        stillmark_distill::Error::Mismatch { what, .. } if what.contains("run folder") => {
            problem.hint("the folder holds a run of another plan: name another one with --out")
        }
        stillmark_distill::Error::Diverged { .. } => {
            problem.hint("lower `train.lr`, or raise `train.warmup`; the last checkpoint is kept")
        }
        stillmark_distill::Error::Io { .. } => {
            problem.hint("mend the cause and run the same command with --resume: what was done is kept")
        }
        _ => problem,
    }
}
