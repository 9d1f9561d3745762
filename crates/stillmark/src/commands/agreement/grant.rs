//! `stillmark agreement grant issue|show|revoke`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stillmark_agreement::{Action, Audience, DutyKind, Kind, Pack, Word};
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::consent::{
    Asset, Caps, GivenDuty, Grant, Party, Receipts, Revocation, Standing, ending, stem,
};
use stillmark_evidence::manifest::Terms;
use stillmark_evidence::{Date, Digest, Statement, Subject};
use stillmark_model::Checkpoint;

use crate::clock;
use crate::consent::{self, Shown};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::keys;
use crate::problem::{Outcome, Problem};
use crate::session::Session;
use crate::trust;

/// What `agreement grant` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say yes to one builder: sign what may be done, how much, for whom and until when
    Issue(Box<Issue>),
    /// What a grant says, and whether it was accepted or taken back
    Show(Show),
    /// Take a grant back
    Revoke(Revoke),
}

/// What `agreement grant issue` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark agreement grant issue --to nova.pub.pem --offer distillation.toml \\\n    --permit train-on-outputs,distill-logits --tokens 500000000 --until 2027-06-30 -o nova.sigstore.json"
)]
struct Issue {
    /// The builder's public key
    #[arg(long, value_name = "KEY")]
    to: PathBuf,
    /// What the builder is called [default: the key file's name]
    #[arg(long, value_name = "NAME")]
    to_name: Option<String>,
    /// What you are called
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The offer that the API makes: the grant is about the model it names
    #[arg(long, value_name = "FILE", required_unless_present = "weights")]
    offer: Option<PathBuf>,
    /// The weights that the grant is about: a model's folder or .gguf file
    #[arg(long, value_name = "PATH")]
    weights: Option<PathBuf>,
    /// The model's name [default: the offer's]
    #[arg(long)]
    asset: Option<String>,
    /// The terms it departs from, ids of the terms pack [default: the offer's preset]
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    terms: Vec<String>,
    /// What is permitted, such as train-on-outputs or distill-logits
    #[arg(long, value_name = "ACTION", value_delimiter = ',', required = true, value_parser = word::<Action>)]
    permit: Vec<Action>,
    /// How many tokens of answers and scored texts may be taken
    #[arg(long)]
    tokens: Option<u64>,
    /// How many parameters the student may have
    #[arg(long, value_name = "N")]
    student_parameters: Option<u64>,
    /// The widest audience of the student: private, served or distributed
    #[arg(long, value_parser = word::<Audience>)]
    audience: Option<Audience>,
    /// The first day [default: today]
    #[arg(long, value_name = "DATE")]
    not_before: Option<String>,
    /// The last day
    #[arg(long, value_name = "DATE")]
    until: String,
    /// Something asked for in return, as KIND=TEXT; may be repeated
    #[arg(long, value_name = "KIND=TEXT", value_parser = duty)]
    duty: Vec<GivenDuty>,
    /// Where revocations are published [default: the offer's]
    #[arg(long, value_name = "URL")]
    revocations: Option<String>,
    /// The verifier key of the log of receipts [default: the offer's]
    #[arg(long, value_name = "KEY")]
    receipts: Option<String>,
    /// Where proofs of receipts are fetched [default: /.well-known/stillmark/receipts of the API]
    #[arg(long, value_name = "URL")]
    receipts_url: Option<String>,
    /// Where the grant goes; the name has to end in .sigstore.json
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
}

/// What `agreement grant show` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark agreement grant show nova.sigstore.json")]
struct Show {
    /// The grant
    grant: PathBuf,
    /// Believe this public key alone; may be repeated
    #[arg(long, value_name = "KEY")]
    trust: Vec<PathBuf>,
}

/// What `agreement grant revoke` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark agreement grant revoke nova.sigstore.json --reason \"terms broken\""
)]
struct Revoke {
    /// The grant
    grant: PathBuf,
    /// Why
    #[arg(long)]
    reason: String,
    /// The first day on which it no longer holds [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<String>,
}

fn word<W: Word>(text: &str) -> Result<W, String> {
    W::from_word(text).ok_or_else(|| {
        let known: Vec<&str> = W::ALL.iter().map(|(word, _)| *word).collect();
        format!("no {} of that name; known: {}", W::NOUN, known.join(" "))
    })
}

fn duty(text: &str) -> Result<GivenDuty, String> {
    let (kind, text) = text.split_once('=').ok_or("write it as KIND=TEXT")?;
    let kind = word::<DutyKind>(kind)?.as_str().to_owned();
    if text.trim().is_empty() {
        return Err("the text is blank".to_owned());
    }
    Ok(GivenDuty { kind, text: text.to_owned() })
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Issue(args) => issue(&args, session),
        Verb::Show(args) => {
            let shown = consent::open(&args.grant, &args.trust, session)?;
            answer(&shown, &args.grant, session)
        }
        Verb::Revoke(args) => revoke(&args, session),
    }
}

fn day(text: Option<&str>, flag: &str) -> Result<Date, Problem> {
    let today = clock::today();
    text.unwrap_or(&today).parse().map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("`{flag}` makes no sense"))
            .hint("write the day as 2027-06-30")
    })
}

