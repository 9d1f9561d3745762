//! Block influence (Men et al. 2024, `ShortGPT`, arXiv:2403.03853, eq. 1): how much a layer turns the residual stream.

use stillmark_kernels::softmax::dot;

use super::LayerPass;

/// Sums up `1 - cos(input, output)` by layer, over all rows it is shown.
#[derive(Clone, Debug)]
pub struct Influence {
    sums: Vec<f64>,
    rows: Vec<u64>,
}

impl Influence {
    /// Nothing seen yet of a model with this many layers.
    pub fn new(layers: usize) -> Self {
        Self { sums: vec![0.0; layers], rows: vec![0; layers] }
    }

    /// Adds the rows of one pass; hand it to [`super::Decoder::hidden_observed`].
    pub fn add(&mut self, pass: &LayerPass<'_>) {
        let width = pass.input.len() / pass.rows.len().max(1);
        for (input, output) in
            pass.input.chunks_exact(width.max(1)).zip(pass.output.chunks_exact(width.max(1)))
        {
            let squares = f64::from(dot(input, input)) * f64::from(dot(output, output));
            if squares > 0.0 {
                self.sums[pass.layer] += 1.0 - f64::from(dot(input, output)) / squares.sqrt();
                self.rows[pass.layer] += 1;
            }
        }
    }

    /// The mean of each layer; 0 where nothing was seen.
    pub fn of_layers(&self) -> Vec<f64> {
        self.sums.iter().zip(&self.rows).map(|(sum, rows)| sum / (*rows).max(1) as f64).collect()
    }
}
