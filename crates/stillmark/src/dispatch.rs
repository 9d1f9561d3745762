//! From the words of the command line to the command that carries them out.

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::commands::{
    agreement, benchmark, completions, disclose, distill, explain, gateway, init, key, ledger, man, model,
    quickstart, report, verify, watermark,
};
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
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command(), session),
        Command::Quickstart(args) => quickstart::run(&args, session),
        Command::Distill(args) => distill::run(&args, session),
        Command::Disclose(args) => disclose::run(&args, session),
        Command::Report(args) => report::run(&args, session),
        Command::Verify(args) => verify::run(&args, session),
        Command::Watermark(args) => watermark::run(args, session),
        Command::Benchmark(args) => benchmark::run(args, session),
        Command::Gateway(args) => gateway::run(args, session),
        Command::Ledger(args) => ledger::run(args, session),
    }
}
