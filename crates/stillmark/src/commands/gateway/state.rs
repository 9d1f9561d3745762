//! The configuration's file, and the folder where a gateway keeps keys and limits.

use std::collections::BTreeMap;
use std::path::Path;

use stillmark_evidence::Digest;
use stillmark_gateway::config::{Config, ConfigError};
use stillmark_gateway::keys::{Pepper, Store, StoreError};
use stillmark_gateway::receipts::{Issuing, Receipts};
use stillmark_ledger::note::SigningKey;

use crate::clock;
use crate::files::{self, Secrecy};
use crate::keyfile;
use crate::output::Talk;
use crate::problem::Problem;
use crate::session::Session;

/// Reads a configuration.
pub(super) fn read(path: &Path) -> Result<Config, Problem> {
    let text = files::read_text(path)?;
    Config::parse(&text).map_err(|err| {
        let place = match &err {
            ConfigError::Toml { line: Some(line), .. } => format!("{}:{line}", path.display()),
            ConfigError::Toml { line: None, .. } | ConfigError::Value { .. } => path.display().to_string(),
        };
        Problem::new(format!("{place}: {err}"))
            .hint("docs/spec/gateway-config.md names every word; `stillmark gateway check` reads a file without serving")
    })
}

/// Opens the database of keys, which is made where there is none.
pub(super) fn store(config: &Config) -> Result<Store, Problem> {
    files::make_folder(&config.server.state)?;
    let path = config.server.state.join("keys.sqlite");
    Store::open(&path).map_err(|err| of_store(&err, &path))
}

/// What is mixed into the hashes of keys; drawn where there is none.
pub(super) fn pepper(config: &Config, talk: Talk) -> Result<Pepper, Problem> {
    files::make_folder(&config.server.state)?;
    let path = config.server.state.join("pepper");
    let text = kept(&path, talk, || Ok(keyfile::hex(keyfile::entropy()?)))?;
    let bytes = text.trim().parse::<Digest>().map_err(|_| {
        Problem::new(format!("{} does not hold 64 hexadecimal digits", path.display()))
            .hint("take it from a backup: without it no key that was given out is known")
    })?;
    Ok(Pepper::new(*bytes.as_bytes()))
}

/// The text of a secret file, which is made where there is none.
fn kept(path: &Path, talk: Talk, make: impl FnOnce() -> Result<String, Problem>) -> Result<String, Problem> {
    if !path.exists() {
        files::write_new(path, make()?.as_bytes(), Secrecy::Private)?;
    }
    files::read_secret(path, talk)
}

/// Opens the log of receipts where the configuration names one; its key is drawn where there is none.
pub(super) fn receipts(
    config: &Config,
    mut models: BTreeMap<String, Digest>,
    offer: Option<&str>,
    session: &Session,
) -> Result<Option<Receipts>, Problem> {
    let Some(configured) = &config.receipts else { return Ok(None) };
    let path = config.server.state.join("receipts.key");
    let text = kept(&path, session.talk, || {
        let key = SigningKey::from_seed(&configured.log, &keyfile::entropy()?).map_err(|err| {
            Problem::new(format!("`{}` is no name of a log", configured.log))
                .cause(err.to_string())
                .hint("name it as a host and a path, such as `acme.example/receipts`")
        })?;
        Ok(key.encode())
    })?;
    let key = SigningKey::parse(text.trim()).map_err(|err| {
        Problem::new(format!("{} holds no key of a log", path.display())).cause(err.to_string())
    })?;
    let verifier = key.verifier();
    if verifier.name() != configured.log {
        let message =
            format!("{} is the key of `{}`, not of `{}`", path.display(), verifier.name(), configured.log);
        return Err(
            Problem::new(message).hint("a log keeps its name: write that one, or begin another `state`")
        );
    }
    models.extend(configured.models.clone());
    let issuing = Issuing {
        offer: offer.map(|text| Digest::of(text.as_bytes())),
        models,
        now: clock::now,
        entropy: || keyfile::entropy().ok(),
    };
    let folder = config.server.state.join("receipts");
    let receipts = Receipts::open(&folder, key, issuing).map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} cannot be used", folder.display()))
    })?;
    session.talk.note(&format!("receipts are logged by {verifier}"));
    Ok(Some(receipts))
}

/// A failure of the database, in the words a user reads.
pub(super) fn of_store(err: &StoreError, path: &Path) -> Problem {
    let problem = Problem::from_error(err);
    match err {
        StoreError::Unknown(_) => problem.hint("`stillmark gateway key list` names the keys"),
        StoreError::Sqlite(_) | StoreError::Foreign(_) => {
            problem.while_doing(format!("{} cannot be used", path.display()))
        }
    }
}
