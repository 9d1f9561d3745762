//! How fast benchmarks are digested and judged: one core, CPU time, medians.
//!
//! `stillmark-bench-benchmark digest FOLDER` reads a folder of CSV files (MMLU's test part) into its four digests, and says how much of the
//! time plain SHA-256 over the same bytes takes on this machine.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod digest;
mod measure;

use std::process::ExitCode;

const USAGE: &str = "usage: stillmark-bench-benchmark digest FOLDER";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["digest", folder] => digest::print(folder.as_ref()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}
