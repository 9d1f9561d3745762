//! Watermark keys and their commitments, as files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stillmark_evidence::Digest;
use stillmark_watermark::{Error, Key};

use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// What opens a commitment: kept beside the key, and as secret as the key is short.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opening {
    pub(crate) schema: String,
    /// The digest that was made public.
    pub(crate) commitment: String,
    /// 32 bytes in hex.
    pub(crate) salt: String,
    pub(crate) scheme: String,
    /// The log that holds it, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
}

/// The schema of [`Opening`].
pub(crate) const COMMITMENT: &str = "stillmark/watermark-key-commitment/v1";

/// Reads a key file, as one of another scheme where that is named.
pub(crate) fn read(path: &Path, scheme: Option<&str>, session: &Session) -> Result<Key, Problem> {
    let text = files::read_secret(path, session.talk)?;
    let key = match scheme {
        Some(scheme) => Key::parse_as(&text, scheme),
        None => Key::parse(&text),
    };
    key.map_err(|err| of_key(&err, format!("{} is not a watermark key", path.display())))
}

/// What is wrong with a key, and what to do.
pub(crate) fn of_key(err: &Error, doing: String) -> Problem {
    let hint = match err {
        Error::UnknownKey { .. } | Error::Missing { .. } | Error::Value { .. } => {
            "docs/spec/watermark-key.md lists the keys of each scheme; `stillmark watermark key new --scheme NAME` writes one"
        }
        Error::UnknownScheme { .. } => "`stillmark watermark key new --help` lists the schemes",
        Error::Unsupported { .. } => "name a key of another scheme",
        _ => "a key file is TOML: scheme = \"vllm-philox\", key = \"0x…\"",
    };
    Problem::from_error(err).while_doing(doing).hint(hint)
}

/// Where the commitment of a key lies.
pub(crate) fn commitment_path(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".commitment.json");
    PathBuf::from(name)
}

/// The commitment of a key file, where it was committed to; one that is of another key is refused.
pub(crate) fn commitment(path: &Path, key: &Key) -> Result<Option<Opening>, Problem> {
    let place = commitment_path(path);
    if !place.exists() {
        return Ok(None);
    }
    let broken = |detail: String| {
        Problem::new(format!("{} is not the commitment of {}", place.display(), path.display()))
            .cause(detail)
            .hint("put the file back that `stillmark watermark key commit` wrote, or remove it to go on without a commitment")
    };
    let found: Opening =
        serde_json::from_str(&files::read_text(&place)?).map_err(|err| broken(err.to_string()))?;
    let salt = bytes_of(&found.salt).ok_or_else(|| broken("`salt` is not 64 hex digits".to_owned()))?;
    if hex(key.commitment(&salt)) != found.commitment {
        return Err(broken("the key has changed since".to_owned()));
    }
    Ok(Some(found))
}

/// 32 bytes in hex.
pub(crate) fn hex(bytes: [u8; 32]) -> String {
    Digest::from_bytes(bytes).to_string()
}

fn bytes_of(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect();
    digits?.try_into().ok()
}

/// Uniform bytes, as many as are wanted.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|err| Problem::new("the system gave no random bytes").cause(err.to_string()))?;
    Ok(bytes)
}