fn issue(args: &Issue, session: &Session) -> Outcome {
    let named = args.out.to_string_lossy();
    if !named.ends_with(ending::GRANT)
        || named.ends_with(ending::ACCEPTANCE)
        || named.ends_with(ending::REVOCATION)
    {
        return Err(Problem::new(format!("a grant cannot be called {named}"))
            .hint("let the name end in `.sigstore.json`: what the builder signs goes by the same stem")
            .into());
    }
    let key = keys::read_private(&session.settings.key)?;
    let (subject, grant) =
        draft(args, Party::new(args.name.clone().unwrap_or_else(|| "provider".to_owned()), key.public()))?;
    if grant.until < grant.not_before {
        return Err(Problem::new(format!(
            "the grant would end on {} and begin on {}",
            grant.until, grant.not_before
        ))
        .hint("`--until` is the last day, and comes after `--not-before`")
        .into());
    }
    let statement = Statement::new(vec![subject], grant);
    let bytes = Bundle::sign(&statement, &key).and_then(|bundle| bundle.to_bytes());
    files::write_new(&args.out, &bytes.map_err(|err| Problem::from_error(&err))?, Secrecy::Public)?;
    answer(&consent::open(&args.out, &[], session)?, &args.out, session)
}

fn draft(args: &Issue, issuer: Party) -> Result<(Subject, Grant), Problem> {
    let offer = args.offer.as_deref().map(consent::offer).transpose()?;
    let (asset, kind, digest) = about(args, offer.as_ref())?;
    let preset = offer.as_ref().map(|offer| offer.draft.preset.id().to_owned());
    let terms = if args.terms.is_empty() { preset.into_iter().collect() } else { args.terms.clone() };
    if terms.is_empty() {
        return Err(Problem::new("the grant departs from no terms")
            .hint("name them by `--terms`, ids of `stillmark agreement terms list`"));
    }
    let to = trust::read(&args.to)?;
    let to_name = args.to_name.clone().unwrap_or_else(|| stem_of(&args.to));
    let drafted = offer.as_ref().map(|offer| &offer.draft);
    let receipts = args.receipts.clone().or_else(|| drafted.and_then(|draft| draft.receipts.clone()));
    let receipts = receipts.map(|log| Receipts { log, url: args.receipts_url.clone() });
    if receipts.is_some() && kind == "weights" {
        return Err(Problem::new("weights that a builder runs by itself give no receipts")
            .hint("leave the log of receipts out, here and in the offer of weights"));
    }
    if let Some(receipts) = &receipts {
        stillmark_ledger::note::VerifierKey::parse(&receipts.log).map_err(|refusal| {
            Problem::new("`--receipts` is not the key of a log")
                .cause(refusal.to_string())
                .hint("write it as a log names itself: ORIGIN+HASH+KEY")
        })?;
    }
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|err| Problem::new("the system gave no randomness").cause(err.to_string()))?;
    let grant = Grant {
        issuer,
        grantee: Party::new(to_name, &to),
        asset: Asset { name: asset.clone(), kind },
        permits: args.permit.iter().map(|action| action.as_str().to_owned()).collect(),
        caps: Caps {
            tokens: args.tokens,
            student_parameters: args.student_parameters,
            audience: args.audience.map(|audience| audience.as_str().to_owned()),
        },
        duties: args.duty.clone(),
        terms: terms.iter().map(|id| read_terms(id)).collect::<Result<_, _>>()?,
        issued_on: day(None, "today")?,
        not_before: day(args.not_before.as_deref(), "--not-before")?,
        until: day(Some(&args.until), "--until")?,
        revocations: args.revocations.clone().or_else(|| drafted.and_then(|draft| draft.revocations.clone())),
        receipts,
        nonce: Digest::of(&nonce).to_string()[..32].to_owned(),
    };
    Ok((Subject::new(asset, digest), grant))
}

/// The model's name, its kind, and the digest that stands for it: of the weights, or of the offer that an API makes.
fn about(
    args: &Issue,
    offer: Option<&stillmark_agreement::Offer>,
) -> Result<(String, String, Digest), Problem> {
    let offered = offer.map(|offer| offer.draft.asset.clone());
    let asset = args.asset.clone().or_else(|| offered.clone()).ok_or_else(|| {
        Problem::new("the grant is about a model without a name")
            .hint("name it by `--asset`, or by its offer")
    })?;
    if let Some(offered) = offered.filter(|offered| *offered != asset) {
        return Err(Problem::new(format!("the offer is about `{offered}`, not about `{asset}`"))
            .hint("leave `--asset` out, or name the offer of that model"));
    }
    match (&args.weights, offer) {
        (None, Some(offer)) if offer.draft.kind == Kind::Api => Ok((asset, "api".to_owned(), offer.digest())),
        (None, _) => Err(Problem::new("the offer is of weights, and the grant has to say which")
            .hint("name the model's folder or .gguf file by `--weights`, beside the offer")),
        (Some(_), Some(offer)) if offer.draft.kind == Kind::Api => {
            Err(Problem::new("the offer is of an API, and weights are named beside it")
                .hint("leave `--weights` out: the grant is about what the API offers"))
        }
        (Some(path), _) => {
            let digest = Checkpoint::open(path).and_then(|checkpoint| checkpoint.digest());
            let digest =
                digest.map_err(|err| Problem::from_error(&err).while_doing("the weights cannot be read"))?;
            Ok((asset, "weights".to_owned(), digest))
        }
    }
}

