//! The safetensors of a model's folder as a source of tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stillmark_kernels::map::FileMap;

use super::{Header, Tensor, parse, parse_index};
use crate::architecture::{HEAD, parameters};
use crate::config::Config;
use crate::error::Error;
use crate::source::{self, TensorSource};

/// The one file of a small model.
const SINGLE: &str = "model.safetensors";

/// The index of a large model.
const INDEX: &str = "model.safetensors.index.json";

/// The open weights of a folder: every tensor that the config demands is there in the right shape.
#[derive(Debug)]
pub struct Safetensors {
    shards: Vec<Shard>,
    index: Option<PathBuf>,
    /// The shard of each tensor.
    places: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    map: FileMap,
    header: Header,
}

impl Safetensors {
    /// Opens the weights in `folder`: `model.safetensors`, or the files that `model.safetensors.index.json` names.
    pub fn open(folder: &Path, config: &Config) -> Result<Self, Error> {
        let weights = Self::open_unchecked(folder)?;
        source::check(&weights, config, folder)?;
        let known: BTreeSet<String> = parameters(config).into_iter().map(|one| one.name).collect();
        for (name, place) in &weights.places {
            // Old files carry the rotary frequencies, which follow from the config.
            let follows = name.ends_with(".rotary_emb.inv_freq") || (name == HEAD && config.tied_embeddings);
            if !follows && !known.contains(name) {
                return Err(source::unknown(&weights.shards[*place].path, name));
            }
        }
        Ok(weights)
    }

    /// As [`Safetensors::open`], whatever the tensors are.
    pub fn open_unchecked(folder: &Path) -> Result<Self, Error> {
        let index = folder.join(INDEX);
        if folder.join(SINGLE).exists() || !index.exists() {
            return Self::open_file(&folder.join(SINGLE));
        }
        let text =
            std::fs::read_to_string(&index).map_err(|source| Error::Io { path: index.clone(), source })?;
        let files = parse_index(&text, &index)?.files;
        let mut numbers = BTreeMap::new();
        let mut shards = Vec::new();
        let mut places = BTreeMap::new();
        for (tensor, file) in files {
            let number = *numbers.entry(file.clone()).or_insert(shards.len());
            if number == shards.len() {
                shards.push(Shard::open(&folder.join(&file))?);
            }
            if !shards[number].header.tensors.contains_key(&tensor) {
                let detail = format!("`weight_map.{tensor}`: `{file}` has no such tensor");
                return Err(Error::Format { path: index, detail });
            }
            places.insert(tensor, number);
        }
        for shard in &shards {
            if let Some(name) = shard.header.tensors.keys().find(|name| !places.contains_key(*name)) {
                let detail = format!("tensor `{name}` is not in `{INDEX}`");
                return Err(Error::Format { path: shard.path.clone(), detail });
            }
        }
        Ok(Self { shards, index: Some(index), places })
    }

    /// Opens one file, whatever the tensors are.
    pub fn open_file(path: &Path) -> Result<Self, Error> {
        let shard = Shard::open(path)?;
        let places = shard.header.tensors.keys().map(|name| (name.clone(), 0)).collect();
        Ok(Self { shards: vec![shard], index: None, places })
    }

    /// Names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The free text of the first file.
    pub fn metadata(&self) -> Option<&BTreeMap<String, String>> {
        self.shards.first().map(|shard| &shard.header.metadata)
    }

    /// The files, in the order of the first tensor of each.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.shards.iter().map(|shard| shard.path.as_path())
    }

    /// The index, if the weights are in several files.
    pub fn index(&self) -> Option<&Path> {
        self.index.as_deref()
    }

    /// The tensor's place.
    pub fn find(&self, name: &str) -> Option<&Tensor> {
        self.shards[*self.places.get(name)?].header.tensors.get(name)
    }
}

impl Shard {
    fn open(path: &Path) -> Result<Self, Error> {
        let map = FileMap::open(path).map_err(|source| Error::Io { path: path.into(), source })?;
        let header = parse(&map, path)?;
        Ok(Self { path: path.into(), map, header })
    }
}

impl TensorSource for Safetensors {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error> {
        let Some(shard) = self.places.get(name).map(|place| &self.shards[*place]) else {
            let path = self.shards.first().map_or(Path::new(SINGLE), |shard| &shard.path);
            return Err(source::missing(path, name));
        };
        let tensor = shard.header.tensors.get(name).ok_or_else(|| source::missing(&shard.path, name))?;
        let values = tensor.kind.widen(&shard.map[tensor.bytes.clone()]);
        source::check_finite(&shard.path, name, &values)?;
        Ok(values)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.find(name).map(|tensor| tensor.shape.clone())
    }
}
