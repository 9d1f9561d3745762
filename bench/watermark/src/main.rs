//! Watermarks beside their peers: transformers' and vLLM's own code, one core, CPU time.
//!
//! `stillmark-bench-watermark speed --python PYTHON --vllm DIR` prints the table. Every figure is a process of its own, so
//! that its peak memory is its own too. `PYTHON` needs torch and transformers, DIR is vLLM's wheel, unpacked; without them
//! the peers' columns stay empty.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod measure;

mod figures;

mod lines;
mod table;

use std::process::ExitCode;

const USAGE: &str = "usage: stillmark-bench-watermark speed [--python PYTHON [--vllm DIR]] [--only WORD]
       stillmark-bench-watermark figure NAME";

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
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["speed", rest @ ..] => {
            let peers =
                option(rest, "--python").map(|python| table::Peers { python, vllm: option(rest, "--vllm") });
            table::print(option(rest, "--only").unwrap_or_default(), peers)
        }
        ["figure", name] => figures::print(name),
        _ => Err(USAGE.into()),
    }
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1])
}
