//! Weights that both sides of a comparison compute by one formula, so that none need to be stored.

use std::collections::BTreeMap;

use stillmark_model::architecture::parameters;
use stillmark_model::{Config, Error, TensorSource};

/// Tensor number `t` (in the order of `parameters`) holds `sin(0.37 i + t) * scale` at element `i`, where the scale is
/// `sqrt(2 / inputs)` for a matrix; the embedding has scale 1, a bias 0.2, and a norm is 1 plus 0.2 times the sine. As
/// `tests/reference/logits.py` has it.
#[derive(Clone, Debug)]
pub(crate) struct Formula {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Formula {
    pub(crate) fn new(config: &Config) -> Self {
        let tensors = parameters(config).into_iter().enumerate().map(|(t, parameter)| {
            let (offset, scale) = match parameter.name.as_str() {
                name if name.ends_with("norm.weight") => (1.0, 0.2),
                name if name.ends_with("bias") => (0.0, 0.2),
                name if name.ends_with("embed_tokens.weight") => (0.0, 1.0),
                _ => (0.0, (2.0 / parameter.shape[1] as f64).sqrt()),
            };
            let value = |i: usize| (offset + (0.37 * i as f64 + t as f64).sin() * scale) as f32;
            let data = (0..parameter.len()).map(value).collect();
            (parameter.name, (parameter.shape, data))
        });
        Self { tensors: tensors.collect() }
    }

    pub(crate) fn spoil(&mut self, name: &str, element: usize, value: f32) {
        self.tensors.get_mut(name).unwrap().1[element] = value;
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.tensors.remove(name).unwrap();
    }
}

impl TensorSource for Formula {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.tensors[name].1.clone())
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.get(name).map(|(shape, _)| shape.clone())
    }
}
