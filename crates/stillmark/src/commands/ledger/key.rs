//! Keys of logs: in the text form of signed notes, or made from the key that statements are signed with.

use std::path::{Path, PathBuf};

use stillmark_ledger::Quorum;
use stillmark_ledger::note::{CosignerKey, SigningKey, VerifierKey};

use super::read_text;
use crate::files;
use crate::keys;
use crate::problem::Problem;
use crate::run::seal::log_key;
use crate::session::Session;

/// What the text of a secret log key begins with.
const SECRET: &str = "PRIVATE+KEY+";

/// A key to sign with, out of a file.
pub(super) fn signing(file: Option<&PathBuf>, session: &Session) -> Result<SigningKey, Problem> {
    let path = file.unwrap_or(&session.settings.key);
    let is_note = std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(SECRET.as_bytes()));
    if !is_note {
        return log_key(&keys::read_private(path)?);
    }
    let text = files::read_secret(path, session.talk)?;
    SigningKey::parse(&text).map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} is not a log's key", path.display()))
    })
}

/// A key to check with: its text, a file of it, or that of a key to sign with.
pub(super) fn verifier(word: Option<&String>, session: &Session) -> Result<VerifierKey, Problem> {
    let Some(word) = word else {
        return signing(None, session).map(|key| key.verifier()).map_err(|problem| {
            problem.while_doing("no key of the log was named, and yours cannot be used").hint(
                "name the log's public key, `name+id+base64`, or a file of it with `--key` (for a witness: `--log`)",
            )
        });
    };
    if let Ok(key) = VerifierKey::parse(word) {
        return Ok(key);
    }
    let path = Path::new(word);
    if !path.exists() {
        return Err(no_key(word, "a log's").cause("there is no such file either"));
    }
    let text = read_text(path)?;
    if text.starts_with(SECRET) || text.contains("PRIVATE KEY-----") {
        return Ok(signing(Some(&path.to_owned()), session)?.verifier());
    }
    VerifierKey::parse(&text).map_err(|err| no_key(word, "a log's").cause(err.to_string()))
}

/// The witnesses that were named, and how many of them must have cosigned: all, unless told otherwise.
pub(super) fn quorum(words: &[String], needed: Option<usize>) -> Result<Quorum, Problem> {
    let mut witnesses = Vec::new();
    for word in words {
        let text = if Path::new(word).exists() { read_text(Path::new(word))? } else { word.clone() };
        witnesses.push(
            CosignerKey::parse(&text).map_err(|err| no_key(word, "a witness's").cause(err.to_string()))?,
        );
    }
    let needed = needed.unwrap_or(witnesses.len());
    if needed > witnesses.len() {
        return Err(Problem::new(format!("{needed} of {} witnesses can never cosign", witnesses.len()))
            .hint("name each witness that counts with `--witness`"));
    }
    Ok(Quorum { witnesses, needed })
}

fn no_key(word: &str, whose: &str) -> Problem {
    Problem::new(format!("`{word}` is not {whose} public key"))
        .hint("it has the form `name+id+base64`: `ledger append` and `ledger witness` show it in their JSON")
}
