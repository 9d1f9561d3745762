//! Which shards of a capture are finished.

use std::path::Path;

use serde::{Deserialize, Serialize};

use stillmark_evidence::Digest;
use stillmark_evidence::manifest::Watermark;

use crate::Error;
use stillmark_evidence::whole_file;

/// The journal's name in the folder of the records.
const NAME: &str = ".capture.json";
const SCHEMA: &str = "stillmark/capture/v1";

/// The finished shards of one plan's capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    schema: String,
    plan_sha256: String,
    /// What the answers carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watermark: Option<Watermark>,
    /// The grant that the answers were given under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant: Option<Digest>,
    /// The shards, in order.
    pub shards: Vec<ShardEntry>,
}

/// A finished file of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardEntry {
    /// Its name.
    pub file: String,
    /// Digest of its bytes.
    pub sha256: String,
    /// Its records.
    pub rows: usize,
    /// Their tokens.
    pub tokens: usize,
}

impl Journal {
    /// Opens the journal in `folder`, or begins one. Every shard it names must lie there unchanged.
    pub fn open(folder: &Path, plan_sha256: &str) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::begin(plan_sha256));
            }
            Err(source) => return Err(Error::Io { path, source }),
        };
        let journal: Self = serde_json::from_str(&text)
            .map_err(|error| Error::Records { path: path.clone(), detail: error.to_string() })?;
        if journal.schema != SCHEMA {
            return Err(Error::Records { path, detail: format!("is of schema `{}`", journal.schema) });
        }
        if journal.plan_sha256 != plan_sha256 {
            let (expected, found) = (journal.plan_sha256, plan_sha256.to_owned());
            return Err(Error::Mismatch { what: "the plan of the captured records", expected, found });
        }
        for (idx, shard) in journal.shards.iter().enumerate() {
            if shard.file != format!("records-{idx:05}.parquet") {
                return Err(Error::Records {
                    path,
                    detail: format!("shard {idx} is called `{}`", shard.file),
                });
            }
            let file = folder.join(&shard.file);
            let bytes = std::fs::read(&file).map_err(Error::io(&file))?;
            if Digest::of(&bytes).to_string() != shard.sha256 {
                let detail = "was changed since it was captured".to_owned();
                return Err(Error::Records { path: file, detail });
            }
        }
        Ok(journal)
    }

    /// Takes the mark that further answers will carry: refused where those that are there carry another, or none.
    pub(super) fn continue_with(&mut self, watermark: Option<&Watermark>) -> Result<(), Error> {
        if !self.shards.is_empty() && self.watermark.as_ref() != watermark {
            let (expected, found) = (in_words(self.watermark.as_ref()), in_words(watermark));
            return Err(Error::Mismatch { what: "the watermark of the captured answers", expected, found });
        }
        self.watermark = watermark.cloned();
        Ok(())
    }

    /// Takes the grant that further answers will be given under: refused where those that are there were given under another.
    pub(super) fn continue_under(&mut self, grant: Option<Digest>) -> Result<(), Error> {
        if !self.shards.is_empty() && self.grant != grant {
            let word = |grant: Option<Digest>| grant.map_or("none".to_owned(), |grant| grant.to_string());
            let (expected, found) = (word(self.grant), word(grant));
            return Err(Error::Mismatch { what: "the grant of the captured answers", expected, found });
        }
        self.grant = grant;
        Ok(())
    }

    /// Adds a shard that is on the disk.
    pub fn add(&mut self, folder: &Path, shard: ShardEntry) -> Result<(), Error> {
        self.shards.push(shard);
        let path = folder.join(NAME);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Records { path: path.clone(), detail: error.to_string() })?;
        whole_file::write(&path, format!("{text}\n").as_bytes()).map_err(Error::io(&path))
    }

    fn begin(plan_sha256: &str) -> Self {
        let (schema, plan_sha256) = (SCHEMA.to_owned(), plan_sha256.to_owned());
        Self { schema, plan_sha256, watermark: None, grant: None, shards: Vec::new() }
    }
}

fn in_words(watermark: Option<&Watermark>) -> String {
    let stated = |mark: &Watermark| {
        let parameters: Vec<String> =
            mark.parameters.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{}{}, key {}", mark.scheme, parameters.concat(), mark.key_commitment)
    };
    watermark.map_or_else(|| "none".to_owned(), stated)
}
