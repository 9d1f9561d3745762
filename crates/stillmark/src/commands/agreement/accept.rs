//! `stillmark agreement accept GRANT`: the builder's countersignature, logged.

use std::path::PathBuf;

use serde_json::json;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::consent::{Acceptance, Standing, ending, stem};
use stillmark_evidence::{Digest, Statement, Subject};

use crate::clock;
use crate::consent::{self, Shown};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::keys;
use crate::problem::{Outcome, Problem};
use crate::run::seal::open_log;
use crate::session::Session;

/// What `agreement accept` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark agreement accept nova.sigstore.json\n\n\
                        Signs with your key, logs the signature, and writes both beside the grant; send them to the provider.")]
pub(crate) struct Args {
    /// The grant, as the provider sent it
    grant: PathBuf,
    /// Believe this public key of the provider; may be repeated [default: the keys in ~/.config/stillmark/trusted]
    #[arg(long, value_name = "KEY")]
    trust: Vec<PathBuf>,
    /// Your log of acceptances [default: acceptances, beside your key]
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

/// Countersigns a grant.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let shown = consent::open(&args.grant, &args.trust, session)?;
    let key = keys::read_private(&session.settings.key)?;
    let today = clock::today();
    if let Some((why, hint)) = refusal(&shown, key.public().id(), &today) {
        let what = format!("{} cannot be accepted", args.grant.display());
        return Err(Problem::new(what).cause(why).hint(hint).into());
    }
    let folder = args.log.clone().unwrap_or_else(|| session.settings.key.with_file_name("acceptances"));
    let broke = |err: &(dyn std::error::Error + 'static)| {
        Problem::from_error(err).while_doing("the acceptance could not be signed and logged")
    };
    let mut log = open_log(&folder, &key)?;
    let acceptance = Acceptance {
        accepted_on: today.parse().map_err(|err| Problem::from_error(&err))?,
        log: log.verifier().to_string(),
    };
    let statement = Statement::new(vec![Subject::new("grant", shown.id)], acceptance);
    let bytes =
        Bundle::sign(&statement, &key).and_then(|bundle| bundle.to_bytes()).map_err(|err| broke(&err))?;
    let index = log.append(&[Digest::of(&bytes).as_bytes()]).map_err(|err| broke(&err))?.start;
    let proof = log.prove(index).map_err(|err| broke(&err))?.encode();
    let (signed, logged) = (
        consent::beside(&args.grant, ending::ACCEPTANCE),
        consent::beside(&args.grant, ending::ACCEPTANCE_PROOF),
    );
    files::write(&signed, &bytes, Secrecy::Public)?;
    files::write(&logged, proof.as_bytes(), Secrecy::Public)?;
    let answer = json!({
        "schema": "stillmark/acceptance/v1", "grant": shown.id, "accepted_on": today,
        "acceptance": signed, "proof": logged, "log": folder,
    });
    session.answer(&answer, || {
        format!(
            "grant {} of `{}` accepted\n  signed  {}\n  logged  {} (entry {index} of {})\n\nSend both to the provider, and name the grant in your plan: grant = \"{}\" under [teacher].",
            stem(shown.id), shown.grant.predicate.issuer.name, signed.display(), logged.display(), folder.display(), args.grant.display()
        )
    })?;
    Ok(ExitStatus::Done)
}

/// Why a grant is not one to accept, and what to do about it.
fn refusal(shown: &Shown, own: Digest, today: &str) -> Option<(String, &'static str)> {
    let grant = &shown.grant.predicate;
    if !shown.is_issuer_trusted {
        return Some((
            format!("the key {} of its issuer `{}` is not trusted", shown.issuer, grant.issuer.name),
            "compare the key with what the provider publishes, then name it with --trust, or put it into your trusted folder",
        ));
    }
    if shown.grantee != own {
        return Some((
            format!("it was given to the key {}, yours is {own}", shown.grantee),
            "sign with the key whose public half the provider was given: STILLMARK_KEY names another",
        ));
    }
    match &shown.standing {
        Standing::Revoked { on, .. } => {
            Some((format!("it was taken back from {on} on"), "ask the provider for another"))
        }
        Standing::Accepted { on, is_logged: true } => {
            Some((format!("it was accepted on {on} already"), "nothing more is to be done"))
        }
        Standing::Accepted { .. } | Standing::Offered if grant.until.as_str() < today => {
            Some((format!("it held until {}", grant.until), "ask the provider for another"))
        }
        Standing::Accepted { .. } | Standing::Offered => None,
    }
}
