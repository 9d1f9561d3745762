//! The user's signing key and the keys the user trusts, on disk.

use std::path::{Path, PathBuf};

use stillmark_evidence::keys::{PrivateKey, PublicKey};

use crate::files::{self, Secrecy};
use crate::problem::Problem;
use crate::settings::Settings;

/// A key pair that was just made.
#[derive(Debug)]
pub(crate) struct Made {
    /// The key.
    pub(crate) key: PrivateKey,
    /// Where its public half was put among the trusted ones.
    pub(crate) trusted: PathBuf,
}

/// Makes a key, writes it for its owner alone, and trusts its public half; never overwrites anything.
pub(crate) fn make(path: &Path, settings: &Settings) -> Result<Made, Problem> {
    let mut entropy = [0_u8; 32];
    getrandom::fill(&mut entropy)
        .map_err(|err| Problem::new("the system gave no randomness").cause(err.to_string()))?;
    let key = PrivateKey::from_entropy(&entropy).map_err(|err| Problem::from_error(&err))?;
    let pem = key.to_pem().map_err(|err| Problem::from_error(&err))?;
    let trusted = settings.trust.join(format!("{}.pub.pem", short(key.public())));
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    files::make_folder(&settings.trust)?;
    files::write_new(path, pem.as_bytes(), Secrecy::Private)?;
    files::write_new(&trusted, key.public().to_pem().as_bytes(), Secrecy::Public)?;
    Ok(Made { key, trusted })
}

/// Reads a private key.
pub(crate) fn read_private(path: &Path) -> Result<PrivateKey, Problem> {
    if !path.exists() {
        return Err(Problem::new(format!("there is no key at {}", path.display()))
            .hint("`stillmark key new` makes one; STILLMARK_KEY or `key` in stillmark.toml names another"));
    }
    let text = files::read_text(path)?;
    PrivateKey::from_pem(&text).map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} is not a key to sign with", path.display()))
            .hint("it must be a P-256 key in PEM (PKCS #8), as `stillmark key new` writes it")
    })
}

/// The first digits of a key's name, enough for a file name.
fn short(key: &PublicKey) -> String {
    key.id().to_string().chars().take(16).collect()
}
