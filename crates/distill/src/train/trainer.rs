//! One optimizer step after another.

use stillmark_kernels::gemm::Precision;
use stillmark_kernels::rope::Table;
use stillmark_model::architecture::rope_table;

use super::batch::{Batch, TeacherHead};
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

/// A student, its optimizer, and the buffers of a step.
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    student: Student,
    rope: Table,
    moments: Moments,
    grads: Vec<f32>,
    recent: Vec<f64>,
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
        let (moments, grads, recent) = (Moments::new(len), vec![0.0; len], Vec::new());
        Ok(Self { settings, student, rope, moments, grads, recent, workspace, buffers })
    }

    /// The student as it now is.
    pub fn student(&self) -> &Student {
        &self.student
    }

    /// Steps made so far.
    pub fn step_number(&self) -> u64 {
        self.moments.step
    }

    /// Makes one update from the mean gradient over all rows of `batches`, by their weights.
    pub fn step(
        &mut self,
        batches: &[Batch],
        mut teacher: Option<&mut (dyn TeacherHead + '_)>,
    ) -> Result<StepMetrics, Error> {
        let step = self.moments.step + 1;
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
        let Self { settings, student, moments, grads, .. } = self;
        let layout = student.layout().clone();
        moments.update(&settings.adamw, (lr, grad_norm), &layout, student.weights_mut(), grads);
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
        let Self { settings, student, rope, grads, workspace, buffers, .. } = self;
        let (config, layout, weights) = (student.config(), student.layout(), student.weights());
        batch.check(config.vocab_size, &settings.loss)?;
        check_size(batch, settings, workspace.capacity())?;
        let precision = settings.precision;
        let (tokens, segments) = (&batch.tokens, &batch.segments);
        let pass = Pass { config, layout, weights, rope, precision, tokens, segments };
        pass.forward(workspace);
        let weight = pass.weight(&layout.head);
        let head = Head { precision, weight, vocab_size: config.vocab_size, width: config.hidden_size };
        let lesson = Lesson { batch, loss: &settings.loss, scale, teacher };
        let scratch = &mut workspace.scratch;
        let d_weight = &mut grads[layout.head.clone()];
        let terms = head.learn(buffers, lesson, &scratch.normed, &mut scratch.d_normed, d_weight)?;
        pass.backward(workspace, grads);
        Ok(terms)
    }

    /// Stops a run that has left the rails, before the weights are touched.
    fn watch(&mut self, step: u64, loss: f64, grad_norm: f64) -> Result<(), Error> {
        for (what, value) in [("loss", loss), ("norm of the gradient", grad_norm)] {
            if !value.is_finite() {
                return Err(Error::Diverged { step, detail: format!("the {what} is {value}") });
            }
        }
        if self.recent.len() >= FEW {
            let mut sorted = self.recent.clone();
            sorted.sort_by(f64::total_cmp);
            let median = sorted[sorted.len() / 2];
            if loss > self.settings.explosion * median.max(1e-6) {
                let detail = format!("the loss is {loss:.4}, the median of recent ones {median:.4}");
                return Err(Error::Diverged { step, detail });
            }
        }
        if self.recent.len() == RECENT {
            self.recent.remove(0);
        }
        self.recent.push(loss);
        Ok(())
    }
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
