//! The servers behind a gateway, as the configuration describes them.

use std::time::Duration;

use stillmark_gateway::config::Upstream as Configured;
use stillmark_gateway::{Authorization, Target, Upstream};

use super::secret::{Named, secret};
use crate::problem::Problem;
use crate::session::Session;

/// A server behind, where it is known how it is reached.
pub(super) fn reached(
    configured: &Configured,
    target: Target,
    session: &Session,
) -> Result<Upstream, Problem> {
    Ok(Upstream {
        name: configured.name.clone(),
        target,
        models: configured.models.clone(),
        authorization: authorization(configured, session)?,
        on_disconnect: configured.on_disconnect,
        idle: Duration::from_secs(configured.idle_seconds),
        retries: configured.retries,
    })
}

/// The key that a server behind is shown.
fn authorization(configured: &Configured, session: &Session) -> Result<Option<Authorization>, Problem> {
    let of = format!("the upstream `{}`", configured.name);
    let named = Named { env: &configured.key_env, file: &configured.key_file, of: &of };
    let Some(text) = secret(&named, session)? else { return Ok(None) };
    let authorization = Authorization::bearer(text.trim())
        .ok_or_else(|| Problem::new(format!("the key of {of} cannot be sent in a header")))?;
    Ok(Some(authorization))
}
