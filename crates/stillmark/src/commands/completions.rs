//! `stillmark completions SHELL`.

use clap_complete::Shell;

use crate::exit::ExitStatus;
use crate::output;
use crate::problem::Outcome;

/// What `completions` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark completions bash > ~/.local/share/bash-completion/completions/stillmark"
)]
pub(crate) struct Args {
    /// The shell to write for
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "stillmark", &mut script);
    output::bytes(&script)?;
    Ok(ExitStatus::Done)
}
