//! The whole job: capture, train, export, in one folder, under one permit. Every step resumes where it was interrupted.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stillmark_agreement::Permit;
use stillmark_evidence::Digest;
use stillmark_evidence::layout::path;
use stillmark_model::{Config, score};

use crate::capture::{self, Item, Job, Loaded, ShardEntry, Teach};
use crate::course::{self, Course};
use crate::feed::{Batches, read_records};
use crate::init::Start;
use crate::metrics::EvaluationRecord;
use crate::plan::{Init, TrainPlan};
use crate::records::{Meta, Record, SourceMeta};
use crate::setup::Setup;
use crate::train::{Bindings, Checkpoint as Saved, Student};
use crate::{Error, FolderLock, export, granted, record};

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

/// A run's folder, held for one plan, with leave to fill it. What is read from it is read once.
#[derive(Debug)]
pub struct Run<'a> {
    setup: Setup<'a>,
    loaded: Vec<Loaded>,
    items: Vec<Item>,
    meta: Meta,
    weights: Option<Digest>,
    captured: OnceCell<Captured>,
    records: OnceCell<Vec<Record>>,
    start: OnceCell<Start<'a>>,
    _lock: FolderLock,
}

/// The files of a finished capture, and what they bind a training run to.
#[derive(Debug)]
struct Captured {
    shards: Vec<ShardEntry>,
    bindings: Bindings,
}

/// How many records the influence of the teacher's layers is measured on.
const INFLUENCE_TEXTS: usize = 16;

impl<'a> Run<'a> {
    /// Takes the folder and reads the plan's sources; refused without the permit for this very plan, or where the student
    /// that it names cannot learn from this teacher.
    pub fn open(permit: &Permit, setup: Setup<'a>) -> Result<Self, Error> {
        setup.plan.check_permit(permit)?;
        let loaded = capture::load(setup.plan, setup.base)?;
        let items = capture::items(setup.plan, &loaded)?;
        let lock = FolderLock::take(setup.folder, &setup.plan.digest().to_string())?;
        let weights = setup.teacher.map(|teacher| teacher.checkpoint.digest()).transpose()?;
        let meta = meta(&setup, &loaded, weights, permit);
        granted::check_tokens(permit, setup.plan, &items)?;
        granted::check_size(permit, &setup)?;
        let (captured, records, start) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        // What a student of its own brings along is looked at before the teacher is asked anything.
        if !matches!(setup.plan.student().init, Init::Teacher { .. }) {
            let found = Start::of(&setup, &mut || Ok(Vec::new()))?;
            start.get_or_init(|| found);
        }
        Ok(Self { setup, loaded, items, meta, weights, captured, records, start, _lock: lock })
    }

    /// Asks the teacher for what is not yet recorded, and writes the dataset manifest.
    pub fn capture(
        &self,
        permit: &Permit,
        teacher: &mut dyn Teach,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        self.check_marking()?;
        let folder = self.data();
        let job = Job {
            plan: self.setup.plan,
            meta: &self.meta,
            items: &self.items,
            watermark: self.setup.watermark(),
            grant: granted::of(permit).map(|granted| granted.id),
            folder: &folder,
        };
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
        let batches = self.batches(self.setup.plan.train())?;
        let course = self.course(&batches)?;
        let student = self.start()?.student()?;
        match course::train(&course, student, &mut |event| on_event(Event::Train(Box::new(event))))? {
            course::Outcome::Done(_) => Ok(Outcome::Done),
            course::Outcome::Stopped { .. } => Ok(Outcome::Stopped),
        }
    }