fn read_terms(id: &str) -> Result<Terms, Problem> {
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    let entry = pack.get(id).ok_or_else(|| {
        let near =
            pack.nearest(id).map_or("`stillmark agreement terms list` shows all ids".to_owned(), |near| {
                format!("did you mean `{near}`?")
            });
        Problem::new(format!("there are no terms `{id}` in the pack")).hint(near)
    })?;
    Ok(Terms { id: id.to_owned(), digest: entry.digest() })
}

fn stem_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('.').next().unwrap_or_default().to_owned()
}

fn revoke(args: &Revoke, session: &Session) -> Outcome {
    let shown = consent::open(&args.grant, &[], session)?;
    let key = keys::read_private(&session.settings.key)?;
    if shown.issuer != key.public().id() {
        return Err(Problem::new(format!("{} was not issued by your key", args.grant.display()))
            .cause(format!("it is by {}, yours is {}", shown.issuer, key.public().id()))
            .hint("only its issuer takes a grant back; STILLMARK_KEY names another key")
            .into());
    }
    if args.reason.trim().is_empty() {
        return Err(Problem::new("`--reason` is blank")
            .hint("say why, for whoever verifies the builder's folders")
            .into());
    }
    let revocation = Revocation { revoked_on: day(args.on.as_deref(), "--on")?, reason: args.reason.clone() };
    let statement = Statement::new(vec![Subject::new("grant", shown.id)], revocation);
    let bytes = Bundle::sign(&statement, &key).and_then(|bundle| bundle.to_bytes());
    let path = consent::beside(&args.grant, ending::REVOCATION);
    files::write_new(&path, &bytes.map_err(|err| Problem::from_error(&err))?, Secrecy::Public)?;
    if let Some(address) = &shown.grant.predicate.revocations {
        let id = shown.id;
        session.talk.note(&format!("publish {} at {}/{id}", path.display(), address.trim_end_matches('/')));
    }
    answer(&consent::open(&args.grant, &[], session)?, &args.grant, session)
}

/// Where a grant stands, in a word: what is not proven to be logged is not accepted.
fn standing(shown: &Shown) -> &'static str {
    match &shown.standing {
        Standing::Accepted { is_logged: true, .. } => "accepted",
        Standing::Offered | Standing::Accepted { .. } => "offered",
        Standing::Revoked { .. } => "revoked",
    }
}

fn answer(shown: &Shown, path: &Path, session: &Session) -> Outcome {
    let word = standing(shown);
    let grant = serde_json::to_value(&shown.grant.predicate).unwrap_or(Value::Null);
    let answer = json!({
        "schema": "stillmark/grant/v1", "id": shown.id, "path": path, "standing": word, "issuer": shown.issuer,
        "issuer_trusted": shown.is_issuer_trusted, "grantee": shown.grantee, "subject": shown.grant.subject[0].digest.sha256, "grant": grant,
    });
    session.answer(&answer, || told(shown, path, word))?;
    Ok(ExitStatus::Done)
}

fn told(shown: &Shown, path: &Path, word: &str) -> String {
    let grant = &shown.grant.predicate;
    let cap = |value: Option<u64>| value.map_or("no cap".to_owned(), |value| value.to_string());
    let trusted = if shown.is_issuer_trusted { "trusted" } else { "not trusted" };
    let terms: Vec<&str> = grant.terms.iter().map(|terms| terms.id.as_str()).collect();
    let mut lines = vec![
        format!("{}: grant {}, {word}: {}", path.display(), stem(shown.id), shown.standing),
        format!("  from      {} ({}, {trusted})", grant.issuer.name, shown.issuer),
        format!("  to        {} ({})", grant.grantee.name, shown.grantee),
        format!(
            "  about     {} ({}), departing from {}",
            grant.asset.name,
            grant.asset.kind,
            terms.join(", ")
        ),
        format!("  permits   {}", grant.permits.join(", ")),
        format!("  tokens    {}", cap(grant.caps.tokens)),
        format!(
            "  student   {} parameters; audience {}",
            cap(grant.caps.student_parameters),
            grant.caps.audience.as_deref().unwrap_or("any")
        ),
        format!("  holds     {} to {}", grant.not_before, grant.until),
    ];
    lines.extend(grant.duties.iter().map(|duty| format!("  duty      {}: {}", duty.kind, duty.text)));
    if let Some(receipts) = &grant.receipts {
        lines.push(format!("  receipts  {}", receipts.log));
    }
    if word == "offered" {
        lines.push(format!(
            "\nIt counts once the builder has run: stillmark agreement accept {}",
            path.display()
        ));
    }
    lines.join("\n")
}
