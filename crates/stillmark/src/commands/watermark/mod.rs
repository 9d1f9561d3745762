//! `stillmark watermark generate|detect|attribute|key|power|marker`.

mod attribute;
mod detect;
mod generate;
mod key;
mod marker;
mod power;
mod prompts;
mod segmented;
mod texts;
mod told;

use crate::problem::Outcome;
use crate::session::Session;

/// What `watermark` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Answer prompts with a model, marked by a key
    Generate(generate::Args),
    /// Say how sure one can be that texts bear a key's mark
    Detect(detect::Args),
    /// Say which of many keys marked a text
    Attribute(attribute::Args),
    /// Make, show, derive and commit to keys
    Key(key::Args),
    /// Say how many tokens a mark needs
    Power(power::Args),
    /// Hidden markers in text: embed, find and strip them
    Marker(marker::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Generate(args) => generate::run(&args, session),
        Verb::Detect(args) => detect::run(&args, session),
        Verb::Attribute(args) => attribute::run(&args, session),
        Verb::Key(args) => key::run(&args, session),
        Verb::Power(args) => power::run(&args, session),
        Verb::Marker(args) => marker::run(args, session),
    }
}
