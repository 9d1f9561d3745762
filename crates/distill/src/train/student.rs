//! The student: a shape and one flat vector of weights.

use stillmark_model::{Config, TensorSource};

use super::draws::Draws;
use super::layout::Layout;
use crate::Error;

/// A model in training.
#[derive(Clone, Debug)]
pub struct Student {
    config: Config,
    layout: Layout,
    weights: Vec<f32>,
}

/// Standard deviation of fresh weights, as the Llama family has it.
const INIT_STD: f64 = 0.02;

impl Student {
    /// A student with fresh weights: normal with deviation 0.02, norms 1, biases 0. The same seed gives the same weights.
    pub fn fresh(config: Config, seed: u64) -> Self {
        let layout = Layout::new(&config);
        let mut weights = vec![0.0; layout.len()];
        for (stream, slot) in layout.slots().iter().enumerate() {
            let part = &mut weights[slot.range.clone()];
            if slot.shape.len() == 2 {
                let draws = Draws::new(seed, stream as u64);
                for (index, weight) in part.iter_mut().enumerate() {
                    *weight = (draws.normal(index as u64) * INIT_STD) as f32;
                }
            } else if slot.name.ends_with("norm.weight") {
                part.fill(1.0);
            }
        }
        Self { config, layout, weights }
    }

    /// A student with the weights of `source`.
    pub fn from_source(config: Config, source: &dyn TensorSource) -> Result<Self, Error> {
        let layout = Layout::new(&config);
        let mut weights = vec![0.0; layout.len()];
        for slot in layout.slots() {
            let tensor = source.tensor(&slot.name)?;
            let detail = if tensor.len() != slot.range.len() {
                format!("holds {} floats, the config demands {:?}", tensor.len(), slot.shape)
            } else if tensor.iter().any(|x| !x.is_finite()) {
                "holds NaN or infinity".into()
            } else {
                weights[slot.range.clone()].copy_from_slice(&tensor);
                continue;
            };
            return Err(stillmark_model::Error::Tensor { name: slot.name.clone(), detail }.into());
        }
        Ok(Self { config, layout, weights })
    }

    /// A student with weights in the order of its layout.
    pub fn from_weights(config: Config, weights: Vec<f32>) -> Result<Self, Error> {
        let layout = Layout::new(&config);
        if weights.len() != layout.len() {
            return Err(Error::Mismatch {
                what: "number of weights",
                expected: layout.len().to_string(),
                found: weights.len().to_string(),
            });
        }
        Ok(Self { config, layout, weights })
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where each parameter lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub(super) fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }
}

impl TensorSource for Student {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, stillmark_model::Error> {
        let slot = self.layout.slots().iter().find(|slot| slot.name == name);
        slot.map(|slot| self.weights[slot.range.clone()].to_vec()).ok_or_else(|| {
            stillmark_model::Error::Tensor {
                name: name.into(),
                detail: "the student has none of this name".into(),
            }
        })
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.layout.slots().iter().find(|slot| slot.name == name).map(|slot| slot.shape.clone())
    }
}
