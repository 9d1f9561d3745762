//! The trainer and the teacher beside their peers: PyTorch's step, llama.cpp's prefill and batched decoding.
//!
//! `stillmark-bench-distill table --python PYTHON --model GGUF` prints the table; `memory` prints how the peak memory of a
//! step grows. Every figure is a process of its own, so that its peak memory is its own too. `PYTHON` needs torch,
//! transformers and llama-cpp-python built for this machine:
//! `pip install torch==2.15.0 transformers==5.23.0 llama-cpp-python==0.3.36`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod machine;
mod measure;
mod plot;

mod student;

mod step;
mod teacher;

mod table;

mod lines;
mod memory;

use std::path::Path;
use std::process::ExitCode;

use stillmark_kernels::gemm::Precision;

const USAGE: &str = "usage: stillmark-bench-distill table --python PYTHON --model GGUF [--rounds N]
       stillmark-bench-distill memory [--svg FILE]
       stillmark-bench-distill step f32|bf16
       stillmark-bench-distill score|generate f32|bf16 GGUF
       stillmark-bench-distill memory-point VOCABULARY TOKENS";

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
        ["table", rest @ ..] => print_table(rest),
        ["memory", rest @ ..] => memory::print(option(rest, "--svg").map(Path::new)),
        ["memory-point", vocab_size, tokens] => memory::point(parse_count(vocab_size)?, parse_count(tokens)?),
        ["step", precision] => step::run(parse(precision)?, precision),
        ["score", precision, model] => teacher::score(parse(precision)?, model.as_ref()),
        ["generate", precision, model] => teacher::generate(parse(precision)?, model.as_ref()),
        _ => Err(USAGE.into()),
    }
}

fn parse(word: &str) -> Result<Precision, String> {
    match word {
        "f32" => Ok(Precision::F32),
        "bf16" => Ok(Precision::Bf16),
        _ => Err(format!("`{word}` is no precision: f32 or bf16")),
    }
}

fn parse_count(word: &str) -> Result<usize, String> {
    word.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("`{word}` is no number above 0"))
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1])
}

fn print_table(words: &[&str]) -> Result<(), String> {
    let python = option(words, "--python").ok_or(USAGE)?;
    let model = option(words, "--model").ok_or(USAGE)?;
    let rounds = option(words, "--rounds").map_or(Ok(3), parse_count)?;
    table::print(Path::new(python), rounds, &lines::all(model))
}
