//! One optimizer step after another.

use stillmark_kernels::gemm::Precision;
use stillmark_kernels::rope::Table;
use stillmark_model::architecture::rope_table;

use super::batch::{Answers, Batch, TeacherHead};
use super::evaluate::{Evaluation, Sums};
use super::forward::Pass;
use super::head::{Head, HeadBuffers, Lesson};
use super::loss::Loss;
use super::optimizer::{AdamW, Moments, Schedule, norm};
use super::student::Student;
use super::workspace::Workspace;
use crate::Error;

/// What a training run is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Precision of the matrix products; weights, norms and softmax stay f32.
    pub precision: Precision,
    /// What is minimized.
    pub loss: Loss,
    /// The optimizer.
    pub adamw: AdamW,
    /// The learning rate over the steps.
    pub schedule: Schedule,
    /// Tokens of the largest batch.
    pub max_tokens: usize,
    /// Longest document.
    pub max_positions: usize,
    /// How much of the logits may exist at once.
    pub chunk_bytes: usize,
    /// A loss above this many times the median of the recent ones stops the run.
    pub explosion: f64,
}

/// How many recent losses the median is of.
const RECENT: usize = 64;
/// Below so many losses nothing is called an explosion.
const FEW: usize = 8;

/// What one step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepMetrics {
    /// Number of the step, from 1.
    pub step: u64,
    /// The weighted sum of the terms, a mean over the rows by their weights.
    pub loss: f64,
    /// Each term by itself, in the loss' order.
    pub terms: Vec<f64>,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Learning rate.
    pub lr: f32,
    /// Tokens that went through the student.
    pub tokens: usize,
}

/// What a run carries from step to step besides the weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub moments: Moments,
    pub recent: Vec<f64>,
}

/// A student, its optimizer, and the buffers of a step.
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    student: Student,
    rope: Table,
    progress: Progress,
    grads: Vec<f32>,
    workspace: Workspace,
    buffers: HeadBuffers,
}

impl Trainer {
    /// A trainer at step 0.
    pub fn new(student: Student, settings: Settings) -> Result<Self, Error> {
        let config = student.config();
        settings.loss.check(config.vocab_size)?;
        let rope = rope_table(config, settings.max_positions);
        let workspace = Workspace::new(config, settings.max_tokens);
        let buffers = HeadBuffers::new(
            config.vocab_size,
            config.hidden_size,
            settings.max_tokens,
            settings.chunk_bytes,
        );
        let len = student.layout().len();
        let progress = Progress { moments: Moments::new(len), recent: Vec::new() };
        Ok(Self { settings, student, rope, progress, grads: vec![0.0; len], workspace, buffers })
    }

    /// The student as it now is.
    pub fn student(&self) -> &Student {
        &self.student
    }

