//! The whole job: capture, train, export, in one folder, under one permit. Every step resumes where it was interrupted.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stillmark_agreement::Permit;
use stillmark_evidence::Digest;
use stillmark_evidence::layout::path;
use stillmark_model::score;

use crate::capture::{self, Job, Loaded, ShardEntry, Teach};
use crate::course::{self, Course};
use crate::feed::{Batches, read_records};
use crate::metrics::EvaluationRecord;
use crate::plan::{Init, TrainPlan};
use crate::records::{Meta, Record, SourceMeta};
use crate::setup::Setup;
use crate::train::{Bindings, Checkpoint as Saved, Student};
use crate::{Error, FolderLock, export, init, record};

/// What happens during a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// In the capture.
    Capture(capture::Event),
    /// In the training.
    Train(Box<course::Event>),
    /// The student is being written.
    Export,
}

/// How a run, or a step of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Broken off; a further call resumes it.
    Stopped,
}

/// A run's folder, held for one plan, with leave to fill it.
#[derive(Debug)]
pub struct Run<'a> {
    setup: Setup<'a>,
    loaded: Vec<Loaded>,
    meta: Meta,
    weights: Option<Digest>,
    _lock: FolderLock,
}

impl<'a> Run<'a> {
    /// Takes the folder and reads the plan's sources; refused without the permit for this very plan.
    pub fn open(permit: &Permit, setup: Setup<'a>) -> Result<Self, Error> {
        setup.plan.check_permit(permit)?;
        if setup.plan.train().on_policy > 0.0 {
            let detail = "`on_policy` above 0 is not carried out by this version".to_owned();
            return Err(Error::Plan { line: 0, detail });
        }
        let lock = FolderLock::take(setup.folder, &setup.plan.digest().to_string())?;
        let loaded = capture::load(setup.plan, setup.base)?;
        let weights = setup.teacher.map(|_| setup.tokens_of.digest()).transpose()?;
        let meta = meta(&setup, &loaded, weights, permit)?;
        Ok(Self { setup, loaded, meta, weights, _lock: lock })
    }

