//! A GGUF file as a source of tensors.

use std::path::{Path, PathBuf};

use stillmark_kernels::map::FileMap;

use super::names::{self, ROPE_FACTORS, Rotary, Rows};
use super::{Gguf, Tensor};
use crate::config::{Config, Family};
use crate::error::Error;
use crate::source::{self, TensorSource};

/// An open GGUF file: every tensor that its configuration demands is there in the right shape.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    map: FileMap,
    gguf: Gguf,
    config: Config,
}

impl GgufFile {
    /// Opens the file at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let map = FileMap::open(path).map_err(|source| Error::Io { path: path.into(), source })?;
        let gguf = Gguf::parse(&map, path)?;
        let rope_factors = gguf.tensors.get(ROPE_FACTORS).map(|tensor| decode(&map, tensor));
        let config = Config::from_gguf(&gguf, rope_factors.as_deref(), path)?;
        let file = Self { path: path.into(), map, gguf, config };
        for name in file.gguf.tensors.keys().filter(|name| *name != ROPE_FACTORS) {
            if names::to_hugging_face(name).is_none() {
                return Err(source::unknown(path, name));
            }
        }
        source::check(&file, &file.config, path)?;
        Ok(file)
    }

    /// What the file says about itself.
    pub fn gguf(&self) -> &Gguf {
        &self.gguf
    }

    /// The decoder's shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn find(&self, name: &str) -> Option<&Tensor> {
        self.gguf.tensors.get(&names::to_gguf(name)?)
    }
}

impl TensorSource for GgufFile {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error> {
        let tensor = self.find(name).ok_or_else(|| source::missing(&self.path, name))?;
        let values = decode(&self.map, tensor);
        source::check_finite(&self.path, name, &values)?;
        if is_interleaved(&self.config) && names::rotary(name) != Rotary::Neither {
            let width = if tensor.shape.len() == 1 { 1 } else { self.config.hidden_size };
            return Ok(names::halves_from_pairs(&values, Rows { head_dim: self.config.head_dim, width }));
        }
        Ok(values)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.find(name).map(|tensor| tensor.shape.clone())
    }
}

fn decode(bytes: &[u8], tensor: &Tensor) -> Vec<f32> {
    tensor.kind.dequantize(&bytes[tensor.bytes.clone()])
}

/// Whether llama.cpp keeps the rows of queries and keys in pairs for this family.
pub(super) fn is_interleaved(config: &Config) -> bool {
    matches!(config.family, Family::Llama | Family::Mistral)
}
