//! The caretaker: everything that is run on the house rather than in it.
//!
//! `cargo xtask test` installs what the tests need, says so, and runs all of them; `cargo xtask tidy`
//! checks the shape of the tree; `cargo xtask bench NAME` runs a side-by-side benchmark; `cargo xtask
//! fuzz` feeds the readers of foreign files with noise. No product crate depends on this one.
#![forbid(unsafe_code)]

mod bench;
mod fuzz;
mod harness;
mod install;
mod model;
mod shell;
mod steps;
mod suite;
mod tidy;

use std::process::ExitCode;

use shell::{Failure, Workspace, say};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--long] [--only STEP]   install what the tests need, then run every check
  tidy                          the shape of the tree: crate graph, module cycles, specs, text
  bench [NAME] [-- ARGS]        a benchmark of bench/, side by side with its peer; no NAME: list them
  fuzz [TARGET] [--seconds N]   feed the readers of foreign files with libFuzzer, 300 s each
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(words: &[String]) -> Result<ExitCode, Failure> {
    let Some((command, rest)) = words.split_first() else {
        say(USAGE.trim_end());
        return Ok(ExitCode::from(2));
    };
    match command.as_str() {
        "test" => Ok(suite::run(&Workspace::find()?, &suite::Options::parse(rest)?)),
        "tidy" => tidy::main(&Workspace::find()?),
        "bench" => bench::run(&Workspace::find()?, rest),
        "fuzz" => fuzz::run(&Workspace::find()?, rest),
        "help" | "--help" | "-h" => {
            say(USAGE.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Failure::Usage(format!("there is no `cargo xtask {other}`; see `cargo xtask help`"))),
    }
}
