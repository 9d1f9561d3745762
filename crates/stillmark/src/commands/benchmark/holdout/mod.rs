//! `stillmark benchmark holdout commit|reveal|judge`.

mod folder;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stillmark_benchmark::holdout::{self, Line, Secrets};
use stillmark_evidence::holdout::{HoldoutCommitment, HoldoutReveal, path};
use stillmark_evidence::verify::Trust;
use stillmark_evidence::{Digest, Finding, FindingKind, Statement, Subject};

use self::folder::{lines_of, read, seal, unlogged};
use super::contamination::told;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem};
use crate::run::seal::open_log;
use crate::session::Session;
use crate::{keyfile, keys, trust};

/// What `benchmark holdout` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Draw items to hide, and sign what fixes all of them
    Commit(CommitArgs),
    /// Show hidden items, all or some, and sign that they are those
    Reveal(RevealArgs),
    /// Check a reveal, and say whether a model scores better on the public items
    Judge(JudgeArgs),
}

/// What `holdout commit` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark holdout commit items.jsonl --hidden 500 --out holdout --secret hidden.jsonl --log log\n\n\
                  ITEMS: JSON Lines, an item a line. Publish the folder, keep the secret file."
)]
struct CommitArgs {
    /// All items, public and hidden
    items: PathBuf,
    /// How many are hidden
    #[arg(long, value_name = "N")]
    hidden: u64,
    /// The folder that is published; it must not be there yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What opens the commitment, for nobody else; it must not be there yet
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// What the benchmark is called
    #[arg(long, default_value = "holdout")]
    name: String,
    /// Public words that nobody could choose, mixed into the draw: a block's hash, a lottery's numbers
    #[arg(long, value_name = "WORDS")]
    beacon: Option<String>,
    /// Log the commitment here
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

/// What `holdout reveal` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark holdout reveal holdout --secret hidden.jsonl --log log"
)]
struct RevealArgs {
    /// The folder of the commitment
    folder: PathBuf,
    /// What opens it
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Only the hidden item of this place; may be given several times. The draw is shown all the same
    #[arg(long, value_name = "INDEX")]
    item: Vec<u64>,
    /// Log the reveal here
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

/// What `holdout judge` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark holdout judge holdout --scores scores.jsonl\n\n\
                  SCORES: JSON Lines of {index, score}: every public and every revealed item by its place.\n\
                  Exit codes: 0 no evidence; 1 the public items were seen, or the reveal is broken; 3 inconclusive.")]
struct JudgeArgs {
    /// The folder of commitment and reveal
    folder: PathBuf,
    /// The scores of a model
    #[arg(long, value_name = "FILE")]
    scores: PathBuf,
    /// A key that is trusted to sign; may be given several times
    #[arg(long, value_name = "KEY")]
    trust: Vec<PathBuf>,
    /// How often a model that knows no item may be said to
    #[arg(long, default_value_t = 0.01)]
    level: f64,
}

/// The first line of the secret file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    schema: String,
    seed: Digest,
}

const SECRET: &str = "stillmark/holdout-secret/v1";

/// What a broken reveal is answered with.
#[derive(Serialize)]
struct Broken<'a> {
    schema: &'static str,
    verdict: &'static str,
    findings: Vec<Fault<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    code: &'static str,
    subject: &'a str,
    detail: &'a str,
}

/// Runs one of the verbs.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    match &args.verb {
        Verb::Commit(args) => commit(args, session),
        Verb::Reveal(args) => reveal(args, session),
        Verb::Judge(args) => judge(args, session),
    }
}

fn ours(err: &stillmark_benchmark::Error) -> Problem {
    Problem::from_error(err)
}

