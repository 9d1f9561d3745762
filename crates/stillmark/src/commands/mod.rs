//! One file a command: what it takes, and what it does.

pub(crate) mod agreement;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod man;
pub(crate) mod model;
pub(crate) mod verify;

use crate::cli::Command;
use crate::problem::Outcome;
use crate::session::Session;

/// Runs a command.
pub(crate) fn run(command: Command, session: &Session) -> Outcome {
    match command {
        Command::Init(args) => init::run(&args, session),
        Command::Agreement(args) => agreement::run(args, session),
        Command::Model(args) => model::run(args, session),
        Command::Key(args) => key::run(args, session),
        Command::Explain(args) => explain::run(&args, session),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args, session),
        Command::Verify(args) => verify::run(&args, session),
    }
}
