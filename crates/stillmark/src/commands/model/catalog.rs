//! `stillmark model fetch NAME` and `stillmark model list`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_model::catalog as known;

use crate::exit::ExitStatus;
use crate::fetch::{self, Arrival, Fetched, From};
use crate::problem::Outcome;
use crate::session::Session;

/// What `model fetch` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark model fetch smollm2-135m-instruct")]
pub(crate) struct FetchArgs {
    /// A name of `stillmark model list`
    name: String,
    /// Use this source only [default: the cache, then each source in order]
    #[arg(long, value_enum)]
    from: Option<From>,
}

#[derive(Serialize)]
struct FetchAnswer<'a> {
    schema: &'static str,
    name: &'a str,
    path: PathBuf,
    source: String,
    fetched: bool,
    terms: &'a [&'a str],
    files: Vec<FileWire>,
    hands: Vec<String>,
}

#[derive(Serialize)]
struct FileWire {
    name: String,
    sha256: String,
}

/// Fetches a model and says where it lies.
pub(crate) fn fetch(args: &FetchArgs, session: &Session) -> Outcome {
    let entry = super::entry(&args.name)?;
    let Fetched { path, source, arrival, files, hands } =
        fetch::fetch(entry, args.from, &session.settings, session.talk)?;
    let files = files.into_iter().map(|(name, sha256)| FileWire { name, sha256 }).collect();
    let fetched = arrival == Arrival::Fetched;
    let schema = "stillmark/model-fetch/v1";
    let answer =
        FetchAnswer { schema, name: entry.name, path, source, fetched, terms: entry.terms, files, hands };
    session.answer(&answer, || {
        let word = if answer.fetched { "fetched from" } else { "in the cache, from" };
        let mut lines = vec![answer.path.display().to_string(), format!("  {word} the {}", answer.source)];
        lines.push(format!("  terms {}", answer.terms.join(", ")));
        lines.extend(answer.files.iter().map(|file| format!("  sha256 {}  {}", file.sha256, file.name)));
        lines.extend(answer.hands.iter().map(|hand| format!("  {hand}")));
        lines.join("\n")
    })?;
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
struct ListAnswer {
    schema: &'static str,
    models: Vec<Known>,
}

#[derive(Serialize)]
struct Known {
    name: &'static str,
    summary: &'static str,
    terms: &'static [&'static str],
    sources: Vec<String>,
    path: Option<PathBuf>,
}

/// Lists the known models.
pub(crate) fn list(session: &Session) -> Outcome {
    let mut models = Vec::new();
    for entry in known::entries() {
        let path = fetch::in_cache(entry, &session.settings)?.map(|fetched| fetched.path);
        let sources = entry.sources.iter().map(fetch::words).collect();
        models.push(Known { name: entry.name, summary: entry.summary, terms: entry.terms, sources, path });
    }
    let answer = ListAnswer { schema: "stillmark/model-list/v1", models };
    session.answer(&answer, || answer.models.iter().map(told).collect::<Vec<_>>().join("\n"))?;
    Ok(ExitStatus::Done)
}

fn told(known: &Known) -> String {
    let place = match &known.path {
        Some(path) => format!("in the cache: {}", path.display()),
        None => "not in the cache".to_owned(),
    };
    let sources = known.sources.join(", then ");
    format!(
        "{}  {}\n  terms {}\n  from the {sources}\n  {place}",
        known.name,
        known.summary,
        known.terms.join(", ")
    )
}
