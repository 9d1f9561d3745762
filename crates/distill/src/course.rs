//! A training run from first step to last: settings from the plan, metrics, checkpoints, evaluation, resumption.

use std::ops::ControlFlow;
use std::path::Path;

use stillmark_kernels::gemm::Precision as Products;
use stillmark_model::Decoder;

use crate::Error;
use crate::feed::Batches;
use crate::metrics::{Entry, EvaluationRecord, Metrics};
use crate::on_policy::OnPolicy;
use crate::plan::{LossKind, Precision, Schedule as Fall, TrainPlan};
use crate::train::loss::{Divergence, Loss, Missing, Term};
use crate::train::{
    AdamW, Batch, Bindings, Chain, Checkpoint, Checkpoints, Decayed, Decline, DecoderTeacher, Feed, Schedule,
    Settings, StepRecord, Student, TeacherHead, Trainer, advance,
};

/// How much of the logits may exist at once.
const CHUNK_BYTES: usize = 32 << 20;
/// A loss so many times the recent median stops the run.
const EXPLOSION: f64 = 10.0;

/// What is trained on what.
#[derive(Debug)]
pub struct Course<'a> {
    /// The plan's `[train]`.
    pub plan: &'a TrainPlan,
    /// The batches.
    pub batches: &'a Batches<'a>,
    /// The teacher, where it runs beside the student.
    pub teacher: Option<&'a Decoder>,
    /// Token ids that teacher and student share, from 0 on.
    pub shared_vocab: usize,
    /// Digests of what the run is made from.
    pub bindings: &'a Bindings,
    /// The run folder: `checkpoints/` and `metrics.jsonl` are in it.
    pub folder: &'a Path,
}

/// What happens during a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Goes on after this step of an earlier run.
    Resumed {
        /// The step.
        step: u64,
    },
    /// A step was made.
    Step {
        /// What it gave.
        record: StepRecord,
        /// How many there will be.
        of: u64,
    },
    /// The student was compared with the teacher.
    Evaluation(EvaluationRecord),
    /// The run can be resumed from here.
    Checkpoint {
        /// The step.
        step: u64,
    },
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// With the trained student.
    Done(Box<Student>),
    /// Broken off, after a checkpoint; a further call resumes it.
    Stopped {
        /// Steps made.
        step: u64,
    },
}

/// Trains `student`, from the newest checkpoint where there is one. The same course ends with the same bits, interrupted or not.
pub fn train(
    course: &Course<'_>,
    student: Student,
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Outcome, Error> {
    let settings = settings(course.plan, course.shared_vocab);
    let checkpoints = checkpoints(course.plan, course.folder);
    let metrics_path = course.folder.join("metrics.jsonl");
    let held_out = course.batches.held_out();
    let newest = checkpoints.steps()?.last().copied();
    let (mut trainer, mut chain, mut metrics) = if let Some(step) = newest {
        let checkpoint = Checkpoint::load(&checkpoints.path(step), student.config(), course.bindings)?;
        let (trainer, chain) = checkpoint.into_trainer(settings)?;
        (trainer, chain, Metrics::resume(&metrics_path, step)?)
    } else {
        let chain = Chain::new(course.bindings);
        (Trainer::new(student, settings)?, chain, Metrics::begin(&metrics_path)?)
    };
    let mut feed = Course::feed(course);
    let mut go_on = match newest {
        Some(step) => on_event(Event::Resumed { step }),
        None => evaluate(&mut trainer, &held_out, &mut feed, &mut metrics, on_event)?,
    };
    let of = course.plan.steps();
    while trainer.step_number() < of && go_on.is_continue() {
        let record = advance(&mut trainer, &mut feed, &mut chain)?;
        let step = record.step;
        metrics.add(&Entry::Step(record.clone()))?;
        go_on = on_event(Event::Step { record, of });
        let due = |every: u64| every > 0 && step.is_multiple_of(every);
        if due(course.plan.eval_every) || step == of {
            let listener = evaluate(&mut trainer, &held_out, &mut feed, &mut metrics, on_event)?;
            go_on = if go_on.is_break() { go_on } else { listener };
        }
        if due(course.plan.checkpoint_every) || step == of || go_on.is_break() {
            metrics.sync()?;
            checkpoints.save(&trainer, &chain, course.bindings)?;
            let listener = on_event(Event::Checkpoint { step });
            go_on = if go_on.is_break() { go_on } else { listener };
        }
    }
    if trainer.step_number() < of {
        return Ok(Outcome::Stopped { step: trainer.step_number() });
    }
    Student::from_weights(trainer.student().config().clone(), trainer.student().weights().to_vec())
        .map(|student| Outcome::Done(Box::new(student)))
}

impl Course<'_> {
    /// How near a student is to the teacher on what is held out.
    pub fn evaluate(&self, student: Student) -> Result<EvaluationRecord, Error> {
        let steps = self.plan.steps();
        let mut trainer = Trainer::new(student, settings(self.plan, self.shared_vocab))?;
        let mut feed = self.feed();
        let found = trainer.evaluate(&self.batches.held_out(), feed.teacher())?;
        Ok(EvaluationRecord::new(steps, &found))
    }

    /// The batches as the trainer asks for them: for a run and for its replay alike.
    pub fn feed(&self) -> CourseFeed<'_> {
        let on_policy = self.teacher.filter(|_| self.plan.on_policy > 0.0).map(|teacher| OnPolicy {
            plan: self.plan,
            teacher,
            shared_vocab: self.shared_vocab,
            recorded: self.batches.recorded(),
        });
        CourseFeed { batches: self.batches, on_policy, teacher: self.teacher.map(DecoderTeacher::new) }
    }
}

