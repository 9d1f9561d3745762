//! Files of a model hub's repository, over HTTPS, resumed where they broke off.

use std::path::Path;
use std::time::Duration;

use stillmark_model::catalog::{File, Pin};

use super::download::{self, Start};
use super::store;
use crate::interrupt;
use crate::output::Talk;
use crate::problem::Problem;

/// How long the hub may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(15);

/// A repository at one revision.
pub(super) struct Repository<'a> {
    pub(super) hub: &'a str,
    pub(super) name: &'a str,
    pub(super) revision: &'a str,
}

/// Brings every file into the folder; those that are there whole are not asked for again.
pub(super) fn bring(at: &Repository<'_>, files: &[File], folder: &Path, talk: Talk) -> Result<(), Problem> {
    interrupt::listen()?;
    if let Some(file) = files.iter().find(|file| file.pin == Pin::Unpinned) {
        return Err(Problem::new(format!("the catalog pins no digest of `{}`", file.path)));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .http_status_as_error(false)
        .user_agent(concat!("stillmark/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    for file in files {
        let place = folder.join(store::name(file));
        let sound = place.is_file() && store::is_pinned(file.pin, &store::sha256_of(&place)?);
        if !sound {
            one(&agent, at, file, &place, talk)?;
        }
    }
    Ok(())
}

fn one(
    agent: &ureq::Agent,
    at: &Repository<'_>,
    file: &File,
    place: &Path,
    talk: Talk,
) -> Result<(), Problem> {
    let url = format!("{}/{}/resolve/{}/{}", at.hub, at.name, at.revision, file.path);
    let part = place.with_file_name(format!("{}.part", store::name(file)));
    let have_bytes = std::fs::metadata(&part).map_or(0, |meta| meta.len());
    let mut request = agent.get(&url);
    if 0 < have_bytes {
        request = request.header("range", format!("bytes={have_bytes}-"));
    }
    let response = request
        .call()
        .map_err(|err| Problem::new(format!("{url} cannot be reached")).cause(err.to_string()))?;
    let start = match response.status().as_u16() {
        200 => Start::Fresh,
        206 => Start::Behind(have_bytes),
        // All of it was there already: the digest decides.
        416 => return store::accept(&part, place, file.pin),
        other => return Err(Problem::new(format!("{url} answered {other}"))),
    };
    let bar = talk.bytes_bar(store::name(file), file.size_bytes.unwrap_or_default());
    let mut body = response.into_body();
    download::copy(&mut body.as_reader(), &part, start, &bar)?;
    store::accept(&part, place, file.pin)
}
