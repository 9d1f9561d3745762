//! Texts that begin alike, run together: what they share is computed once.

use stillmark_kernels::attention_tree::{Node, attention_tree};

use super::{Decoder, Scratch};
use crate::Error;

impl Decoder {
    /// The final-normed hidden states of some rows of a tree of texts, `hidden_size` floats each, in the order of `wanted`.
    ///
    /// A text's rows get what they would get alone. Nodes come in the order of their rows, each after its ancestors.
    pub fn hidden_tree(&self, tokens: &[u32], nodes: &[Node], wanted: &[usize]) -> Result<Vec<f32>, Error> {
        self.check(tokens, &[])?;
        let (d, mixed_width) = (self.config.hidden_size, self.config.heads * self.config.head_dim);
        let positions = self.positions(tokens.len(), nodes)?;
        if let Some(row) = wanted.iter().find(|row| tokens.len() <= **row) {
            return Err(Error::Segment { start: *row, end: *row + 1, rows: tokens.len() });
        }
        let longest = positions.iter().max().map_or(0, |position| *position as usize + 1);
        let table = self.table(longest);
        let mut scratch = Scratch::default();
        let mut x = self.embed(tokens);
        for (idx, layer) in self.layers.iter().enumerate() {
            layer.project(&self.config, (&table, &positions), &x, &mut scratch);
            let (inputs, mixed) = scratch.attention_operands();
            attention_tree(self.precision, layer.shape, nodes, inputs, mixed);
            // Of the last layer, only the wanted rows go on.
            if idx + 1 == self.layers.len() {
                x = rows_of(&x, d, wanted);
                scratch.mixed = rows_of(&scratch.mixed, mixed_width, wanted);
            }
            layer.finish(&self.config, &mut scratch, &mut x);
        }
        let mut out = vec![0.0_f32; x.len()];
        self.norm_final(&x, &mut out);
        Ok(out)
    }

    /// The position of each row in its text.
    fn positions(&self, n_rows: usize, nodes: &[Node]) -> Result<Vec<u32>, Error> {
        let mut positions = vec![0_u32; n_rows];
        let mut end = 0;
        for Node { before, own } in nodes {
            let misplaced = own.start < end || own.end < own.start || n_rows < own.end;
            if misplaced || before.iter().any(|rows| end < rows.end || rows.end < rows.start) {
                return Err(Error::Segment { start: own.start, end: own.end, rows: n_rows });
            }
            let depth: usize = before.iter().map(ExactSizeIterator::len).sum();
            self.check_length(depth + own.len())?;
            for (row, position) in positions[own.clone()].iter_mut().zip(depth as u32..) {
                *row = position;
            }
            end = own.end;
        }
        Ok(positions)
    }
}

/// Some rows of a matrix.
fn rows_of(data: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows.len() * width);
    for row in rows {
        out.extend_from_slice(&data[row * width..][..width]);
    }
    out
}