    /// Asks the teacher for what is not yet recorded, and writes the dataset manifest.
    pub fn capture(
        &self,
        permit: &Permit,
        teacher: &mut dyn Teach,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        let items = capture::items(self.setup.plan, &self.loaded)?;
        let folder = self.data();
        let job = Job { plan: self.setup.plan, meta: &self.meta, items: &items, folder: &folder };
        match capture::capture(&job, teacher, &mut |event| on_event(Event::Capture(event)))? {
            capture::Outcome::Stopped => Ok(Outcome::Stopped),
            capture::Outcome::Done(summary) => {
                record::write(&self.setup, &self.loaded, self.weights, permit, &summary)?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Trains the student on the records.
    pub fn train(&self, on_event: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Result<Outcome, Error> {
        let Prepared { student, rest } = self.prepare()?;
        let course = self.course(&rest);
        match course::train(&course, student, &mut |event| on_event(Event::Train(Box::new(event))))? {
            course::Outcome::Done(_) => Ok(Outcome::Done),
            course::Outcome::Stopped { .. } => Ok(Outcome::Stopped),
        }
    }

    /// Writes the trained student's files.
    pub fn export(&self, on_event: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Result<Outcome, Error> {
        let prepared = self.prepare()?;
        if on_event(Event::Export).is_break() {
            return Ok(Outcome::Stopped);
        }
        let config = prepared.student.config();
        let saved = course::checkpoints(&self.course(&prepared.rest));
        let step = self.setup.plan.train().steps();
        let saved = Saved::load(&saved.path(step), config, &prepared.rest.bindings)?;
        let student = saved.student();
        export::export(
            self.setup.plan,
            (student.config(), student),
            self.setup.tokens_of,
            &self.setup.folder.join(path::MODEL),
        )?;
        Ok(Outcome::Done)
    }

    /// The student as it was before its first step, for comparison.
    pub fn untrained(&self) -> Result<Student, Error> {
        Ok(self.prepare()?.student)
    }

    /// Trains the same student on the same records by another plan's `[train]`, in `folder`, and evaluates it as this plan
    /// evaluates its own; none where it was broken off.
    pub fn compared(
        &self,
        train: &TrainPlan,
        folder: &Path,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Option<EvaluationRecord>, Error> {
        let Prepared { student, rest } = self.prepare()?;
        let records = self.records()?;
        let batches = Batches::new(records, train, self.setup.plan.capture().top_logprobs)?;
        let course = Course { plan: train, batches: &batches, folder, ..self.course(&rest) };
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let trained = course::train(&course, student, &mut |event| on_event(Event::Train(Box::new(event))))?;
        match trained {
            course::Outcome::Done(student) => self.course(&rest).evaluate(*student).map(Some),
            course::Outcome::Stopped { .. } => Ok(None),
        }
    }

    /// The embedded teacher's perplexity of the held-out text, over the positions that students are measured on.
    pub fn teacher_perplexity(&self) -> Result<Option<f64>, Error> {
        let Some(decoder) = self.setup.teacher else { return Ok(None) };
        let batches =
            Batches::new(self.records()?, self.setup.plan.train(), self.setup.plan.capture().top_logprobs)?;
        let (mut sum, mut weight) = (0.0_f64, 0.0_f64);
        for batch in batches.held_out() {
            score::score(decoder, &batch.tokens, &batch.segments, 1, &mut |scores| {
                for (row, next) in scores.rows.clone().zip(&scores.next) {
                    let row_weight = f64::from(batch.weights[row]);
                    sum += next.map_or(0.0, |log_prob| f64::from(log_prob) * row_weight);
                    weight += row_weight;
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok((weight > 0.0).then(|| (-sum / weight).exp()))
    }

    /// What a replay needs: the course with its batches, as training has them.
    pub fn with_course<T>(
        &self,
        work: impl FnOnce(&Course<'_>, &Student) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let prepared = self.prepare()?;
        work(&self.course(&prepared.rest), &prepared.student)
    }

    fn data(&self) -> PathBuf {
        self.setup.folder.join(path::DATA)
    }

    fn prepare(&self) -> Result<Prepared, Error> {
        let shards = self.shards()?;
        let records = self.records()?;
        let (student, shared_vocab) = self.student(&records)?;
        let bindings = self.bindings(&shards);
        let batches = Batches::new(records, self.setup.plan.train(), self.setup.plan.capture().top_logprobs)?;
        Ok(Prepared { student, rest: Lessons { shared_vocab, bindings, batches } })
    }

    fn shards(&self) -> Result<Vec<ShardEntry>, Error> {
        Ok(capture::Journal::open(&self.data(), &self.setup.plan.digest().to_string())?.shards)
    }

    fn records(&self) -> Result<Vec<Record>, Error> {
        read_records(&capture::paths(&self.data(), &self.shards()?))
    }

    fn student(&self, records: &[Record]) -> Result<(Student, usize), Error> {
        let Setup { plan, tokens_of, teacher, .. } = &self.setup;
        let (Init::Teacher { layers, intermediate_size }, Some(decoder)) = (&plan.student().init, *teacher)
        else {
            let detail = "only students made of an embedded teacher's layers can be made".to_owned();
            return Err(Error::Student { detail });
        };
        let texts: Vec<Vec<u32>> =
            records.iter().take(INFLUENCE_TEXTS).map(|record| record.input_ids.clone()).collect();
        let kept = init::kept_layers(layers, &init::influence(decoder, &texts)?)?;
        let pruned = init::Pruned::new((tokens_of.config(), *tokens_of), kept, *intermediate_size)?;
        let student = Student::from_source(pruned.config().clone(), &pruned)?;
        Ok((student, tokens_of.config().vocab_size))
    }

    fn bindings(&self, shards: &[ShardEntry]) -> Bindings {
        let files: Vec<String> =
            shards.iter().map(|shard| format!("{} {}\n", shard.sha256, shard.file)).collect();
        let mut bindings = Bindings::from([
            ("plan".to_owned(), self.setup.plan.digest()),
            ("records".to_owned(), Digest::of(files.concat().as_bytes())),
        ]);
        if let Some(weights) = self.weights {
            bindings.insert("teacher".to_owned(), weights);
        }
        bindings
    }

    fn course<'p>(&'p self, lessons: &'p Lessons) -> Course<'p> {
        Course {
            plan: self.setup.plan.train(),
            batches: &lessons.batches,
            teacher: self.setup.teacher,
            shared_vocab: lessons.shared_vocab,
            bindings: &lessons.bindings,
            folder: self.setup.folder,
        }
    }
}

/// How many records the influence of the teacher's layers is measured on.
const INFLUENCE_TEXTS: usize = 16;

/// Everything that training starts from.
struct Prepared {
    student: Student,
    rest: Lessons,
}

/// What it is taught by.
struct Lessons {
    shared_vocab: usize,
    bindings: Bindings,
    batches: Batches,
}

fn meta(
    setup: &Setup<'_>,
    loaded: &[Loaded],
    weights: Option<Digest>,
    permit: &Permit,
) -> Result<Meta, Error> {
    let plan = setup.plan;
    let capture = plan.capture();
    let sources = plan.sources().iter().zip(loaded).map(|(source, loaded)| SourceMeta {
        id: source.id.clone(),
        kind: record::kind_word(source).to_owned(),
        sha256: loaded.sha256.clone(),
        origin: source.origin.clone(),
        terms: source.terms.clone(),
    });
    let terms = permit.terms_digests().iter().map(|(id, digest)| format!("{digest} {id}\n"));
    let terms: Vec<String> = terms.collect();
    Ok(Meta {
        teacher: setup.teacher_name.to_owned(),
        teacher_sha256: weights.map(|digest| digest.to_string()),
        tokenizer_sha256: setup.tokens_of.tokenizer()?.digest().to_string(),
        terms: plan.teacher().terms.clone(),
        terms_sha256: Some(Digest::of(terms.concat().as_bytes()).to_string()),
        vocab_size: setup.tokens_of.config().vocab_size,
        top_logprobs: capture.top_logprobs,
        logprob_temperature: 1.0,
        settings: record::generation(plan)
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect::<BTreeMap<_, _>>(),
        sources: sources.collect(),
        plan_sha256: plan.digest().to_string(),
        tool: setup.tool.to_owned(),
    })
}
