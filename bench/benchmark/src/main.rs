//! How fast benchmarks are digested, compared, audited and looked for: one core, CPU time, medians; the page beside says how.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod audit;
mod diff;
mod digest;
mod files;
mod measure;
mod scan;
mod table;

use std::process::ExitCode;

const USAGE: &str = "usage: stillmark-bench-benchmark MODE
  digest FOLDER [--python PYTHON]            MMLU's test part, into its four digests
  audit LOGS [--python PYTHON]               logs of lm-evaluation-harness
  scan BENCHMARKS [--mb N] [--janitor PYTHON] [--datatrove PYTHON]
                                             a made corpus of N MB, against all benchmarks below a folder
  diff FOLDER                                MMLU's test part beside a copy with every row rewritten
PYTHON is an interpreter: of the peers' own environments with lm_eval 0.4.13 or datatrove 0.10.1.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    let done = match words.as_slice() {
        ["digest", folder, ..] => digest::print(folder.as_ref(), option("--python")),
        ["audit", logs, ..] => audit::print(logs.as_ref(), option("--python")),
        ["diff", folder, ..] => diff::print(folder.as_ref()),
        ["scan", folder, ..] => {
            let mb = option("--mb").map_or(Ok(256), str::parse);
            match mb {
                Ok(mb) => scan::print(folder.as_ref(), mb, option("--janitor"), option("--datatrove")),
                Err(_) => Err(USAGE.to_owned()),
            }
        }
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
