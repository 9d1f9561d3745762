//! Which rows a step learns from: a fresh shuffle every epoch, and documents packed into rows.

use super::draws::Draws;

/// The order of the rows of a data set. It has no state to save: what a step reads follows from its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    seed: u64,
    n_rows: usize,
    rows_per_step: usize,
}

impl Sampler {
    /// An order of `n_rows` rows, `rows_per_step` at a time.
    pub fn new(seed: u64, n_rows: usize, rows_per_step: usize) -> Self {
        Self { seed, n_rows, rows_per_step }
    }

    /// How many rows the steps before `step` (counted from 1) have read.
    pub fn cursor(&self, step: u64) -> u64 {
        step.saturating_sub(1) * self.rows_per_step as u64
    }

    /// The rows of a step, counted from 1. Every epoch goes through all rows once, in its own order; a step may end one
    /// epoch and begin the next.
    pub fn rows_of_step(&self, step: u64) -> Vec<usize> {
        if self.n_rows == 0 {
            return Vec::new();
        }
        let mut order: (u64, Vec<usize>) = (u64::MAX, Vec::new());
        let first = self.cursor(step);
        let rows = first..first + self.rows_per_step as u64;
        rows.map(|at| {
            let (epoch, index) = (at / self.n_rows as u64, at % self.n_rows as u64);
            if order.0 != epoch {
                order = (epoch, self.order(epoch));
            }
            order.1[index as usize]
        })
        .collect()
    }

    /// All rows in the order of an epoch (Fisher & Yates' shuffle).
    fn order(&self, epoch: u64) -> Vec<usize> {
        let draws = Draws::new(self.seed, epoch);
        let mut order: Vec<usize> = (0..self.n_rows).collect();
        for index in (1..self.n_rows).rev() {
            order.swap(index, draws.below(index as u64, index as u64 + 1) as usize);
        }
        order
    }
}

/// How many unfilled rows are kept open for later documents.
const OPEN_ROWS: usize = 64;

/// Packs documents of the given lengths into rows of at most `row_len` tokens: each goes into the first open row with
/// room. Documents longer than a row are left out; the caller cuts them first.
pub fn pack(lengths: &[usize], row_len: usize) -> Vec<Vec<usize>> {
    let mut rows: Vec<(usize, Vec<usize>)> = Vec::new();
    for (document, &length) in
        lengths.iter().enumerate().filter(|(_, length)| (1..=row_len).contains(*length))
    {
        let first_open = rows.len().saturating_sub(OPEN_ROWS);
        match rows[first_open..].iter_mut().find(|(used, _)| used + length <= row_len) {
            Some((used, documents)) => {
                *used += length;
                documents.push(document);
            }
            None => rows.push((length, vec![document])),
        }
    }
    rows.into_iter().map(|(_, documents)| documents).collect()
}
