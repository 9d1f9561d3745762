//! `stillmark agreement new`: an offer under one of the four presets.

use std::path::PathBuf;

use serde_json::json;
use stillmark_agreement::{Draft, Kind, Offer, Preset, Word as _};

use crate::clock;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `agreement new` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark agreement new --preset odp-ask --asset acme/tern-large --ask https://acme.example/grants\n\n\
                        odp-free: no conditions; odp-by: attribute and disclose; odp-sa: share alike; odp-ask: consent needed."
)]
pub(crate) struct Args {
    /// odp-free, odp-by, odp-sa or odp-ask
    #[arg(long, value_parser = preset)]
    preset: Preset,
    /// The name by which the model is asked for
    #[arg(long)]
    asset: String,
    /// weights or api [default: api for odp-ask, else weights]
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// Who offers
    #[arg(long)]
    provider: Option<String>,
    /// Where to ask for a grant
    #[arg(long, value_name = "ADDRESS")]
    ask: Option<String>,
    /// Where revocations of grants are published
    #[arg(long, value_name = "URL")]
    revocations: Option<String>,
    /// The verifier key of the log in which receipts are kept
    #[arg(long, value_name = "KEY")]
    receipts: Option<String>,
    /// Where the offer goes; the text for people is put beside it
    #[arg(short, long, value_name = "FILE", default_value = "distillation.toml")]
    out: PathBuf,
}

fn preset(text: &str) -> Result<Preset, String> {
    Preset::from_word(text).ok_or_else(|| "the presets are odp-free, odp-by, odp-sa and odp-ask".to_owned())
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = Kind::from_word(text).filter(|kind| matches!(kind, Kind::Weights | Kind::Api));
    known.ok_or_else(|| "an offer is about weights or an api".to_owned())
}

/// Writes the offer and its text.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let default = if args.preset == Preset::Ask { Kind::Api } else { Kind::Weights };
    let draft = Draft {
        preset: args.preset,
        asset: args.asset.clone(),
        kind: args.kind.unwrap_or(default),
        provider: args.provider.clone(),
        ask: args.ask.clone(),
        revocations: args.revocations.clone(),
        receipts: args.receipts.clone(),
        offered_on: clock::today().parse().map_err(|err| Problem::from_error(&err))?,
    };
    let text = draft.render();
    let offer = Offer::parse(&text).map_err(|err| {
        Problem::from_error(&err)
            .while_doing("what was asked for makes no sound offer")
            .hint("no value may be blank")
    })?;
    let words = args.out.with_file_name(format!("{}.md", args.preset.id()));
    if let Some(folder) = args.out.parent() {
        files::make_folder(folder)?;
    }
    files::write_new(&args.out, text.as_bytes(), Secrecy::Public)?;
    files::write(&words, args.preset.text().as_bytes(), Secrecy::Public)?;
    let answer = json!({
        "schema": "stillmark/offer/v1",
        "preset": args.preset.id(),
        "asset": args.asset,
        "path": args.out,
        "text": words,
        "sha256": offer.digest(),
    });
    session.answer(&answer, || {
        format!(
            "{}: {} offered under {} (DRAFT, reviewed by no lawyer)\n  for people  {}\n  sha256      {}\n\nPut both at the model's root, or serve the first at /.well-known/distillation.toml.",
            args.out.display(), args.asset, args.preset.id(), words.display(), offer.digest()
        )
    })?;
    Ok(ExitStatus::Done)
}
