//! Where weights come from, under one set of names.

use crate::Error;

/// A store of tensors by the names that Hugging Face's Llama has for them, such as
/// `model.layers.3.self_attn.q_proj.weight`, widened to f32 and in that layout (linear weights: outputs by inputs; rotary
/// halves, not interleaved).
pub trait TensorSource: std::fmt::Debug + Sync {
    /// The tensor called `name`.
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error>;

    /// The shape of the tensor called `name`, if there is one.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;
}