    /// Writes the trained student's files.
    pub fn export(&self, on_event: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Result<Outcome, Error> {
        let Setup { plan, folder, tokens, .. } = &self.setup;
        let last = course::checkpoints(plan.train(), folder).path(plan.train().steps());
        let saved = Saved::load(&last, self.start()?.config(), &self.captured()?.bindings)?;
        if on_event(Event::Export).is_break() {
            return Ok(Outcome::Stopped);
        }
        let student = saved.student();
        export::export(plan, (student.config(), student), *tokens, &folder.join(path::MODEL))?;
        Ok(Outcome::Done)
    }

    /// The student as it was before its first step, for comparison.
    pub fn untrained(&self) -> Result<Student, Error> {
        self.start()?.student()
    }

    /// Trains the same student on the same records by another plan's `[train]`, in `folder`, and evaluates it as this plan
    /// evaluates its own; none where it was broken off.
    pub fn compared(
        &self,
        train: &TrainPlan,
        folder: &Path,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Option<EvaluationRecord>, Error> {
        let (own, other) = (self.batches(self.setup.plan.train())?, self.batches(train)?);
        let judge = self.course(&own)?;
        let course = Course { plan: train, folder, ..self.course(&other)? };
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let student = self.start()?.student()?;
        match course::train(&course, student, &mut |event| on_event(Event::Train(Box::new(event))))? {
            course::Outcome::Done(student) => judge.evaluate(*student).map(Some),
            course::Outcome::Stopped { .. } => Ok(None),
        }
    }

    /// The embedded teacher's perplexity of the held-out text, over the positions that students are measured on.
    pub fn teacher_perplexity(&self) -> Result<Option<f64>, Error> {
        let Some(teacher) = self.setup.teacher else { return Ok(None) };
        let (mut sum, mut weight) = (0.0_f64, 0.0_f64);
        for batch in self.batches(self.setup.plan.train())?.held_out() {
            score::score(teacher.decoder, &batch.tokens, &batch.segments, 1, &mut |scores| {
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

    /// What a replay needs: the course with its batches, as training has them, and the student's shape.
    pub fn with_course<T>(
        &self,
        work: impl FnOnce(&Course<'_>, &Config) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let batches = self.batches(self.setup.plan.train())?;
        work(&self.course(&batches)?, self.start()?.config())
    }

    /// Refuses a mark that the plan does not ask for, and the lack of one that it does.
    fn check_marking(&self) -> Result<(), Error> {
        let key = self.setup.plan.capture().watermark_key.as_deref();
        let watermark = self.setup.watermark();
        if key.is_some() == watermark.is_some() {
            return Ok(());
        }
        let nothing = || "none".to_owned();
        Err(Error::Mismatch {
            what: "the watermark of the teacher",
            expected: key.map_or_else(nothing, |key| format!("one by the key in `{key}`")),
            found: watermark.map_or_else(nothing, |watermark| watermark.scheme.clone()),
        })
    }

    fn data(&self) -> PathBuf {
        self.setup.folder.join(path::DATA)
    }

    fn captured(&self) -> Result<&Captured, Error> {
        once(&self.captured, || {
            let plan = self.setup.plan;
            let shards = capture::Journal::open(&self.data(), &plan.digest().to_string())?.shards;
            if shards.len() < self.items.len().div_ceil(plan.capture().shard_rows) {
                let detail = "are not complete: the capture was broken off".to_owned();
                return Err(Error::Records { path: self.data(), detail });
            }
            Ok(Captured { bindings: self.bindings(&shards), shards })
        })
    }

    fn records(&self) -> Result<&[Record], Error> {
        let read = || read_records(&capture::paths(&self.data(), &self.captured()?.shards));
        once(&self.records, read).map(Vec::as_slice)
    }

    fn start(&self) -> Result<&Start<'a>, Error> {
        let mut texts = || {
            let first = self.records()?.iter().take(INFLUENCE_TEXTS);
            Ok(first.map(|record| record.input_ids.clone()).collect())
        };
        once(&self.start, || Start::of(&self.setup, &mut texts))
    }

    /// Token ids that teacher and student share, from 0 on.
    fn shared_vocab(&self) -> Result<usize, Error> {
        Ok(self.setup.teacher_rows().min(self.start()?.config().vocab_size))
    }

    fn batches(&self, train: &TrainPlan) -> Result<Batches<'_>, Error> {
        Batches::new(self.records()?, train, self.shared_vocab()?)
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

    fn course<'p>(&'p self, batches: &'p Batches<'p>) -> Result<Course<'p>, Error> {
        Ok(Course {
            plan: self.setup.plan.train(),
            batches,
            teacher: self.setup.teacher.map(|teacher| teacher.decoder),
            shared_vocab: self.shared_vocab()?,
            bindings: &self.captured()?.bindings,
            folder: self.setup.folder,
        })
    }
}

/// What a cell holds, made the first time that it is asked for.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, Error>) -> Result<&T, Error> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

fn meta(setup: &Setup<'_>, loaded: &[Loaded], weights: Option<Digest>, permit: &Permit) -> Meta {
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
    Meta {
        teacher: setup.teacher_name.to_owned(),
        teacher_sha256: weights.map(|digest| digest.to_string()),
        tokenizer_sha256: setup.tokens.tokenizer.digest().to_string(),
        terms: plan.teacher().terms.clone(),
        terms_sha256: Some(Digest::of(terms.concat().as_bytes()).to_string()),
        vocab_size: setup.teacher_rows(),
        top_logprobs: capture.top_logprobs,
        logprob_temperature: 1.0,
        settings: settings(setup),
        sources: sources.collect(),
        plan_sha256: plan.digest().to_string(),
        tool: setup.tool.to_owned(),
    }
}

/// How answers are made, by name; the mark in them is one JSON object.
fn settings(setup: &Setup<'_>) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> =
        record::generation(setup.plan).into_iter().map(|(name, value)| (name, value.to_string())).collect();
    if let Some(watermark) = setup.watermark() {
        settings.insert("watermark".to_owned(), serde_json::json!(watermark).to_string());
    }
    settings
}
