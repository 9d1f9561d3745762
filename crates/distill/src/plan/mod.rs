//! What is to be distilled from what: `plan.toml`, parsed strictly (docs/spec/plan.md).

mod canonical;
mod parse;
mod publisher;
mod reader;
mod train;

use stillmark_evidence::Digest;

pub use publisher::Publisher;
pub use train::{Loss, LossKind, Precision, Schedule, Support, TrainLength, TrainPlan};

/// A plan without contradictions. Made only by [`Plan::parse`].
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    student: Student,
    teacher: Teacher,
    sources: Vec<Source>,
    capture: Capture,
    train: TrainPlan,
    export: Export,
    declared: Declared,
    accepted: Vec<Accepted>,
    publisher: Publisher,
    canonical: String,
}

impl Plan {
    /// What is to be made.
    pub fn student(&self) -> &Student {
        &self.student
    }

    /// Whose answers are learned from.
    pub fn teacher(&self) -> &Teacher {
        &self.teacher
    }

    /// Where prompts and texts come from: prompts first, each kind in the plan's order.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// How answers are taken.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// How the student is trained.
    pub fn train(&self) -> &TrainPlan {
        &self.train
    }

    /// What is written at the end.
    pub fn export(&self) -> &Export {
        &self.export
    }

    /// Facts that no machine can see.
    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// Reviews that a person took upon themselves.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// Who offers the student, and where.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// The plan's content in one canonical form: comments, spacing and the order of keys make no difference to it.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The digest of [`Plan::canonical`].
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical.as_bytes())
    }
}

/// The model to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Student {
    /// Its published name.
    pub name: String,
    /// The terms under which it is offered on: an id of the terms pack.
    pub license: Option<String>,
    /// What it starts from.
    pub init: Init,
}

/// What a student starts from.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// Layers of the teacher.
    Teacher {
        /// Which.
        layers: Layers,
        /// Neurons kept of every feed-forward block, where not all.
        intermediate_size: Option<usize>,
    },
    /// A `config.json`, with random weights.
    Config {
        /// The file.
        path: String,
    },
    /// An existing model's weights.
    Checkpoint {
        /// The folder or `.gguf` file.
        path: String,
        /// The terms of that model: ids of the terms pack.
        terms: Vec<String>,
    },
}

/// Which of the teacher's layers are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layers {
    /// As many as this, those that change their input most (`ShortGPT`'s block influence).
    Influence(usize),
    /// As many as this, evenly spaced, first and last included.
    Even(usize),
    /// These, from 0, ascending.
    Keep(Vec<usize>),
}

/// The model that is learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct Teacher {
    /// Where it answers.
    pub place: Place,
    /// Its terms, all of which must permit: ids of the terms pack.
    pub terms: Vec<String>,
    /// The file of the grant that its provider gave.
    pub grant: Option<String>,
    /// The file of the offer that its provider makes.
    pub offer: Option<String>,
}

/// Where a teacher answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// On this machine: a catalog name or a path.
    Embedded {
        /// The name or path.
        model: String,
    },
    /// Behind an OpenAI-compatible API.
    Remote(Remote),
}

/// An OpenAI-compatible API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its base address.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// Which of its endpoints is used.
    pub api: Api,
    /// Where the key is.
    pub key: Option<KeyPlace>,
    /// Requests in flight.
    pub concurrency: usize,
    /// The tokenizer that cuts its answers into tokens: a catalog name or a path.
    pub tokenizer: String,
}

/// An endpoint of an OpenAI-compatible API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `/chat/completions`.
    Chat,
    /// `/completions`.
    Completions,
}

/// Where an API key is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// An environment variable.
    Env(String),
    /// A file.
    File(String),
}

/// A source of prompts or texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name in records: unique in the plan.
    pub id: String,
    /// What it holds.
    pub kind: SourceKind,
    /// Where it is.
    pub at: SourceAt,
    /// Its part of the records, where [`Capture::records`] is set.
    pub share: f64,
    /// Who made it and how, in words.
    pub origin: Option<String>,
    /// Its terms: ids of the terms pack.
    pub terms: Vec<String>,
}

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Prompts, which the teacher answers.
    Prompts,
    /// Texts, which the teacher only scores.
    Texts,
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceAt {
    /// Shipped with this crate.
    BuiltIn(String),
    /// A JSON Lines file, from the plan's folder.
    File(String),
}

/// How the teacher's answers are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    /// How many records in all; every row of every source once where absent.
    pub records: Option<usize>,
    /// Sampling temperature; 0 takes the likeliest token.
    pub temperature: f64,
    /// Only the likeliest so many tokens; 0 is no limit.
    pub top_k: usize,
    /// Only the likeliest tokens of this joint probability.
    pub top_p: f64,
    /// Only tokens at least this fraction as likely as the likeliest.
    pub min_p: f64,
    /// Longest answer.
    pub max_tokens: usize,
    /// Log-probabilities stored at each position; 0 stores none.
    pub top_logprobs: usize,
    /// Longest record, prompt included; longer texts are cut.
    pub max_length: usize,
    /// Seed of sampling and of the order of the sources.
    pub seed: u64,
    /// Records a file.
    pub shard_rows: usize,
    /// Said to the teacher before every prompt.
    pub system: Option<String>,
    /// The file of the key by which the answers are marked, where they are.
    pub watermark_key: Option<String>,
}

/// What is written at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The forms, each once.
    pub formats: Vec<Format>,
    /// Element type of the Hugging Face layout's weights.
    pub dtype: Dtype,
}

/// A form of the exported model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face layout.
    Hf,
    /// GGUF with half floats.
    GgufF16,
    /// GGUF with 8-bit blocks.
    GgufQ8,
}

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32-bit floats.
    F32,
    /// IEEE half floats.
    F16,
    /// bfloat16.
    Bf16,
}

/// Facts that no machine can see, declared by the builder; absent where undeclared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// Whether the student is for commercial use.
    pub commercial: Option<bool>,
    /// Who gets it: `private`, `served` or `distributed`.
    pub audience: Option<String>,
    /// Whether it competes with the teacher's provider.
    pub competes: Option<bool>,
    /// Monthly active users of the builder's products.
    pub monthly_active_users: Option<u64>,
    /// The builder's revenue.
    pub revenue_usd_per_year: Option<u64>,
    /// Whether the student is a classifier that is never given to others.
    pub private_classifier: Option<bool>,
    /// Architecture family of the student's base, where a clause speaks of it.
    pub family: Option<String>,
}

/// A review that a person took upon themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What was asked, in the words of `agreement check`.
    pub ask: String,
    /// Who answers for it.
    pub person: String,
    /// When.
    pub date: String,
    /// Why.
    pub reason: String,
}
