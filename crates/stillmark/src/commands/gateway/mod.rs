//! `stillmark gateway serve|check|key`.

mod behind;
mod embedded;
mod grants;
mod key;
mod limits;
mod live;
mod secret;
mod serve;
mod state;

use std::path::PathBuf;

use serde::Serialize;
use stillmark_gateway::config::Config;

use crate::exit::ExitStatus;
use crate::problem::Outcome;
use crate::session::Session;

/// What `gateway` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Answer OpenAI's API in front of the servers that the configuration names
    Serve(serve::Args),
    /// Read the configuration and say what it comes to
    #[command(after_help = "Example:\n  stillmark gateway check gateway.toml")]
    Check {
        /// The configuration
        #[arg(value_name = "CONFIG")]
        file: PathBuf,
    },
    /// Make, list, rotate and revoke the keys that requests bring
    #[command(subcommand)]
    Key(key::Verb),
}

/// Carries out a verb.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Serve(args) => serve::run(&args, session),
        Verb::Check { file } => check(&file, session),
        Verb::Key(verb) => key::run(verb, session),
    }
}

#[derive(Serialize)]
struct Checked {
    schema: &'static str,
    listen: String,
    state: PathBuf,
    upstreams: Vec<Behind>,
    open: bool,
}

#[derive(Serialize)]
struct Behind {
    name: String,
    url: String,
    models: Vec<String>,
}

fn check(path: &std::path::Path, session: &Session) -> Outcome {
    let config: Config = state::read(path)?;
    let behind = |upstream: &stillmark_gateway::config::Upstream| Behind {
        name: upstream.name.clone(),
        url: upstream.url.clone(),
        models: upstream.models.clone(),
    };
    let answer = Checked {
        schema: "stillmark/gateway-check/v1",
        listen: config.server.listen.to_string(),
        state: config.server.state.clone(),
        upstreams: config.upstreams.iter().map(behind).collect(),
        open: config.server.open,
    };
    session.answer(&answer, || {
        let each = answer
            .upstreams
            .iter()
            .map(|one| format!("\n  {}  {}  {}", one.name, one.url, one.models.join(", ")));
        let door =
            if answer.open { "requests without a key are let in" } else { "every request needs a key" };
        format!(
            "{} is sound\nlistens at {}, {door}\nbehind it:{}",
            path.display(),
            answer.listen,
            each.collect::<String>()
        )
    })?;
    Ok(ExitStatus::Done)
}