/// The batches of a course, with its teacher.
#[derive(Debug)]
pub struct CourseFeed<'a> {
    batches: &'a Batches<'a>,
    on_policy: Option<OnPolicy<'a>>,
    teacher: Option<DecoderTeacher<'a>>,
}

impl Feed for CourseFeed<'_> {
    fn batches(&mut self, step: u64, student: &Student) -> Result<Vec<Batch>, Error> {
        let Some(on_policy) = &self.on_policy else { return Ok(self.batches.of_step(step)) };
        let mut records = self.batches.records_of_step(step);
        on_policy.mix(step, student, &mut records.iter_mut().flatten().collect::<Vec<_>>())?;
        Ok(records.iter().map(|records| self.batches.batch(records)).collect())
    }

    fn teacher(&mut self) -> Option<&mut dyn TeacherHead> {
        self.teacher.as_mut().map(|teacher| teacher as &mut dyn TeacherHead)
    }
}

fn evaluate(
    trainer: &mut Trainer,
    held_out: &[Batch],
    feed: &mut CourseFeed<'_>,
    metrics: &mut Metrics,
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Error> {
    if held_out.is_empty() {
        return Ok(ControlFlow::Continue(()));
    }
    let found = trainer.evaluate(held_out, feed.teacher())?;
    let record = EvaluationRecord::new(trainer.step_number(), &found);
    metrics.add(&Entry::Evaluation(record))?;
    Ok(on_event(Event::Evaluation(record)))
}

/// Where the checkpoints of a run in `folder` lie.
pub fn checkpoints(plan: &TrainPlan, folder: &Path) -> Checkpoints {
    Checkpoints { folder: folder.join("checkpoints"), keep: plan.keep, keep_every: 0 }
}

/// What the trainer is told, from the plan.
pub fn settings(plan: &TrainPlan, shared_vocab: usize) -> Settings {
    let terms = plan.losses.iter().map(|loss| Term {
        divergence: divergence(loss.kind),
        weight: loss.weight as f32,
        temperature: loss.temperature as f32,
    });
    let (steps, last) = (plan.steps(), plan.lr_floor as f32);
    let then = match plan.schedule {
        Fall::Constant => Decline::Constant,
        Fall::Linear => Decline::Line { steps, last },
        Fall::Cosine => Decline::Cosine { steps, last },
    };
    Settings {
        precision: match plan.precision {
            Precision::F32 => Products::F32,
            Precision::Bf16 => Products::Bf16,
        },
        loss: Loss { terms: terms.collect(), missing: Missing::Bucket, shared_vocab },
        adamw: AdamW {
            lr: plan.lr as f32,
            beta1: plan.beta1 as f32,
            beta2: plan.beta2 as f32,
            eps: 1e-8,
            weight_decay: plan.weight_decay as f32,
            decayed: Decayed::Projections,
            clip_norm: (plan.clip > 0.0).then_some(plan.clip as f32),
        },
        schedule: Schedule { warmup_steps: plan.warmup, then },
        max_tokens: plan.seq_len * plan.batch,
        max_positions: plan.seq_len,
        chunk_bytes: CHUNK_BYTES,
        explosion: EXPLOSION,
    }
}

fn divergence(kind: LossKind) -> Divergence {
    match kind {
        LossKind::CrossEntropy => Divergence::CrossEntropy,
        LossKind::ForwardKl => Divergence::ForwardKl,
        LossKind::ReverseKl => Divergence::ReverseKl,
        LossKind::Jsd { beta } => Divergence::JensenShannon { beta: beta as f32 },
        LossKind::Tvd => Divergence::TotalVariation,
    }
}
