//! Where weights come from, under one set of names.

use std::path::Path;

use crate::Error;
use crate::architecture;
use crate::config::Config;

/// A store of tensors by the names that Hugging Face's Llama has for them, such as
/// `model.layers.3.self_attn.q_proj.weight`, widened to f32 and in that layout (linear weights: outputs by inputs; rotary
/// halves, not interleaved).
pub trait TensorSource: std::fmt::Debug + Sync {
    /// The tensor called `name`. Numbers that are not finite are refused.
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error>;

    /// The shape of the tensor called `name`, if there is one.
    fn shape(&self, name: &str) -> Option<Vec<usize>>;
}

/// Checks that every tensor that the config demands is there in its shape.
pub(crate) fn check(source: &dyn TensorSource, config: &Config, path: &Path) -> Result<(), Error> {
    let mut absent =
        architecture::parameters(config).into_iter().filter(|one| source.shape(&one.name).is_none());
    if let Some(first) = absent.next() {
        let detail = match absent.count() {
            0 => format!("is missing from `{}`", path.display()),
            more => format!("is missing from `{}`, and {more} more", path.display()),
        };
        return Err(Error::Tensor { name: first.name, detail });
    }
    for expected in architecture::parameters(config) {
        let shape = source.shape(&expected.name).unwrap_or_default();
        if shape != expected.shape {
            let detail = format!(
                "has the shape {shape:?} in `{}`; the config demands {:?}",
                path.display(),
                expected.shape
            );
            return Err(Error::Tensor { name: expected.name, detail });
        }
    }
    Ok(())
}

/// Checks that every number is finite.
pub(crate) fn check_finite(path: &Path, name: &str, values: &[f32]) -> Result<(), Error> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let detail = format!("element {at} is {} in `{}`", values[at], path.display());
            Err(Error::Tensor { name: name.into(), detail })
        }
    }
}

pub(crate) fn missing(path: &Path, name: &str) -> Error {
    Error::Tensor { name: name.into(), detail: format!("is missing from `{}`", path.display()) }
}

pub(crate) fn unknown(path: &Path, name: &str) -> Error {
    let detail = format!("is not a part of this decoder, but lies in `{}`", path.display());
    Error::Tensor { name: name.into(), detail }
}

/// Checks that there are as many numbers as the shape takes.
pub(crate) fn check_len(tensor: &architecture::Parameter, numbers: &[f32]) -> Result<(), Error> {
    if numbers.len() == tensor.len() {
        return Ok(());
    }
    let detail =
        format!("has {} numbers where its shape {:?} takes {}", numbers.len(), tensor.shape, tensor.len());
    Err(Error::Tensor { name: tensor.name.clone(), detail })
}
