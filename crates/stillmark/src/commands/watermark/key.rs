//! `stillmark watermark key new|show|tenant|commit`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use stillmark_ledger::Log;
use stillmark_watermark::Key;
use stillmark_watermark::key::Tenant;

use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::keyfile::{self, Opening};
use crate::keys;
use crate::problem::{Outcome, Problem, Stop};
use crate::run::seal::open_log;
use crate::session::Session;

/// What `watermark key` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a watermark key
    New(NewArgs),
    /// Show what may be told of a key: everything but the secret
    Show {
        /// A key file
        file: PathBuf,
    },
    /// Make the key of a tenant from a master key
    Tenant(TenantArgs),
    /// Commit to a key before it is used: log a digest that shows nothing of it
    Commit(CommitArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark watermark key new --scheme vllm-philox --out marks.toml\n\n\
                        Schemes that mark: vllm-philox, vllm-philox-dual, stillmark-gumbel, kgw-transformers,\n\
                        kgw-lm-watermarking, synthid-transformers, best-of-n. Only detected: synthid-deepmind,\n\
                        synthid-vllm, sglang-gumbel, textseal-gumbel, textseal-gumbel-dual, textseal-greenlist,\n\
                        sbw, three-bricks-maryland, three-bricks-openai.")]
struct NewArgs {
    /// The exact public variant
    #[arg(long, value_name = "NAME")]
    scheme: String,
    /// A parameter of the scheme, such as `context_width=2` or `vocab_size=49152`; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// Where the key goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark watermark key tenant marks.toml --tenant t-0042 --epoch 2026-11 --model tern-8b --out keys/t-0042.toml"
)]
struct TenantArgs {
    /// The master key
    master: PathBuf,
    /// The tenant's public, pseudonymous id
    #[arg(long)]
    tenant: String,
    /// The period for which the key holds
    #[arg(long)]
    epoch: String,
    /// The model that is marked with it
    #[arg(long)]
    model: String,
    /// Where the key goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark watermark key commit marks.toml --log log\n\n\
                        A key that was logged before a text was made cannot have been picked to fit it.")]
struct CommitArgs {
    /// The key file
    file: PathBuf,
    /// The folder of the log, made if it is not there; signed with the key of `stillmark key new`
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    path: PathBuf,
    scheme: String,
    reference: String,
    parameters: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
}

/// Makes, shows, derives or commits.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    match &args.verb {
        Verb::New(args) => new(args, session)?,
        Verb::Show { file } => {
            let key = keyfile::read(file, None, session)?;
            answer(file, &key, session)?;
        }
        Verb::Tenant(args) => tenant(args, session)?,
        Verb::Commit(args) => commit(args, session)?,
    }
    Ok(ExitStatus::Done)
}

fn new(args: &NewArgs, session: &Session) -> Result<(), Stop> {
    let parameters = parameters(&args.parameters)?;
    let made = Key::generate(&args.scheme, &parameters, &keyfile::entropy()?);
    let key = made.map_err(|err| keyfile::of_key(&err, format!("no key of `{}` was made", args.scheme)))?;
    write(&args.out, &key)?;
    session.talk.note(&format!(
        "{} is secret: whoever has it can find these marks, forge and remove them",
        args.out.display()
    ));
    answer(&args.out, &key, session)
}

/// Parameters given as NAME=VALUE, as TOML; what is no value of TOML is a string.
pub(super) fn parameters(pairs: &[String]) -> Result<String, Problem> {
    let line = |pair: &String| {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Problem::new(format!("`--set {pair}` makes no sense")).hint("write NAME=VALUE"));
        };
        let is_value = format!("value = {value}").parse::<toml::Table>().is_ok();
        Ok(if is_value { format!("{name} = {value}\n") } else { format!("{name} = \"{value}\"\n") })
    };
    pairs.iter().map(line).collect()
}

fn tenant(args: &TenantArgs, session: &Session) -> Result<(), Stop> {
    let master = keyfile::read(&args.master, None, session)?;
    let tenant = Tenant { id: &args.tenant, epoch: &args.epoch, model: &args.model };
    let key = master.tenant(&tenant);
    write(&args.out, &key)?;
    answer(&args.out, &key, session)
}

fn write(path: &Path, key: &Key) -> Result<(), Problem> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    files::write_new(path, key.to_toml().as_bytes(), Secrecy::Private)
}

fn commit(args: &CommitArgs, session: &Session) -> Result<(), Stop> {
    let key = keyfile::read(&args.file, None, session)?;
    let salt = keyfile::entropy()?;
    let digest = key.commitment(&salt);
    let mut opening = Opening {
        schema: keyfile::COMMITMENT.to_owned(),
        commitment: keyfile::hex(digest),
        salt: keyfile::hex(salt),
        scheme: key.scheme().name().to_owned(),
        log: None,
        index: None,
    };
    let place = keyfile::commitment_path(&args.file);
    if place.exists() {
        return Err(Problem::new(format!("{} is already there", place.display()))
            .hint("this key is committed to; a second commitment would let one choose between two")
            .into());
    }
    if let Some(folder) = &args.log {
        let signer = keys::read_private(&session.settings.key)?;
        let mut log = open_log(folder, &signer)?;
        opening.log = Some(log.verifier().to_string());
        // The opening is on disk before its digest is public: a commitment that nobody can open is worth nothing.
        store(&place, &opening)?;
        opening.index = Some(appended(&mut log, &digest)?);
    }
    store(&place, &opening)?;
    session.talk.note(&format!("{} opens the commitment: keep it with the key", place.display()));
    answer(&args.file, &key, session)
}

fn store(place: &Path, opening: &Opening) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(opening)
        .map_err(|err| Problem::new("the commitment could not be written").cause(err.to_string()))?;
    files::write(place, (text + "\n").as_bytes(), Secrecy::Private)
}

fn appended(log: &mut Log, digest: &[u8]) -> Result<u64, Problem> {
    let failed = |err: stillmark_ledger::Error| {
        Problem::from_error(&err).while_doing("the commitment could not be logged")
    };
    Ok(log.append(&[digest]).map_err(failed)?.start)
}

fn answer(path: &Path, key: &Key, session: &Session) -> Result<(), Stop> {
    let opening = keyfile::commitment(path, key)?;
    let (log, index) = opening.as_ref().map_or((None, None), |found| (found.log.clone(), found.index));
    let answer = Answer {
        schema: "stillmark/watermark-key/v1",
        path: path.to_owned(),
        scheme: key.scheme().name().to_owned(),
        reference: key.scheme().reference().to_owned(),
        parameters: key.parameters(),
        commitment: opening.map(|found| found.commitment),
        log,
        index,
    };
    session.answer(&answer, || told(&answer))
}

fn told(answer: &Answer) -> String {
    let mut lines = vec![format!("{}  {}", answer.scheme, answer.path.display())];
    lines.push(format!("  scores as {}", answer.reference));
    lines.extend(answer.parameters.iter().map(|(name, value)| format!("  {name} = {value}")));
    match (&answer.commitment, answer.index) {
        (Some(commitment), Some(index)) => {
            lines.push(format!("  committed to as {commitment}, entry {index} of a log"));
        }
        (Some(commitment), None) => lines.push(format!("  committed to as {commitment}, not logged")),
        (None, _) => lines.push("  not committed to: `stillmark watermark key commit` does that".to_owned()),
    }
    lines.join("\n")
}