fn commit(args: &CommitArgs, session: &Session) -> Outcome {
    let items = items(&args.items)?;
    for place in [&args.out, &args.secret] {
        if place.exists() {
            return Err(Problem::new(format!("{} is already there", place.display()))
                .hint("a second commitment would let one choose between two: name another place")
                .into());
        }
    }
    let signer = keys::read_private(&session.settings.key)?;
    let secrets = Secrets { seed: keyfile::entropy()?, salt: keyfile::entropy()? };
    let mut committed = holdout::commit(&args.name, &items, args.hidden, &secrets, args.beacon.as_deref())
        .map_err(|err| ours(&err).hint("hide at least one item, and leave at least one public"))?;
    let mut log = args.log.as_ref().map(|log| open_log(log, &signer)).transpose()?;
    committed.commitment.log = log.as_ref().map(|log| log.verifier().to_string());
    let head = Head { schema: SECRET.to_owned(), seed: Digest::from_bytes(secrets.seed) };
    let mut secret = serde_json::to_vec(&head).map_err(|err| Problem::from_error(&err))?;
    secret.push(b'\n');
    secret.extend(holdout::to_bytes(&committed.hidden).map_err(|err| ours(&err))?);
    // What opens the commitment is on disk before the commitment is public.
    files::write_new(&args.secret, &secret, Secrecy::Private)?;
    files::make_folder(&args.out)?;
    let public = holdout::to_bytes(&committed.public).map_err(|err| ours(&err))?;
    files::write(&args.out.join(path::PUBLIC), &public, Secrecy::Public)?;
    files::write(&args.out.join(path::SIGNER), signer.public().to_pem().as_bytes(), Secrecy::Public)?;
    let subjects = vec![Subject::new(path::PUBLIC, Digest::of(&public))];
    let statement = Statement::new(subjects, committed.commitment);
    seal(&args.out, (path::COMMITMENT, path::COMMITMENT_PROOF), &statement, &signer, log.as_mut())?;
    session.talk.note(&format!(
        "publish {}; keep {}: it alone opens the commitment",
        args.out.display(),
        args.secret.display()
    ));
    let commitment = statement.predicate;
    session.answer(&commitment, || {
        format!(
            "{}   {} items, {} of them hidden   root {}",
            commitment.name, commitment.items, commitment.hidden, commitment.root
        )
    })?;
    Ok(ExitStatus::Done)
}

fn items(place: &Path) -> Result<Vec<Value>, Problem> {
    let text = files::read_text(place)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|err| {
                Problem::new(format!("{} cannot be read", place.display()))
                    .cause(format!("line {}: {err}", number + 1))
                    .hint("items are JSON Lines: one JSON value a line")
            })
        })
        .collect()
}

fn reveal(args: &RevealArgs, session: &Session) -> Outcome {
    let signer = keys::read_private(&session.settings.key)?;
    let own = Trust::of([signer.public().clone()]);
    let refused = |finding: Finding| {
        Problem::from_error(&finding)
            .while_doing(format!("the commitment in {} cannot be opened", args.folder.display()))
            .hint("name the folder of `holdout commit`, with the key that signed it")
    };
    let (commitment, bundle) =
        read::<HoldoutCommitment>(&args.folder, path::COMMITMENT, &own)?.map_err(refused)?;
    let (head, mut lines) = secret(&args.secret)?;
    for index in &args.item {
        if !lines.iter().any(|line| line.index == *index) {
            return Err(Problem::new(format!("item {index} is no hidden one"))
                .hint("leave --item out to reveal them all")
                .into());
        }
    }
    lines.retain(|line| args.item.is_empty() || args.item.contains(&line.index));
    let mut log = args.log.as_ref().map(|log| open_log(log, &signer)).transpose()?;
    let reveal = HoldoutReveal {
        schema: HoldoutReveal::SCHEMA.to_owned(),
        commitment: Digest::of(&bundle),
        seed: head.seed,
        revealed: lines.len() as u64,
        hidden: commitment.hidden,
        log: log.as_ref().map(|log| log.verifier().to_string()),
    };
    let public = lines_of(&args.folder, path::PUBLIC)?;
    if let Some(finding) = holdout::check(&commitment, &reveal, &public, &lines).into_iter().next() {
        return Err(refused(finding).into());
    }
    let bytes = holdout::to_bytes(&lines).map_err(|err| ours(&err))?;
    files::write(&args.folder.join(path::REVEALED), &bytes, Secrecy::Public)?;
    let statement = Statement::new(vec![Subject::new(path::REVEALED, Digest::of(&bytes))], reveal);
    seal(&args.folder, (path::REVEAL, path::REVEAL_PROOF), &statement, &signer, log.as_mut())?;
    let reveal = statement.predicate;
    session.answer(&reveal, || {
        format!("{} of {} hidden items revealed in {}", reveal.revealed, reveal.hidden, args.folder.display())
    })?;
    Ok(ExitStatus::Done)
}

