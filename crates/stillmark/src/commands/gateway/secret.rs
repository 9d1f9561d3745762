//! Secrets that a configuration names: of servers behind and beside the gateway.

use std::path::PathBuf;

use crate::environment;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// Where a secret is, and whose it is.
pub(super) struct Named<'a> {
    pub(super) env: &'a Option<String>,
    pub(super) file: &'a Option<PathBuf>,
    pub(super) of: &'a str,
}

/// A secret from where the configuration says that it is.
pub(super) fn secret(named: &Named<'_>, session: &Session) -> Result<Option<String>, Problem> {
    if let Some(name) = named.env {
        let value = environment::variable(name).and_then(|value| value.into_string().ok());
        let value = value.ok_or_else(|| {
            Problem::new(format!("the environment does not set `{name}`"))
                .hint(format!("it holds the secret of {}", named.of))
        })?;
        return Ok(Some(value));
    }
    named.file.as_deref().map(|path| files::read_secret(path, session.talk)).transpose()
}
