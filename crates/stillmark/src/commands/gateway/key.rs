//! `stillmark gateway key new|list|rotate|revoke`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_evidence::Digest;
use stillmark_gateway::keys::{Key, Limits, NewKey};

use super::state;
use crate::clock;
use crate::exit::ExitStatus;
use crate::keyfile;
use crate::problem::Outcome;
use crate::session::Session;

/// What is done with keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Make a key; it is shown this once
    #[command(
        after_help = "Example:\n  stillmark gateway key new gateway.toml --name nova --tokens-per-minute 50000"
    )]
    New(New),
    /// List the keys, without their secrets
    #[command(after_help = "Example:\n  stillmark gateway key list gateway.toml")]
    List {
        /// The configuration of the gateway
        #[arg(value_name = "CONFIG")]
        file: PathBuf,
    },
    /// Give a key a second secret; the first stays good for a while
    #[command(
        after_help = "Example:\n  stillmark gateway key rotate gateway.toml 4fK2mQ9xTb01 --keep-hours 24"
    )]
    Rotate {
        /// The configuration of the gateway
        #[arg(value_name = "CONFIG")]
        file: PathBuf,
        /// The key's public name
        id: String,
        /// How long the secret before stays good
        #[arg(long, default_value_t = 24, value_name = "HOURS")]
        keep_hours: u64,
    },
    /// End a key, within a second
    #[command(after_help = "Example:\n  stillmark gateway key revoke gateway.toml 4fK2mQ9xTb01")]
    Revoke {
        /// The configuration of the gateway
        #[arg(value_name = "CONFIG")]
        file: PathBuf,
        /// The key's public name
        id: String,
    },
}

/// What `key new` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The configuration of the gateway
    #[arg(value_name = "CONFIG")]
    file: PathBuf,
    /// What people call it
    #[arg(long)]
    name: String,
    /// Its owner: the id of the key they sign with
    #[arg(long, value_name = "KEYID")]
    tenant: Option<Digest>,
    /// The grant that it takes under
    #[arg(long, value_name = "DIGEST")]
    grant: Option<Digest>,
    /// Requests in a minute
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    /// Requests in a day
    #[arg(long, value_name = "N")]
    requests_per_day: Option<u64>,
    /// Tokens in a minute, of prompts and answers
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u64>,
    /// Tokens in a day
    #[arg(long, value_name = "N")]
    tokens_per_day: Option<u64>,
    /// Tokens of answers for ever
    #[arg(long, value_name = "N")]
    answer_tokens: Option<u64>,
    /// Requests at once
    #[arg(long, value_name = "N")]
    concurrent: Option<u64>,
    /// Give out log-probabilities as they are, and what else tells of the inside of a model
    #[arg(long)]
    trusted: bool,
}

#[derive(Serialize)]
struct Made {
    schema: &'static str,
    id: String,
    key: String,
}

#[derive(Serialize)]
struct Listed {
    schema: &'static str,
    keys: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    tenant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    limits: Limits,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

/// Carries out a verb.
pub(super) fn run(verb: Verb, session: &Session) -> Outcome {
    match verb {
        Verb::New(args) => new(&args, session),
        Verb::List { file } => list(&file, session),
        Verb::Rotate { file, id, keep_hours } => rotate(&file, &id, keep_hours, session),
        Verb::Revoke { file, id } => revoke(&file, &id, session),
    }
}

fn new(args: &New, session: &Session) -> Outcome {
    let config = state::read(&args.file)?;
    let (store, pepper) = (state::store(&config)?, state::pepper(&config, session.talk)?);
    let limits = Limits {
        requests_per_minute: args.requests_per_minute,
        requests_per_day: args.requests_per_day,
        tokens_per_minute: args.tokens_per_minute,
        tokens_per_day: args.tokens_per_day,
        answer_tokens_ever: args.answer_tokens,
        concurrent: args.concurrent,
        trusted: args.trusted.then_some(true),
    };
    let key = NewKey { name: args.name.clone(), tenant: args.tenant, grant: args.grant, limits };
    let (secret, id) = store
        .add(&key, &pepper, &keyfile::entropy()?, clock::millis())
        .map_err(|err| state::of_store(&err, &config.server.state))?;
    session.talk.note("this is the only time the key is shown");
    shown(id, secret.reveal(), session)
}

fn rotate(file: &std::path::Path, id: &str, keep_hours: u64, session: &Session) -> Outcome {
    let config = state::read(file)?;
    let (store, pepper) = (state::store(&config)?, state::pepper(&config, session.talk)?);
    let now = clock::millis();
    let until = now.saturating_add(keep_hours.saturating_mul(3_600_000)).min(i64::MAX as u64);
    let secret = store
        .rotate(id, &pepper, &keyfile::entropy()?, [now, until])
        .map_err(|err| state::of_store(&err, &config.server.state))?;
    session.talk.note(&format!("the secret before stays good for {keep_hours} hours"));
    shown(id.to_owned(), secret.reveal(), session)
}

fn shown(id: String, key: &str, session: &Session) -> Outcome {
    let answer = Made { schema: "stillmark/gateway-key/v1", id, key: key.to_owned() };
    session.answer(&answer, || answer.key.clone())?;
    Ok(ExitStatus::Done)
}

fn revoke(file: &std::path::Path, id: &str, session: &Session) -> Outcome {
    let config = state::read(file)?;
    let store = state::store(&config)?;
    store.revoke(id, clock::millis()).map_err(|err| state::of_store(&err, &config.server.state))?;
    session.talk.note(&format!("{id} is revoked: gateways on this state refuse it within a second"));
    list_of(&store, &config, session)
}

fn list(file: &std::path::Path, session: &Session) -> Outcome {
    let config = state::read(file)?;
    list_of(&state::store(&config)?, &config, session)
}

fn list_of(
    store: &stillmark_gateway::keys::Store,
    config: &stillmark_gateway::config::Config,
    session: &Session,
) -> Outcome {
    let keys = store.keys().map_err(|err| state::of_store(&err, &config.server.state))?;
    let line = |key: Key| Line {
        id: key.id,
        name: key.name,
        tenant: key.tenant.to_string(),
        grant: key.grant.map(|grant| grant.to_string()),
        limits: key.limits,
        created: clock::of_millis(key.created_ms),
        revoked: key.revoked_ms.map(clock::of_millis),
    };
    let answer = Listed { schema: "stillmark/gateway-keys/v1", keys: keys.into_iter().map(line).collect() };
    session.answer(&answer, || {
        let line = |key: &Line| {
            let state = key.revoked.as_ref().map_or("live".to_owned(), |when| format!("revoked {when}"));
            format!("{}  {}  {state}  {}", key.id, key.created, key.name)
        };
        let lines: Vec<String> = answer.keys.iter().map(line).collect();
        if lines.is_empty() { "no keys".to_owned() } else { lines.join("\n") }
    })?;
    Ok(ExitStatus::Done)
}
