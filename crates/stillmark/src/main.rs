//! The front door: the command line, files, the clock, the network's edge, rendering and exit codes.
//!
//! `main` reads the words, `cli` says what they may be, `commands` holds one file a command. Everything
//! that decides lives in the library crates below; what touches the world lives here.
#![forbid(unsafe_code)]

mod advice;
mod beside;
mod cli;
mod clock;
mod commands;
mod consent;
mod dispatch;
mod drawing;
mod environment;
mod exit;
mod fetch;
mod files;
mod interrupt;
mod keyfile;
mod keys;
mod lawful;
mod mark;
mod misstep;
mod output;
mod panics;
mod problem;
mod rejudge;
mod run;
mod sandbox;
mod session;
mod settings;
mod trust;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use crate::exit::ExitStatus;
use crate::output::Talk;
use crate::problem::Stop;

fn main() -> ExitCode {
    panics::report();
    // A panic was already reported by the hook; what is left is its exit code.
    let status = catch_unwind(AssertUnwindSafe(run)).unwrap_or(ExitStatus::Failed);
    status.into()
}

/// Reads the command line, runs it, and says on stderr what went wrong.
fn run() -> ExitStatus {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => return misstep::answer(&err),
    };
    match session::open(&cli.shared).and_then(|session| dispatch::run(cli.command, &session)) {
        Ok(status) => status,
        Err(Stop::ListenerGone) => ExitStatus::Done,
        Err(Stop::Problem(problem)) => {
            Talk::plain().problem(&problem);
            problem.status
        }
    }
}
