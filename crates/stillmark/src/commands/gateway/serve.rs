//! `stillmark gateway serve CONFIG`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stillmark_evidence::Digest;
use stillmark_gateway::config::Upstream as Configured;
use stillmark_gateway::keys::Store;
use stillmark_gateway::serve::{listen, serve};
use stillmark_gateway::{Gateway, Parts, Target, Upstream};

use super::behind::reached;
use super::embedded::Model;
use super::grants::Folder;
use super::limits;
use super::live::{self, Watched};
use super::state;
use crate::clock;
use crate::exit::ExitStatus;
use crate::files;
use crate::interrupt;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `gateway serve` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark gateway serve gateway.toml\n\n\
                  CONFIG: docs/spec/gateway-config.md; what changes in it is in force a second later. It stops at Ctrl-C or\n\
                  SIGTERM: answers that are begun go on for `shutdown_seconds`. Prometheus' metrics are at /metrics, from\n\
                  this machine.")]
pub(crate) struct Args {
    /// The configuration
    #[arg(value_name = "CONFIG")]
    file: PathBuf,
}

/// Keys that others changed are seen after so long at the latest.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Serves until it is stopped.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let config = state::read(&args.file)?;
    let mut store = state::store(&config)?;
    let pepper = state::pepper(&config, session.talk)?;
    let of_store = |err| state::of_store(&err, &config.server.state);
    let ring = store.changed().map_err(of_store)?.unwrap_or_default();
    if ring.count() == 0 && !config.server.open {
        session
            .talk
            .warn("there are no keys yet: `stillmark gateway key new` makes one, which is known at once");
    }
    let mut digests = BTreeMap::new();
    let mut upstreams = Vec::new();
    for configured in &config.upstreams {
        upstreams.push(upstream(configured, &mut digests, session)?);
    }
    let certificate = live::certificate(&config, session)?;
    let offer = config.offer.as_deref().map(files::read_text).transpose()?;
    let receipts = state::receipts(&config, digests, offer.as_deref(), session)?;
    let meter = limits::meter(&config, &pepper, session)?;
    let listeners = listen(config.server.listen, config.server.threads).map_err(|err| {
        Problem::new(format!("cannot listen at {}", config.server.listen))
            .cause(err.to_string())
            .hint("another program may listen there: name another address in `server.listen`")
    })?;
    let mut granted = config.grants.as_ref().map(|configured| Folder::new(&configured.folder));
    interrupt::listen()?;
    let scheme = if certificate.is_some() { "https" } else { "http" };
    session.talk.note(&format!("listening at {scheme}://{}", listeners.address));
    let watched = Watched::new(&args.file, &config);
    let gateway = Gateway::new(Parts {
        config,
        upstreams,
        meter,
        ring,
        pepper,
        receipts,
        offer,
        now_ms: clock::millis,
    });
    if let Some(folder) = &mut granted
        && let Some(grants) = folder.changed(session.talk)?
    {
        gateway.set_grants(grants);
    }
    if let Some(certificate) = certificate {
        gateway.set_certificate(certificate);
    }
    let served = std::thread::scope(|scope| {
        scope.spawn(|| watch(&gateway, store, (watched, granted), session));
        let served = serve(&gateway, listeners);
        // What watches ends with what it watches, whatever ended that.
        gateway.close();
        served
    });
    served.map_err(|err| Problem::new("the gateway ended").cause(err.to_string()))?;
    session.talk.note("every answer that was begun is done");
    Ok(ExitStatus::Done)
}

/// Looks after what changes outside: keys, the configuration, the order to stop, the disk.
fn watch(
    gateway: &Gateway,
    mut store: Store,
    (mut watched, mut granted): (Watched, Option<Folder>),
    session: &Session,
) {
    let talk = session.talk;
    let mut synced = 0;
    while !gateway.is_closing() {
        std::thread::sleep(LOOK_AGAIN / 5);
        if interrupt::requested() {
            gateway.close();
        }
        synced += 1;
        if synced % 5 == 0 {
            match store.changed() {
                Ok(Some(ring)) => gateway.set_keys(ring),
                Ok(None) => {}
                // The keys that are known stay in force.
                Err(err) => talk.warn(&format!("the database of keys cannot be read: {err}")),
            }
        }
        if synced % 20 == 0
            && let Some(folder) = &mut granted
        {
            match folder.changed(talk) {
                Ok(Some(grants)) => gateway.set_grants(grants),
                Ok(None) => {}
                // Those that are known stay in force.
                Err(problem) => talk.problem(&problem),
            }
        }
        if synced % 20 == 0
            && let Err(err) = gateway.meter().sync()
        {
            talk.warn(&format!("the journal of limits is not on the disk: {err}"));
        }
        if synced % 20 == 10 {
            watched.look(gateway, session);
        }
    }
}

/// A server behind; the digests of models of our own go among the others.
fn upstream(
    configured: &Configured,
    digests: &mut BTreeMap<String, Digest>,
    session: &Session,
) -> Result<Upstream, Problem> {
    let target = if let Some(target) = live::target(configured)? {
        target
    } else {
        let path = configured.url.strip_prefix("embedded:").unwrap_or_default();
        let name = configured.models.iter().find(|name| *name != "*").map_or(path, String::as_str);
        let model = Model::load(path, name, session)?;
        digests.extend(configured.models.iter().map(|name| (name.clone(), model.digest())));
        Target::Embedded(Arc::new(model))
    };
    reached(configured, target, session)
}
