//! The limits of a gateway: counted here, or together with other gateways.

use std::time::Duration;

use stillmark_gateway::config::Config;
use stillmark_gateway::keys::Pepper;
use stillmark_gateway::limit::{Server, Shared, Unfit};
use stillmark_gateway::meter::{Meter, Together};

use super::secret::{Named, secret};
use crate::files;
use crate::keyfile;
use crate::problem::Problem;
use crate::session::Session;

/// The meter that a configuration describes.
pub(super) fn meter(config: &Config, pepper: &Pepper, session: &Session) -> Result<Meter, Problem> {
    let journal = config.server.state.join("limits.journal");
    let limits = &config.limits;
    let journaled = limits.shared.is_none().then_some(journal.as_path());
    let meter = Meter::new(limits.key, limits.network, pepper.clone(), journaled)
        .map_err(|err| files::cannot("use", &journal, &err))?;
    let Some(configured) = &limits.shared else { return Ok(meter) };
    let of = "the server of `limits.shared`";
    let named = Named { env: &configured.password_env, file: &configured.password_file, of };
    let password = secret(&named, session)?;
    let process = u64::from_le_bytes(keyfile::entropy()?);
    let server = Server {
        url: &configured.url,
        user: configured.user.as_deref(),
        password: password.as_deref().map(str::trim),
        name: &configured.name,
        timeout: Duration::from_millis(configured.timeout_milliseconds),
        lease: Duration::from_secs(configured.lease_seconds),
    };
    let shared = Shared::new(&server, process).map_err(|err| {
        Problem::new(format!("`limits.shared.url` {} is no address", configured.url)).cause(err.to_string())
    })?;
    match shared.check() {
        Ok(()) => {}
        Err(Unfit::Server(err)) => session.talk.warn(&format!(
            "{} does not answer as it should ({err}): until it does, `limits.shared.on_outage` holds",
            configured.url
        )),
        Err(err @ Unfit::Forgets(_)) => {
            return Err(Problem::new(format!("{}: {err}", configured.url))
                .hint("set `maxmemory-policy noeviction` there: what is forgotten could be taken again"));
        }
    }
    Ok(meter.with(Together::new(shared, configured.on_outage, configured.replicas.unwrap_or(1))))
}
