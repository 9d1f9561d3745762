//! Answers that were paid for and are not yet in a shard: one JSON object a line, so that a kill loses none of them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stillmark_model::remote::{Reply, Token};

use crate::Error;
use crate::capture::Item;
use stillmark_evidence::receipt::Receipt;
use stillmark_evidence::whole_file;

/// The file's name in the folder of the records.
const NAME: &str = ".answers.jsonl";

/// What is kept of a reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    number: u64,
    id: String,
    /// The answer.
    pub(super) text: String,
    /// Why it ended.
    pub(super) finish: Option<String>,
    /// Its tokens, where the server gave them.
    pub(super) tokens: Vec<KeptToken>,
    /// The provider's receipt, where the grant brings receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) receipt: Option<Receipt>,
}

/// A token of a reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptToken {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The likeliest tokens in its place with their log-probabilities.
    pub(super) top: Vec<(Vec<u8>, f32)>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Answers {
    path: PathBuf,
}

impl Kept {
    pub(super) fn new(item: &Item, reply: Reply, receipt: Option<Receipt>) -> Self {
        let token = |Token { bytes, top, .. }| KeptToken { bytes, top };
        Self {
            number: item.number,
            id: item.id.clone(),
            text: reply.text,
            finish: reply.finish,
            tokens: reply.tokens.into_iter().map(token).collect(),
            receipt,
        }
    }

    /// Whether it answers this item.
    pub(super) fn answers(&self, item: &Item) -> bool {
        self.number == item.number && self.id == item.id
    }
}

impl Answers {
    /// The answers of a dataset whose records lie in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(NAME) }
    }

    /// The answers to `items` that are there, by number; whatever else the file holds is dropped.
    pub(super) fn load(&self, items: &[Item]) -> Result<BTreeMap<u64, Kept>, Error> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(source) => return Err(Error::Io { path: self.path.clone(), source }),
        };
        // The last line may have been cut short.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let wanted = |kept: &Kept| items.iter().any(|item| kept.answers(item));
        let (mut lines, mut all) = (String::new(), BTreeMap::new());
        for (idx, line) in whole.enumerate() {
            let kept: Kept = serde_json::from_str(line).map_err(|error| Error::Input {
                path: self.path.clone(),
                line: idx + 1,
                detail: error.to_string(),
            })?;
            if wanted(&kept) {
                lines += line;
                all.insert(kept.number, kept);
            }
        }
        whole_file::write(&self.path, lines.as_bytes()).map_err(Error::io(&self.path))?;
        Ok(all)
    }

    /// Adds answers.
    pub(super) fn append(&self) -> Result<File, Error> {
        OpenOptions::new().create(true).append(true).open(&self.path).map_err(Error::io(&self.path))
    }

    /// Writes one answer.
    pub(super) fn add(&self, file: &mut File, kept: &Kept) -> Result<(), Error> {
        let mut line = serde_json::to_vec(kept).map_err(|error| Error::Input {
            path: self.path.clone(),
            line: 0,
            detail: error.to_string(),
        })?;
        line.push(b'\n');
        file.write_all(&line).map_err(Error::io(&self.path))
    }

    /// Drops the file: its answers lie in a shard.
    pub(super) fn clear(&self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Io { path: self.path.clone(), source: error })
            }
            _ => Ok(()),
        }
    }
}
