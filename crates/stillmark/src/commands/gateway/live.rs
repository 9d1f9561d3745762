//! What is read again while the gateway serves: the configuration, the offer, certificates and authorities.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use stillmark_gateway::config::{Config, Upstream as Configured};
use stillmark_gateway::tls::{Certificate, Roots, TlsError};
use stillmark_gateway::{Event, Gateway, Live, Target};

use super::behind::reached;
use super::state;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// When a file was changed, and how long it is; none where it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// The files that are looked at.
#[derive(Debug)]
pub(super) struct Watched {
    file: PathBuf,
    stamps: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    /// Looks at a configuration and the files that it names.
    pub(super) fn new(file: &Path, config: &Config) -> Self {
        let tls = config.server.tls.iter().flat_map(|tls| [&tls.cert, &tls.key]);
        let authorities = config.upstreams.iter().filter_map(|upstream| upstream.ca_file.as_ref());
        let named = tls.chain(authorities).chain(&config.offer).cloned();
        let all = std::iter::once(file.to_owned()).chain(named);
        Self { file: file.to_owned(), stamps: all.map(|path| (path.clone(), stamp(&path))).collect() }
    }

    /// Takes on what changed. What is unsound is told, and what was in force before stays.
    pub(super) fn look(&mut self, gateway: &Gateway, session: &Session) {
        let mut is_changed = false;
        for (path, before) in &mut self.stamps {
            let now = stamp(path);
            is_changed |= now != *before;
            *before = now;
        }
        if !is_changed {
            return;
        }
        let before = gateway.live();
        match renewed(&self.file, &before, session) {
            Ok((live, certificate)) => {
                for word in before.config.bound_to_start(&live.config) {
                    session.talk.warn(&format!("`{word}` changes at the next start, not now"));
                }
                *self = Self::new(&self.file, &live.config);
                if let Some(certificate) = certificate {
                    gateway.set_certificate(certificate);
                }
                gateway.set_live(live);
                gateway.metrics().count(Event::Reloaded);
                session.talk.note(&format!("{} was read again and is in force", self.file.display()));
            }
            Err(problem) => {
                gateway.metrics().count(Event::ReloadFailed);
                session.talk.warn("what changed cannot be used: what was in force before stays");
                session.talk.problem(&problem);
            }
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn renewed(file: &Path, before: &Live, session: &Session) -> Result<(Live, Option<Certificate>), Problem> {
    let config = state::read(file)?;
    let mut upstreams = Vec::new();
    for configured in &config.upstreams {
        let target = match target(configured)? {
            Some(target) => target,
            None => loaded(configured, before)?,
        };
        upstreams.push(reached(configured, target, session)?);
    }
    let offer = config.offer.as_deref().map(files::read_text).transpose()?;
    let certificate = certificate(&config, session)?;
    Ok((Live { config, upstreams, offer }, certificate))
}

/// A model of our own that is loaded already.
fn loaded(configured: &Configured, before: &Live) -> Result<Target, Problem> {
    let mut all = before.config.upstreams.iter().zip(&before.upstreams);
    let same = all.find(|(own, _)| own.url == configured.url && own.models == configured.models);
    same.map(|(_, upstream)| upstream.target.clone()).ok_or_else(|| {
        Problem::new(format!("the upstream `{}` is another model of our own than before", configured.name))
            .hint("such models are loaded at the start alone: start the gateway again")
    })
}

/// Where a server behind is; none for a model of our own.
pub(super) fn target(configured: &Configured) -> Result<Option<Target>, Problem> {
    if configured.url.starts_with("embedded:") {
        return Ok(None);
    }
    if !configured.url.starts_with("https://") {
        return Ok(Some(Target::Http(configured.url.clone())));
    }
    let roots = match &configured.ca_file {
        None => Roots::public().map_err(|err| Problem::from_error(&err))?,
        Some(path) => {
            Roots::private(files::read_text(path)?.as_bytes()).map_err(|err| unusable(path, &err))?
        }
    };
    Ok(Some(Target::Https(configured.url.clone(), roots)))
}

/// The certificate that clients are shown, where there is one.
pub(super) fn certificate(config: &Config, session: &Session) -> Result<Option<Certificate>, Problem> {
    let Some(tls) = &config.server.tls else { return Ok(None) };
    let chain = files::read_text(&tls.cert)?;
    let key = files::read_secret(&tls.key, session.talk)?;
    let certificate = Certificate::new(chain.as_bytes(), key.as_bytes()).map_err(|err| match err {
        TlsError::NoKey => unusable(&tls.key, &err),
        TlsError::NoCertificate | TlsError::Unusable(_) => unusable(&tls.cert, &err),
    })?;
    Ok(Some(certificate))
}

fn unusable(path: &Path, err: &TlsError) -> Problem {
    Problem::from_error(err)
        .while_doing(format!("{} cannot be used", path.display()))
        .hint("`server.tls` and `ca_file` name files in PEM (docs/spec/gateway-config.md)")
}
