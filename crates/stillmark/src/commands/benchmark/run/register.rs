//! The registration of a run in a log, before the first question.

use std::path::Path;

use stillmark_evidence::evaluation::{Model, Registration, path};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::signing::seal_registration;
use stillmark_evidence::verify::{self, Trust};
use stillmark_evidence::{Digest, Statement};
use stillmark_ledger::Log;

use super::jobs::Job;
use crate::clock;
use crate::files::{self, Secrecy};
use crate::problem::Problem;
use crate::run::seal::open_log;

/// A run that was registered.
pub(super) struct Registered {
    pub(super) registration: Registration,
    /// The digest of its bundle.
    pub(super) digest: Digest,
}

/// Whether a run begins, or one that was broken off goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// It begins.
    Anew,
    /// It goes on.
    Resumed,
}

/// Registers a run, or takes the registration of the run that is gone on with.
pub(super) fn register(
    out: &Path,
    (jobs, model): (&[Job], &Model),
    log_dir: &Path,
    key: &PrivateKey,
    start: Start,
) -> Result<Registered, Problem> {
    let tasks = jobs.iter().map(Job::registered).collect::<Result<Vec<_>, _>>()?;
    let spec = Registration::spec_of(&tasks).map_err(|err| Problem::from_error(&err))?;
    if start == Start::Resumed && out.join(path::REGISTRATION).exists() {
        let registered = opened(&out.join(path::REGISTRATION), key)?;
        if registered.registration.spec != spec || registered.registration.model != *model {
            return Err(Problem::new(format!("{} holds a run of another spec or model", out.display()))
                .hint("go on with the same command and `--resume`, or name another folder with `--out`"));
        }
        return Ok(registered);
    }
    let mut log = open_log(log_dir, key)?;
    let registration = Registration {
        spec,
        model: model.clone(),
        tasks,
        registered_on: clock::now(),
        earlier_runs: count(log_dir, &log, key, (spec, model))?,
        log: log.verifier().to_string(),
    };
    let digest = seal_registration(out, registration.clone(), key, &mut log)
        .map_err(|err| Problem::from_error(&err).while_doing("the run could not be registered"))?;
    // The log holds digests only: what was registered stays beside it, so that runs can be counted.
    let beside = log_dir.join(BESIDE);
    files::make_folder(&beside)?;
    let bundle = std::fs::read(out.join(path::REGISTRATION))
        .map_err(|err| files::cannot("read", &out.join(path::REGISTRATION), &err))?;
    files::write(&beside.join(format!("{digest}.sigstore.json")), &bundle, Secrecy::Public)?;
    Ok(Registered { registration, digest })
}

/// Where registrations lie beside a log.
const BESIDE: &str = "registrations";

/// How many runs of a spec and model are registered in a log.
pub(super) fn count(
    log_dir: &Path,
    log: &Log,
    key: &PrivateKey,
    (spec, model): (Digest, &Model),
) -> Result<u64, Problem> {
    let beside = log_dir.join(BESIDE);
    if !beside.is_dir() {
        return Ok(0);
    }
    let entries = std::fs::read_dir(&beside).map_err(|err| files::cannot("read", &beside, &err))?;
    let mut found = 0;
    for entry in entries.flatten() {
        let Ok(registered) = opened(&entry.path(), key) else { continue };
        let is_same = registered.registration.spec == spec && registered.registration.model == *model;
        let is_logged = || log.find(registered.digest.as_bytes());
        let is_logged = is_same && is_logged().map_err(|err| Problem::from_error(&err))?.is_some();
        found += u64::from(is_logged);
    }
    Ok(found)
}

/// A registration that the user's own key signed.
fn opened(path: &Path, key: &PrivateKey) -> Result<Registered, Problem> {
    let bytes = std::fs::read(path).map_err(|err| files::cannot("read", path, &err))?;
    let statement =
        verify::bundle::<Registration>(&bytes, &Trust::of([key.public().clone()])).map_err(|finding| {
            Problem::new(format!("{} is not a registration of yours", path.display()))
                .cause(finding.to_string())
        })?;
    let Statement { predicate, .. } = statement.into_inner();
    Ok(Registered { registration: predicate, digest: Digest::of(&bytes) })
}
