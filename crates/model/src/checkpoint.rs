//! A model as it lies on a disk: a folder in Hugging Face's layout, or one GGUF file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stillmark_evidence::Digest;

use crate::architecture::parameters;
use crate::chat::{ChatTemplate, TokenizerConfig};
use crate::config::Config;
use crate::error::Error;
use crate::gguf::{self, GgufFile};
use crate::safetensors::Safetensors;
use crate::source::TensorSource;
use crate::tokenizer::Tokenizer;

/// An open model.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    config: Config,
    weights: Weights,
    tokenizer: Option<Tokenizer>,
    chat: Option<ChatTemplate>,
    license: Option<String>,
}

#[derive(Debug)]
enum Weights {
    Folder(Safetensors),
    File(Box<GgufFile>),
}

/// What there is to say about a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `model_type` of its family.
    pub family: &'static str,
    /// The name that the file states.
    pub name: Option<String>,
    /// Numbers that were trained; a head that is the embedding counts once.
    pub parameters: u64,
    /// Tensors by encoding.
    pub encodings: BTreeMap<String, usize>,
    /// Tokens that the tokenizer has; the model may have more rows.
    pub tokens: Option<usize>,
    /// The tokenizer's digest.
    pub tokenizer: Option<Digest>,
    /// Whether there is a chat template.
    pub chats: Chats,
    /// The license that the files state.
    pub license: Option<String>,
}

/// Whether a model says how conversations are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chats {
    /// It has a chat template.
    Template,
    /// It has none.
    None,
}

impl Checkpoint {
    /// Opens the folder or the `.gguf` file at `path`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let kind = fs::metadata(path).map_err(|source| Error::Io { path: path.into(), source })?;
        if kind.is_dir() { Self::open_folder(path) } else { Self::open_gguf(path) }
    }

    fn open_gguf(path: &Path) -> Result<Self, Error> {
        let file = GgufFile::open(path)?;
        let tokenizer = Tokenizer::from_gguf(file.gguf(), path)?;
        let config = with_known_tokens(file.config().clone(), &tokenizer);
        fits(&tokenizer, &config)?;
        let text =
            |key: &str| file.gguf().metadata.get(key).and_then(gguf::Value::as_text).map(str::to_owned);
        let token = |id: Option<&u32>| id.and_then(|id| tokenizer.token(*id));
        let chat = match text("tokenizer.chat_template") {
            Some(source) => {
                Some(ChatTemplate::new(path, source, token(config.bos.as_ref()), token(config.eos.first()))?)
            }
            None => None,
        };
        let license = text("general.license");
        Ok(Self {
            path: path.into(),
            config,
            weights: Weights::File(Box::new(file)),
            tokenizer: Some(tokenizer),
            chat,
            license,
        })
    }

    fn open_folder(path: &Path) -> Result<Self, Error> {
        let file = path.join("config.json");
        let mut config = Config::from_json(&file, &read(&file)?)?;
        let file = path.join("generation_config.json");
        if let Some(text) = read_if_there(&file)? {
            add_eos(&mut config, &text, &file)?;
        }
        let weights = Safetensors::open(path, &config)?;
        let file = path.join("tokenizer.json");
        let tokenizer = if file.exists() { Some(Tokenizer::open(&file)?) } else { None };
        if let Some(tokenizer) = &tokenizer {
            fits(tokenizer, &config)?;
        }
        let chat = folder_template(path, &config, tokenizer.as_ref())?;
        let license = read_if_there(&path.join("README.md"))?.and_then(|card| card_license(&card));
        Ok(Self { path: path.into(), config, weights: Weights::Folder(weights), tokenizer, chat, license })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The decoder's shape. Its `eos` are all tokens that end an answer, those of `generation_config.json` included.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The tokenizer; an error that names the file that should hold it, if there is none.
    pub fn tokenizer(&self) -> Result<&Tokenizer, Error> {
        let missing =
            || Error::Io { path: self.path.join("tokenizer.json"), source: io::ErrorKind::NotFound.into() };
        self.tokenizer.as_ref().ok_or_else(missing)
    }

    /// How a conversation is written for it.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.chat.as_ref()
    }

    /// The license that the files state, in their own words.
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// What the model is, as one digest: that of the file for GGUF. For a folder, that of the lines `<sha256>  <name>`, each
    /// with a line feed at its end and sorted by name, of `config.json`, of the index if there is one, and of the files
    /// that hold weights.
    pub fn digest(&self) -> Result<Digest, Error> {
        let of_file = |path: &Path| -> Result<Digest, Error> {
            let map = stillmark_kernels::map::FileMap::open(path);
            map.map(|bytes| Digest::of(&bytes)).map_err(|source| Error::Io { path: path.into(), source })
        };
        let Weights::Folder(weights) = &self.weights else {
            return of_file(&self.path);
        };
        let mut files: Vec<PathBuf> = weights.files().map(Path::to_owned).collect();
        files.push(self.path.join("config.json"));
        files.extend(weights.index().map(Path::to_owned));
        files.sort();
        let mut lines = String::new();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            lines.extend([of_file(&file)?.to_string().as_str(), "  ", &name, "\n"]);
        }
        Ok(Digest::of(lines.as_bytes()))
    }

    /// What there is to say about it.
    pub fn describe(&self) -> Description {
        let mut encodings = BTreeMap::new();
        let mut count = |kind: &str| *encodings.entry(kind.to_owned()).or_insert(0) += 1;
        let name = match &self.weights {
            Weights::Folder(weights) => {
                weights
                    .names()
                    .filter_map(|name| weights.find(name))
                    .for_each(|tensor| count(tensor.kind.name()));
                None
            }
            Weights::File(file) => {
                file.gguf().tensors.values().for_each(|tensor| count(tensor.kind.name()));
                file.gguf().metadata.get("general.name").and_then(gguf::Value::as_text).map(str::to_owned)
            }
        };
        Description {
            family: self.config.family.model_type(),
            name,
            parameters: parameters(&self.config).iter().map(|one| one.len() as u64).sum(),
            encodings,
            tokens: self.tokenizer.as_ref().map(Tokenizer::vocab_size),
            tokenizer: self.tokenizer.as_ref().map(Tokenizer::digest),
            chats: if self.chat.is_some() { Chats::Template } else { Chats::None },
            license: self.license.clone(),
        }
    }
}

