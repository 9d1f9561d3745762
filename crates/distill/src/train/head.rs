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

/// Floats in a cache line.
const LINE: usize = 16;

/// What is done with a chunk, its hidden rows, and room for their gradient.
type Visit<'a> = &'a mut dyn FnMut(Chunk<'_>, &[f32], &mut [f32]);

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
            logits: vec![0.0; chunk_rows * vocab_size + LINE],
            teacher_logits: Vec::new(),
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
    /// count), `d_weight` is added to. Returns each term's sum over rows, weighted and times the lesson's scale.
    pub(super) fn learn(
        &self,
        buffers: &mut HeadBuffers,
        lesson: Lesson<'_, '_>,
        loss: &Loss,
        [hidden, d_hidden]: [&mut [f32]; 2],
        d_weight: &mut [f32],
    ) -> Result<Vec<f64>, Error> {
        let (terms, width, scale, batch) = (loss.terms.len(), self.width, lesson.scale, lesson.batch);
        let next = batch.next_tokens();
        let mut sums = vec![0.0; terms];
        let mut losses = Vec::new();
        self.for_chunks(buffers, lesson, hidden, &mut |mut chunk, hidden, d_rows| {
            losses.clear();
            losses.resize(chunk.rows.len() * terms, 0.0);
            chunk.losses(batch, &next, (loss, scale), &mut losses);
            for (row, losses) in chunk.rows.iter().zip(losses.chunks_exact(terms)) {
                for (sum, loss) in sums.iter_mut().zip(losses) {
                    *sum += f64::from(*loss) * f64::from(batch.weights[*row]) * scale;
                }
            }
            let linear = self.linear(chunk.rows.len());
            linear.input_gradient(chunk.logits, self.weight, d_rows, Store::Overwrite);
            linear.weight_gradient(chunk.logits, hidden, d_weight);
        })?;
        d_hidden[..batch.tokens.len() * width].fill(0.0);
        for (from, &row) in buffers.d_hidden.chunks_exact(width).zip(&buffers.rows) {
            d_hidden[row * width..][..width].copy_from_slice(from);
        }
        Ok(sums)
    }

    /// Computes the logits of the rows that count, a chunk at a time, and shows each chunk with its hidden rows and room
    /// for their gradient.
    pub(super) fn for_chunks(
        &self,
        buffers: &mut HeadBuffers,
        lesson: Lesson<'_, '_>,
        hidden: &[f32],
        visit: Visit<'_>,
    ) -> Result<(), Error> {
        let Lesson { batch, teacher, .. } = lesson;
        buffers.gather(batch, hidden, self.width);
        let mut teacher = teacher.filter(|_| batch.answers == Answers::Asked);
        if let Some(teacher) = &mut teacher {
            teacher.begin(batch)?;
        }
        let HeadBuffers { chunk_rows, rows, hidden, d_hidden, logits, teacher_logits } = buffers;
        for (idx, rows) in rows.chunks(*chunk_rows).enumerate() {
            let part = idx * *chunk_rows * self.width..(idx * *chunk_rows + rows.len()) * self.width;
            let logits = whole_lines(logits, rows.len() * self.vocab_size);
            self.linear(rows.len()).forward(&hidden[part.clone()], self.weight, logits, Store::Overwrite);
            let mut asked = None;
            if let Some(teacher) = &mut teacher {
                teacher_logits.resize(*chunk_rows * teacher.vocab_size() + LINE, 0.0);
                let out = whole_lines(teacher_logits, rows.len() * teacher.vocab_size());
                teacher.logits(rows, out)?;
                asked = Some(&*out);
            }
            visit(Chunk { rows, logits, teacher: asked }, &hidden[part.clone()], &mut d_hidden[part]);
        }
        Ok(())
    }
}

/// The first `len` floats of a buffer from a cache line's start on, for which it has [`LINE`] floats to spare: rows of
/// logits are read and written in tiles, and a tile that straddles lines moves each of them twice.
fn whole_lines(buffer: &mut [f32], len: usize) -> &mut [f32] {
    let skipped = buffer.as_ptr().align_offset(4 * LINE).min(LINE);
    &mut buffer[skipped..skipped + len]
}

/// What is learned from a batch.
pub(super) struct Lesson<'a, 't> {
    pub batch: &'a Batch,
    /// One over the weight of all rows of the step.
    pub scale: f64,
    pub teacher: Option<&'a mut (dyn TeacherHead + 't)>,
}

impl Chunk<'_> {
    /// Computes every row's losses and turns the logits into gradients.
    fn losses(
        &mut self,
        batch: &Batch,
        next: &[Option<u32>],
        (loss, scale): (&Loss, f64),
        losses: &mut [f32],
    ) {
        let n_rows = self.rows.len();
        let width = self.logits.len() / n_rows.max(1);
        let (picked, teacher) = (self.rows, self.teacher);
        let teacher_width = teacher.map_or(0, <[f32]>::len) / n_rows.max(1);
        (self.logits.par_chunks_exact_mut(width), losses.par_chunks_exact_mut(loss.terms.len()))
            .into_par_iter()
            .enumerate()
            .for_each(|(idx, (logits, losses))| {
                let row = picked[idx];
                let asked = teacher.map(|teacher| &teacher[idx * teacher_width..][..teacher_width]);
                let target = batch.row(row, next[row], asked, scale);
                SCRATCH.with_borrow_mut(|scratch| row_loss(loss, &target, logits, losses, scratch));
            });
    }
}
