//! The configuration's file, and the folder where a gateway keeps keys and limits.

use std::path::Path;

use stillmark_gateway::config::{Config, ConfigError};
use stillmark_gateway::keys::{Pepper, Store, StoreError};

use crate::files::{self, Secrecy};
use crate::keyfile;
use crate::problem::Problem;

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
pub(super) fn pepper(config: &Config, talk: crate::output::Talk) -> Result<Pepper, Problem> {
    files::make_folder(&config.server.state)?;
    let path = config.server.state.join("pepper");
    if !path.exists() {
        files::write_new(&path, keyfile::hex(keyfile::entropy()?).as_bytes(), Secrecy::Private)?;
    }
    let text = files::read_secret(&path, talk)?;
    let bytes = text.trim().parse::<stillmark_evidence::Digest>().map_err(|_| {
        Problem::new(format!("{} does not hold 64 hexadecimal digits", path.display()))
            .hint("take it from a backup: without it no key that was given out is known")
    })?;
    Ok(Pepper::new(*bytes.as_bytes()))
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