impl TensorSource for Checkpoint {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error> {
        match &self.weights {
            Weights::Folder(weights) => weights.tensor(name),
            Weights::File(file) => file.tensor(name),
        }
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match &self.weights {
            Weights::Folder(weights) => weights.shape(name),
            Weights::File(file) => file.shape(name),
        }
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })
}

fn read_if_there(path: &Path) -> Result<Option<String>, Error> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

/// A tokenizer must not have ids that the model has no row for.
fn fits(tokenizer: &Tokenizer, config: &Config) -> Result<(), Error> {
    match tokenizer.vocab_size().checked_sub(config.vocab_size) {
        None | Some(0) => Ok(()),
        Some(_) => Err(Error::Token {
            token: tokenizer.vocab_size().saturating_sub(1) as u32,
            vocab_size: config.vocab_size,
        }),
    }
}

/// Tokens that end a turn of a conversation, whatever the file calls them.
const TURN_ENDS: [&str; 3] = ["<|im_end|>", "<|eot_id|>", "<|eom_id|>"];

/// GGUF names one token that ends an answer; the others that end a turn are known by their names, as llama.cpp does it.
fn with_known_tokens(mut config: Config, tokenizer: &Tokenizer) -> Config {
    let special = |name: &&str| tokenizer.id(name).filter(|id| tokenizer.specials().contains_key(id));
    for id in TURN_ENDS.iter().filter_map(special) {
        if !config.eos.contains(&id) {
            config.eos.push(id);
        }
    }
    config
}

/// Adds the tokens that end an answer according to `generation_config.json`.
fn add_eos(config: &mut Config, text: &str, path: &Path) -> Result<(), Error> {
    let detail = |error: serde_json::Error| Error::Format { path: path.into(), detail: error.to_string() };
    let value: Value = serde_json::from_str(text).map_err(detail)?;
    let stated = match value.get("eos_token_id") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(ids)) => ids.clone(),
        Some(id) => vec![id.clone()],
    };
    for id in stated {
        match id.as_u64() {
            Some(id) if (id as usize) < config.vocab_size => {
                let id = id as u32;
                if !config.eos.contains(&id) {
                    config.eos.push(id);
                }
            }
            _ => {
                let detail = format!("`{id}` is not the id of a token");
                return Err(Error::Config { path: path.into(), field: "eos_token_id".into(), detail });
            }
        }
    }
    Ok(())
}

/// The chat template of a folder: `chat_template.jinja`, else that of `tokenizer_config.json`.
fn folder_template(
    folder: &Path,
    config: &Config,
    tokenizer: Option<&Tokenizer>,
) -> Result<Option<ChatTemplate>, Error> {
    let settings = folder.join("tokenizer_config.json");
    let (template, mut bos, mut eos) = match read_if_there(&settings)? {
        None => (None, None, None),
        Some(text) => {
            let parsed = TokenizerConfig::parse(&text, &settings)?;
            (parsed.template, parsed.bos, parsed.eos)
        }
    };
    let token = |id: Option<&u32>| tokenizer.zip(id).and_then(|(tokenizer, id)| tokenizer.token(*id));
    bos = bos.or_else(|| token(config.bos.as_ref()).map(str::to_owned));
    eos = eos.or_else(|| token(config.eos.first()).map(str::to_owned));
    let file = folder.join("chat_template.jinja");
    let (path, source) = match (read_if_there(&file)?, template) {
        (Some(source), _) => (file, source),
        (None, Some(source)) => (settings, source),
        (None, None) => return Ok(None),
    };
    ChatTemplate::new(&path, source, bos.as_deref(), eos.as_deref()).map(Some)
}

/// The line `license:` of a model card's front matter.
fn card_license(card: &str) -> Option<String> {
    let (front, _) = card.strip_prefix("---\n")?.split_once("\n---")?;
    let value = front.lines().find_map(|line| line.strip_prefix("license:"))?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}
