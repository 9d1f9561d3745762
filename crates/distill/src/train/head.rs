//! The head and the loss, a chunk of rows at a time, so that the logits of all rows never exist at once.

use std::cell::RefCell;

use rayon::prelude::*;
use stillmark_kernels::gemm::{Precision, Store};

use super::batch::{Answers, Batch, TeacherHead};
use super::linear::Linear;
use super::loss::{Loss, Scratch, row_loss};
use crate::Error;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The head's weights and how to multiply them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub precision: Precision,
    pub weight: &'a [f32],
    pub vocab_size: usize,
    pub width: usize,
}

/// The head's buffers, allocated once.
#[derive(Debug)]
pub(super) struct HeadBuffers {
    chunk_rows: usize,
    /// The rows of the batch that count.
    pub rows: Vec<usize>,
    /// Their hidden rows.
    hidden: Vec<f32>,
    d_hidden: Vec<f32>,
    logits: Vec<f32>,
    teacher_logits: Vec<f32>,
    losses: Vec<f32>,
}

/// A chunk of logits, with the teacher's where it is asked.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    pub rows: &'a [usize],
    pub logits: &'a mut [f32],
    pub teacher: Option<&'a [f32]>,
}

impl HeadBuffers {
    /// Buffers for `capacity` rows, of whose logits at most `chunk_bytes` exist at once.
    pub(super) fn new(vocab_size: usize, width: usize, capacity: usize, chunk_bytes: usize) -> Self {
        let most = (chunk_bytes / (4 * vocab_size)).clamp(1, capacity.max(1));
        let chunk_rows = capacity.div_ceil(capacity.div_ceil(most).max(1)).max(1);
        Self {
            chunk_rows,
            rows: Vec::with_capacity(capacity),
            hidden: vec![0.0; capacity * width],
            d_hidden: vec![0.0; capacity * width],
            logits: vec![0.0; chunk_rows * vocab_size],
            teacher_logits: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// Picks the rows of a batch that count and copies their hidden rows.
    fn gather(&mut self, batch: &Batch, hidden: &[f32], width: usize) {
        self.rows.clear();
        self.rows.extend((0..batch.tokens.len()).filter(|&row| batch.weights[row] > 0.0));
        for (to, &row) in self.hidden.chunks_exact_mut(width).zip(&self.rows) {
            to.copy_from_slice(&hidden[row * width..][..width]);
        }
    }
}

impl Head<'_> {
    fn linear(&self, rows: usize) -> Linear {
        Linear { precision: self.precision, rows, inputs: self.width, outputs: self.vocab_size }
    }

    /// Computes the losses of the rows that count and the gradients: `d_hidden` is overwritten (0 for rows that do not
    /// count), `d_weight` is added to. Returns each term's sum over rows, weighted and times `scale`.
    pub(super) fn learn(
        &self,
        buffers: &mut HeadBuffers,
        lesson: Lesson<'_, '_>,
        hidden: &[f32],
        d_hidden: &mut [f32],
        d_weight: &mut [f32],
    ) -> Result<Vec<f64>, Error> {
        let Lesson { batch, loss, scale, mut teacher } = lesson;
        buffers.gather(batch, hidden, self.width);
        if let (Answers::Asked, Some(teacher)) = (&batch.answers, &mut teacher) {
            teacher.begin(batch)?;
        }
        let next = batch.next_tokens();
        let mut sums = vec![0.0; loss.terms.len()];
        let (terms, width) = (loss.terms.len(), self.width);
        let HeadBuffers { chunk_rows, rows, hidden, d_hidden: d_rows, logits, teacher_logits, losses } =
            buffers;
        for (idx, rows) in rows.chunks(*chunk_rows).enumerate() {
            let part = idx * *chunk_rows * width..(idx * *chunk_rows + rows.len()) * width;
            let linear = self.linear(rows.len());
            let logits = &mut logits[..rows.len() * self.vocab_size];
            linear.forward(&hidden[part.clone()], self.weight, logits, Store::Overwrite);
            let asked = match &mut teacher {
                Some(teacher) if batch.answers == Answers::Asked => {
                    teacher_logits.resize(*chunk_rows * teacher.vocab_size(), 0.0);
                    let out = &mut teacher_logits[..rows.len() * teacher.vocab_size()];
                    teacher.logits(rows, out)?;
                    Some(&*out)
                }
                _ => None,
            };
            losses.resize(*chunk_rows * terms, 0.0);
            let losses = &mut losses[..rows.len() * terms];
            let chunk = Chunk { rows, logits, teacher: asked };
            chunk.losses(batch, &next, (loss, scale), losses);
            for (row, losses) in rows.iter().zip(losses.chunks_exact(terms)) {
                for (sum, loss) in sums.iter_mut().zip(losses) {
                    *sum += f64::from(*loss) * f64::from(batch.weights[*row]) * scale;
                }
            }
            linear.input_gradient(logits, self.weight, &mut d_rows[part.clone()], Store::Overwrite);
            linear.weight_gradient(logits, &hidden[part], d_weight);
        }
        d_hidden[..batch.tokens.len() * width].fill(0.0);
        for (from, &row) in d_rows.chunks_exact(width).zip(&*rows) {
            d_hidden[row * width..][..width].copy_from_slice(from);
        }
        Ok(sums)
    }
}

/// What is learned from a batch.
pub(super) struct Lesson<'a, 't> {
    pub batch: &'a Batch,
    pub loss: &'a Loss,
    /// One over the weight of all rows of the step.
    pub scale: f64,
    pub teacher: Option<&'a mut (dyn TeacherHead + 't)>,
}

impl Chunk<'_> {
    /// Computes every row's losses and turns the logits into gradients.
    fn losses(self, batch: &Batch, next: &[Option<u32>], (loss, scale): (&Loss, f64), losses: &mut [f32]) {
        let n_rows = self.rows.len();
        let width = self.logits.len() / n_rows.max(1);
        let teacher_width = self.teacher.map_or(0, <[f32]>::len) / n_rows.max(1);
        (self.logits.par_chunks_exact_mut(width), losses.par_chunks_exact_mut(loss.terms.len()))
            .into_par_iter()
            .enumerate()
            .for_each(|(idx, (logits, losses))| {
                let row = self.rows[idx];
                let asked = self.teacher.map(|teacher| &teacher[idx * teacher_width..][..teacher_width]);
                let target = batch.row(row, next[row], asked, scale);
                SCRATCH.with_borrow_mut(|scratch| row_loss(loss, &target, logits, losses, scratch));
            });
    }
}
