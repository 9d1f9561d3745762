//! One plan carried out: judged, its teacher found, captured, trained, exported.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stillmark_agreement::{Consent, Pack, Permit, Refusal, RuleCode};
use stillmark_distill::plan::{Init, Place};
use stillmark_distill::run::{Event, Outcome, Run};
use stillmark_distill::teach::{EmbeddedTeacher, RemoteTeacher};
use stillmark_distill::{Plan, Setup};
use stillmark_evidence::consent::stem;
use stillmark_evidence::layout::path;
use stillmark_evidence::upstream::Upstream;
use stillmark_evidence::{Date, Digest};
use stillmark_model::Checkpoint;

use super::progress::Progress;
use super::provider::{self, ReceiptLog};
use super::seal::Particulars;
use super::teacher::{Teacher, Waits, published};
use super::upstream;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Problem, Stop};
use crate::session::Session;
use crate::{advice, clock, consent, interrupt, lawful};

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
    granted: Option<Consent>,
    /// The teacher.
    pub(crate) teacher: Teacher,
    upstream: Upstream,
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
            .map_err(|err| advice::distill_problem(&err).while_doing("the plan is not sound"))?;
        let mut granted = consent::of_plan(&plan, base, session)?;
        let on = lawful::recorded_day(folder);
        let mut leave = permit(&plan, base, granted.clone(), on.as_ref())?;
        // Whoever has all answers spends nothing more.
        let is_captured = folder.join(path::MANIFEST).exists();
        if let (Some(consent), Some(file), false) = (&granted, &plan.teacher().grant, is_captured) {
            provider::ask_revoked(&consent::grant_at(base, file), consent.grant(), consent.id())?;
            granted = consent::of_plan(&plan, base, session)?;
            leave = permit(&plan, base, granted.clone(), on.as_ref())?;
        }
        let teacher = Teacher::find(&plan, base, session)?;
        if let (Some(granted), Some(embedded)) = (&granted, teacher.embedded()) {
            about_weights(granted, embedded.checkpoint)?;
        }
        let upstream = upstream::gather(&plan, &teacher, base, session.talk)?;
        Ok(Self {
            plan,
            text: text.to_owned(),
            base: base.to_owned(),
            folder: folder.to_owned(),
            permit: leave,
            granted,
            teacher,
            upstream,
            started_on,
        })
    }

    /// Takes the run folder.
    pub(crate) fn run(&self) -> Result<Run<'_>, Problem> {
        let setup = Setup {
            plan: &self.plan,
            base: &self.base,
            folder: &self.folder,
            tokens: self.teacher.tokens()?,
            teacher: self.teacher.embedded(),
            teacher_name: &self.teacher.name,
            offer: consent::offer_of(&self.plan, &self.base)?.map(|offer| offer.digest()),
            tool: TOOL,
        };
        let run = Run::open(&self.permit, setup).map_err(|err| advice::distill_problem(&err))?;
        files::write(&self.folder.join(path::PLAN), self.text.as_bytes(), Secrecy::Public)?;
        self.keep_consent()?;
        Ok(run)
    }

    /// Copies grant and offer into the run folder, where whoever verifies it looks for them.
    fn keep_consent(&self) -> Result<(), Problem> {
        let teacher = self.plan.teacher();
        let folder = self.folder.join(path::CONSENT);
        if let (Some(granted), Some(file)) = (&self.granted, &teacher.grant) {
            let files = consent::files(&consent::grant_at(&self.base, file))?;
            // What another grant left there would be taken for one that the run rests on.
            let _ = std::fs::remove_dir_all(&folder);
            files::make_folder(&folder)?;
            for (ending, bytes) in files.all() {
                let name = format!("{}{ending}", stem(granted.id()));
                files::write(&folder.join(name), bytes, Secrecy::Public)?;
            }
        }
        if let Some(file) = &teacher.offer {
            files::make_folder(&folder)?;
            let text = files::read_text(&consent::offer_at(&self.base, file))?;
            files::write(&self.folder.join(path::OFFER), text.as_bytes(), Secrecy::Public)?;
        }
        Ok(())
    }

    /// Carries out some steps of a run, with progress on stderr.
    pub(crate) fn carry_out(&self, run: &Run<'_>, steps: &[Step], session: &Session) -> Result<(), Stop> {
        for step in steps {
            let mut progress = Progress::new(session);
            let mut listener = |event: Event| {
                progress.show(&event);
                if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let outcome = match step {
                Step::Capture => self.capture_proven(run, &mut listener)?,
                Step::Train => run.train(&mut listener),
                Step::Export => run.export(&mut listener),
            };
            progress.finish();
            if outcome.map_err(|err| advice::distill_problem(&err))? == Outcome::Stopped {
                let hint = "nothing is lost: run the same command with --resume and it goes on, bit for bit";
                return Err(Problem::interrupted(hint).into());
            }
        }
        Ok(())
    }

    /// Captures, and fetches the proofs of the receipts that came with the answers.
    fn capture_proven(
        &self,
        run: &Run<'_>,
        listener: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Result<Outcome, stillmark_distill::Error>, Stop> {
        let log = match (&self.granted, &self.plan.teacher().place) {
            (Some(granted), Place::Remote(remote)) => ReceiptLog::of(granted.grant(), remote, &self.folder)?,
            _ => None,
        };
        let log = log.filter(|log| !log.is_complete());
        if let Some(log) = &log {
            log.note()?;
        }
        let outcome = self.capture(run, listener)?;
        if let (Some(log), Ok(Outcome::Done)) = (&log, &outcome) {
            log.prove()?;
        }
        Ok(outcome)
    }

    fn capture(
        &self,
        run: &Run<'_>,
        listener: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Result<Outcome, stillmark_distill::Error>, Problem> {
        let tokens = self.teacher.tokens()?;
        if let Some(teacher) = self.teacher.embedded() {
            let mut teacher = EmbeddedTeacher::new(teacher, tokens, &self.plan);
            return Ok(run.capture(&self.permit, &mut teacher, listener));
        }
        let Place::Remote(remote) = &self.plan.teacher().place else {
            return Err(Problem::new("the teacher is neither here nor behind an API"));
        };
        let endpoint = self.teacher.endpoint(remote, &self.base)?;
        let data = self.folder.join(path::DATA);
        let asked = RemoteTeacher::new(&self.plan, tokens, &endpoint, &Waits, &data);
        Ok(asked.and_then(|teacher| run.capture(&self.permit, &mut teacher.under(&self.permit), listener)))
    }

    /// What the folder does not show of the run.
    pub(crate) fn particulars(&self) -> Result<Particulars, Problem> {
        let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
        Ok(Particulars {
            base: self.first_weights().map_err(|err| Problem::from_error(&err))?,
            teacher_uri: self.teacher.uri.clone(),
            upstream: self.upstream.clone(),
            terms_pack: pack.digest(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            started_on: self.started_on.clone(),
            finished_on: clock::now(),
        })
    }

    /// The name and digest of the model that the student's first weights come from, where there is one.
    fn first_weights(&self) -> Result<Option<(String, Digest)>, stillmark_model::Error> {
        match (&self.plan.student().init, self.teacher.embedded()) {
            (Init::Teacher { .. }, Some(teacher)) => {
                Ok(Some((self.teacher.name.clone(), teacher.checkpoint.digest()?)))
            }
            (Init::Checkpoint { path, .. }, _) => {
                let digest = Checkpoint::open(&self.base.join(path))?.digest()?;
                Ok(Some((published(path), digest)))
            }
            (Init::Teacher { .. } | Init::Config { .. }, _) => Ok(None),
        }
    }
}

/// Refuses a grant about other weights than the teacher's.
fn about_weights(granted: &Consent, teacher: &Checkpoint) -> Result<(), Problem> {
    let weights = teacher.digest().map_err(|err| Problem::from_error(&err))?;
    let subject = granted.subject();
    if subject.digest.sha256 == weights {
        return Ok(());
    }
    Err(Problem::new("the grant is about other weights than the teacher's")
        .cause(format!("it names {} by {}, the teacher is {weights}", subject.name, subject.digest.sha256))
        .hint("ask the provider for a grant about these weights: `stillmark model show` gives their digest"))
}

/// The pass for a plan; without one, what stands against it.
fn permit(plan: &Plan, base: &Path, granted: Option<Consent>, on: Option<&Date>) -> Result<Permit, Problem> {
    let case = lawful::judge_under(plan, base, granted, on)?;
    let void = case.ruling.reasons.iter().find(|reason| reason.rule == RuleCode::VoidGrant);
    case.ruling.permit(&case.accepted).map_err(|refusal| {
        let problem = Problem::new("the plan is not permitted").cause(refusal.to_string());
        match &refusal {
            Refusal::Forbidden { reasons } => {
                let mut problem = problem.status(ExitStatus::Negative);
                for reason in reasons {
                    problem = problem.cause(format!("{}: {}", reason.path, reason.says));
                }
                match void {
                    Some(void) => problem
                        .cause(format!("the {} does not count here: {}", void.clause, void.says))
                        .hint("nothing was fetched; `stillmark agreement grant show` says how the grant stands"),
                    None => problem
                        .hint("nothing was fetched; only a grant of the provider overrides a clause that forbids"),
                }
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