    /// What the run was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Steps made so far.
    pub fn step_number(&self) -> u64 {
        self.progress.moments.step
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Goes on from where `progress` stood.
    pub(super) fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Makes one update from the mean gradient over all rows of `batches`, by their weights.
    pub fn step(
        &mut self,
        batches: &[Batch],
        mut teacher: Option<&mut (dyn TeacherHead + '_)>,
    ) -> Result<StepMetrics, Error> {
        let step = self.progress.moments.step + 1;
        self.grads.fill(0.0);
        let total: f64 = batches.iter().map(Batch::total_weight).sum();
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        let mut terms = vec![0.0; self.settings.loss.terms.len()];
        for batch in batches {
            let teacher = teacher.as_deref_mut();
            for (sum, term) in terms.iter_mut().zip(self.accumulate(batch, scale, teacher)?) {
                *sum += term;
            }
        }
        let weights = self.settings.loss.terms.iter().map(|term| f64::from(term.weight));
        let loss = weights.zip(&terms).map(|(weight, term)| weight * term).sum();
        let grad_norm = norm(&self.grads);
        self.watch(step, loss, grad_norm)?;
        let lr = self.settings.adamw.lr * self.settings.schedule.factor(step);
        let Self { settings, student, progress, grads, .. } = self;
        let layout = student.layout().clone();
        progress.moments.update(&settings.adamw, (lr, grad_norm), &layout, student.weights_mut(), grads);
        let tokens = batches.iter().map(|batch| batch.tokens.len()).sum();
        Ok(StepMetrics { step, loss, terms, grad_norm, lr, tokens })
    }

    /// The losses of a batch and their gradient in every weight, without an update: one entry a term, and the flat vector.
    pub fn gradients(
        &mut self,
        batch: &Batch,
        teacher: Option<&mut (dyn TeacherHead + '_)>,
    ) -> Result<(Vec<f64>, &[f32]), Error> {
        self.grads.fill(0.0);
        let scale = 1.0 / batch.total_weight();
        let terms = self.accumulate(batch, scale, teacher)?;
        Ok((terms, &self.grads))
    }

    fn accumulate(
        &mut self,
        batch: &Batch,
        scale: f64,
        teacher: Option<&mut (dyn TeacherHead + '_)>,
    ) -> Result<Vec<f64>, Error> {
        check_teacher(batch, &self.settings.loss, teacher.as_deref())?;
        self.forward(batch)?;
        let Self { settings, student, rope, grads, workspace, buffers, .. } = self;
        let (pass, head) = passes(student, settings, rope, batch);
        let lesson = Lesson { batch, scale, teacher };
        let layout = student.layout();
        let scratch = &mut workspace.scratch;
        let hidden = [&mut scratch.normed[..], &mut scratch.d_normed[..]];
        let terms = head.learn(buffers, lesson, &settings.loss, hidden, &mut grads[layout.head.clone()])?;
        pass.backward(workspace, grads);
        Ok(terms)
    }

    /// Runs the student over a batch; the hidden rows are left in the workspace.
    fn forward(&mut self, batch: &Batch) -> Result<(), Error> {
        let Self { settings, student, rope, workspace, .. } = self;
        batch.check(student.config().vocab_size, &settings.loss)?;
        check_size(batch, settings, workspace.capacity())?;
        passes(student, settings, rope, batch).0.forward(workspace);
        Ok(())
    }

    /// Compares the student with the teacher and with the text on held-out batches.
    pub fn evaluate(
        &mut self,
        batches: &[Batch],
        mut teacher: Option<&mut (dyn TeacherHead + '_)>,
    ) -> Result<Evaluation, Error> {
        let mut sums = Sums::default();
        for batch in batches {
            self.forward(batch)?;
            let Self { settings, student, rope, workspace, buffers, .. } = self;
            let (_, head) = passes(student, settings, rope, batch);
            let lesson = Lesson { batch, scale: 1.0, teacher: teacher.as_deref_mut() };
            let (next, shared) = (batch.next_tokens(), settings.loss.shared_vocab);
            head.for_chunks(buffers, lesson, &workspace.scratch.normed, &mut |chunk, _, _| {
                sums.add(&chunk, batch, &next, shared);
            })?;
        }
        Ok(sums.mean())
    }

    /// Shows the student's logits of the rows that count, a chunk of rows at a time and in order: where the rows stand in
    /// the batch, and a logit for every token of each.
    pub fn logits(&mut self, batch: &Batch, visit: &mut dyn FnMut(&[usize], &[f32])) -> Result<(), Error> {
        self.forward(batch)?;
        let Self { settings, student, rope, workspace, buffers, .. } = self;
        let (_, head) = passes(student, settings, rope, batch);
        let lesson = Lesson { batch, scale: 1.0, teacher: None };
        head.for_chunks(buffers, lesson, &workspace.scratch.normed, &mut |chunk, _, _| {
            visit(chunk.rows, chunk.logits);
        })
    }

    /// Stops a run that has left the rails, before the weights are touched.
    fn watch(&mut self, step: u64, loss: f64, grad_norm: f64) -> Result<(), Error> {
        for (what, value) in [("loss", loss), ("norm of the gradient", grad_norm)] {
            if !value.is_finite() {
                return Err(Error::Diverged { step, detail: format!("the {what} is {value}") });
            }
        }
        if self.progress.recent.len() >= FEW {
            let mut sorted = self.progress.recent.clone();
            sorted.sort_by(f64::total_cmp);
            let median = sorted[sorted.len() / 2];
            if loss > self.settings.explosion * median.max(1e-6) {
                let detail = format!("the loss is {loss:.4}, the median of recent ones {median:.4}");
                return Err(Error::Diverged { step, detail });
            }
        }
        if self.progress.recent.len() == RECENT {
            self.progress.recent.remove(0);
        }
        self.progress.recent.push(loss);
        Ok(())
    }
}

/// The pass over a batch, and the head.
fn passes<'a>(
    student: &'a Student,
    settings: &Settings,
    rope: &'a Table,
    batch: &'a Batch,
) -> (Pass<'a>, Head<'a>) {
    let (config, layout, weights) = (student.config(), student.layout(), student.weights());
    let (precision, tokens, segments) = (settings.precision, &batch.tokens[..], &batch.segments[..]);
    let pass = Pass { config, layout, weights, rope, precision, tokens, segments };
    let weight = pass.weight(&layout.head);
    (pass, Head { precision, weight, vocab_size: config.vocab_size, width: config.hidden_size })
}

/// A teacher that is to be asked must be there and know the shared tokens.
fn check_teacher(batch: &Batch, loss: &Loss, teacher: Option<&(dyn TeacherHead + '_)>) -> Result<(), Error> {
    let known = teacher.map_or(0, TeacherHead::vocab_size);
    let needed =
        batch.answers == Answers::Asked && loss.terms.iter().any(|term| term.divergence.needs_teacher());
    if !needed || known >= loss.shared_vocab {
        return Ok(());
    }
    let expected = format!("at least {}", loss.shared_vocab);
    Err(Error::Mismatch {
        what: "tokens that the teacher gives logits for",
        expected,
        found: known.to_string(),
    })
}

fn check_size(batch: &Batch, settings: &Settings, capacity: usize) -> Result<(), Error> {
    let longest = batch.segments.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    for (what, most, found) in [
        ("tokens of a batch", capacity, batch.tokens.len()),
        ("length of a document", settings.max_positions, longest),
    ] {
        if found > most {
            return Err(Error::Mismatch {
                what,
                expected: format!("at most {most}"),
                found: found.to_string(),
            });
        }
    }
    Ok(())
}
