//! Rotary positions (Su et al. 2021, arXiv:2104.09864, eq. 34), in the half-split order of Hugging Face's layout:
//! element `i` of a head turns together with element `i + head_dim / 2`.

use crate::parallel::for_rows;

/// Cosines and sines of every position and frequency.
#[derive(Clone, Debug)]
pub struct Table {
    cos: Vec<f32>,
    sin: Vec<f32>,
    n_freqs: usize,
}

/// Which way to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// As the forward pass does.
    Forward,
    /// Back again: the gradient of the forward turn.
    Back,
}

impl Table {
    /// The table of positions below `n_positions` for the given inverse frequencies (radians a position); `magnitude`
    /// multiplies both cosine and sine (YaRN's attention factor; 1 elsewhere).
    pub fn new(inverse_frequencies: &[f64], n_positions: usize, magnitude: f64) -> Self {
        let n_freqs = inverse_frequencies.len();
        let mut cos = Vec::with_capacity(n_positions * n_freqs);
        let mut sin = Vec::with_capacity(n_positions * n_freqs);
        for position in 0..n_positions {
            for frequency in inverse_frequencies {
                let angle = position as f64 * frequency;
                cos.push((angle.cos() * magnitude) as f32);
                sin.push((angle.sin() * magnitude) as f32);
            }
        }
        Self { cos, sin, n_freqs }
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.cos.len() / self.n_freqs.max(1)
    }

    /// Whether the table has no position.
    pub fn is_empty(&self) -> bool {
        self.cos.is_empty()
    }
}

/// Turns every head of every row of `x`; row `i` stands at `positions[i]` and holds `width` floats, whole heads of twice
/// as many floats as the table has frequencies.
///
/// # Panics
/// When a position lies past the table or the rows are not whole heads.
pub fn rotate(table: &Table, positions: &[u32], width: usize, x: &mut [f32], turn: Turn) {
    let half = table.n_freqs;
    assert!(width.is_multiple_of(2 * half) && x.len() == positions.len() * width, "whole heads and rows");
    let sign = if turn == Turn::Forward { 1.0 } else { -1.0 };
    for_rows(x, width, |first, rows| {
        for (idx, row) in rows.chunks_exact_mut(width).enumerate() {
            let at = positions[first + idx] as usize * half;
            let (cos, sin) = (&table.cos[at..at + half], &table.sin[at..at + half]);
            for head in row.chunks_exact_mut(2 * half) {
                let (low, high) = head.split_at_mut(half);
                for i in 0..half {
                    let (a, b, s) = (low[i], high[i], sin[i] * sign);
                    low[i] = a * cos[i] - b * s;
                    high[i] = b * cos[i] + a * s;
                }
            }
        }
    });
}
