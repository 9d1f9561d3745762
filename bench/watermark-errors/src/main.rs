//! The error rates of the watermark tests on real text: false alarms, power, attribution.
//!
//! `null` scores unmarked text of six classes under keys that marked nothing, `power` judges marked answers of a real model,
//! `attribution` looks for the one tenant of ten thousand. What takes long is kept under `target/watermark-errors` and made once:
//! answers with what the model expected at each token, and the cells of the null table. Delete the folder to start afresh.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its tables")]

mod options;
mod store;

mod answers;
mod observed;
mod teacher;

mod classes;
mod schemes;

mod cell;
mod null;

mod power;

mod attribution;

mod charts;

use std::process::ExitCode;

use options::Options;

const USAGE: &str = "usage: stillmark-bench-watermark-errors answers|null|power|attribution --model GGUF
           [--shared DIR] [--svg DIR] [--scheme S] [--class C] [--texts N] [--keys K] [--trials N]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let (command, rest) = args.split_first().ok_or(USAGE)?;
    let options = Options::parse(rest)?;
    match command.as_str() {
        "answers" => answers::make_all(&options),
        "null" => null::print(&options),
        "power" => power::print(&options),
        "attribution" => attribution::print(&options),
        _ => Err(USAGE.into()),
    }
}