fn secret(place: &Path) -> Result<(Head, Vec<Line>), Problem> {
    let text = files::read_text(place)?;
    let broken = |cause: String| {
        Problem::new(format!("{} opens no commitment", place.display()))
            .cause(cause)
            .hint("name the file that `holdout commit --secret` wrote")
    };
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let head: Head = serde_json::from_str(first).map_err(|err| broken(format!("line 1: {err}")))?;
    if head.schema != SECRET {
        return Err(broken(format!("line 1: `schema` is `{}` and not `{SECRET}`", head.schema)));
    }
    let lines = holdout::parse(rest).map_err(|err| broken(err.to_string()))?;
    Ok((head, lines))
}

fn judge(args: &JudgeArgs, session: &Session) -> Outcome {
    super::contamination::check_level(args.level)?;
    let trust = trust::load(&args.trust, &session.settings.trust)?;
    if args.folder.is_dir() && !args.folder.join(path::REVEAL).exists() {
        return Err(Problem::new(format!("nothing is revealed in {} yet", args.folder.display()))
            .hint("its owner runs `stillmark benchmark holdout reveal` once scores are published")
            .into());
    }
    let (commitment, reveal, revealed) = match opened(&args.folder, &trust)? {
        Ok(opened) => opened,
        Err(findings) => return broken(&findings, session),
    };
    let text = files::read_text(&args.scores)?;
    let odd = |err: stillmark_benchmark::Error| {
        ours(&err)
            .while_doing(format!("{} cannot be judged", args.scores.display()))
            .hint("a line is {\"index\": place of the item, \"score\": number}: every public and every revealed item")
    };
    let scores = holdout::parse_scores(&text).map_err(odd)?;
    let drawn = holdout::split(
        reveal.seed.as_bytes(),
        commitment.beacon.as_deref(),
        commitment.items,
        commitment.hidden,
    );
    let finding = holdout::judge(&commitment, (&revealed, &drawn), &scores, args.level).map_err(odd)?;
    told::answer(&finding, session)
}

type Opened = (HoldoutCommitment, HoldoutReveal, BTreeSet<u64>);

/// Commitment, reveal, and the places of what was revealed, or everything that is wrong with them.
fn opened(folder: &Path, trust: &Trust) -> Result<Result<Opened, Vec<Finding>>, Problem> {
    let both = (
        read::<HoldoutCommitment>(folder, path::COMMITMENT, trust)?,
        read::<HoldoutReveal>(folder, path::REVEAL, trust)?,
    );
    let ((commitment, bundle), (reveal, _)) = match both {
        (Ok(commitment), Ok(reveal)) => (commitment, reveal),
        (Err(finding), _) | (_, Err(finding)) => return Ok(Err(vec![finding])),
    };
    let mut found = Vec::new();
    if reveal.commitment != Digest::of(&bundle) {
        found.push(Finding::new(
            FindingKind::BrokenEdge,
            path::REVEAL,
            "the reveal opens another commitment",
        ));
    }
    for (log, bundle, proof) in [
        (&commitment.log, path::COMMITMENT, path::COMMITMENT_PROOF),
        (&reveal.log, path::REVEAL, path::REVEAL_PROOF),
    ] {
        found.extend(log.as_ref().and_then(|log| unlogged(folder, log, bundle, proof).err()));
    }
    let (public, revealed) = (lines_of(folder, path::PUBLIC)?, lines_of(folder, path::REVEALED)?);
    found.extend(holdout::check(&commitment, &reveal, &public, &revealed));
    if !found.is_empty() {
        return Ok(Err(found));
    }
    Ok(Ok((commitment, reveal, revealed.iter().map(|line| line.index).collect())))
}

fn fault(finding: &Finding) -> Fault<'_> {
    Fault { code: finding.kind.code(), subject: &finding.subject, detail: &finding.detail }
}

fn broken(findings: &[Finding], session: &Session) -> Outcome {
    let is_stranger = findings.iter().all(|finding| finding.kind == FindingKind::UnknownSigner);
    let verdict = if is_stranger { "inconclusive" } else { "fail" };
    let answer = Broken {
        schema: "stillmark/contamination-holdout/v1",
        verdict,
        findings: findings.iter().map(fault).collect(),
    };
    session.answer(&answer, || {
        let told = findings.iter().take(20).map(ToString::to_string);
        std::iter::once(format!("holdout   {verdict}")).chain(told).collect::<Vec<_>>().join("\n  ")
    })?;
    Ok(if is_stranger { ExitStatus::Review } else { ExitStatus::Negative })
}
