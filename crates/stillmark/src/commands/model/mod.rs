//! `stillmark model fetch|list|show|ask|answer`.

mod answer;
mod ask;
mod catalog;
mod show;

use std::path::{Path, PathBuf};

use stillmark_model::catalog as known;

use crate::fetch;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;
use crate::settings;

/// What `model` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Bring a known model into the cache, from the first source that works
    Fetch(catalog::FetchArgs),
    /// The models known by name, and whether they are in the cache
    List,
    /// What a model is: its shape, its numbers, its tokenizer, its license
    Show(show::Args),
    /// Put one question to a model
    Ask(ask::Args),
    /// Answer a question a line, for programs that ask over a pipe
    Answer(answer::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Fetch(args) => catalog::fetch(&args, session),
        Verb::List => catalog::list(session),
        Verb::Show(args) => show::run(&args, session),
        Verb::Ask(args) => ask::run(&args, session),
        Verb::Answer(args) => answer::run(&args, session),
    }
}

/// The path of a model that was named by a path or by its name in the catalog, which is fetched if need be.
pub(crate) fn locate(model: &str, session: &Session) -> Result<PathBuf, Stop> {
    if Path::new(model).exists() {
        return Ok(PathBuf::from(model));
    }
    let entry = entry(model)?;
    Ok(fetch::fetch(entry, None, &session.settings, session.talk)?.path)
}

fn entry(name: &str) -> Result<&'static known::Entry, Problem> {
    known::find(name).ok_or_else(|| {
        let names = known::entries().iter().map(|entry| entry.name);
        let hint = match settings::closest(name, names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`stillmark model list` shows the known names; anything else must be a path".to_owned(),
        };
        Problem::new(format!("`{name}` is neither a path nor the name of a known model")).hint(hint)
    })
}
