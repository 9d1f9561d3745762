//! The trainer and the teacher beside their peers: PyTorch's step, llama.cpp's prefill and batched decoding.
//!
//! `stillmark-bench-distill table --python PYTHON --model GGUF` prints the table; every figure is a process of its own, so
//! that its peak memory is its own too. `PYTHON` needs torch, transformers and llama-cpp-python built for this machine:
//! `pip install torch==2.15.0 transformers==5.23.0 llama-cpp-python==0.3.36`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod measure;
mod step;
mod table;
mod teacher;

use std::path::PathBuf;
use std::process::ExitCode;

use stillmark_kernels::gemm::Precision;

const USAGE: &str = "usage: stillmark-bench-distill table --python PYTHON --model GGUF [--rounds N]
       stillmark-bench-distill score|generate f32|bf16 GGUF
       stillmark-bench-distill step f32|bf16";

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
        ["score", precision, model] => teacher::score(parse(precision)?, model.as_ref()),
        ["step", precision] => step::run(parse(precision)?, precision),
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

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1])
}

fn print_table(words: &[&str]) -> Result<(), String> {
    let python = PathBuf::from(option(words, "--python").ok_or(USAGE)?);
    let model = option(words, "--model").ok_or(USAGE)?;
    let rounds = option(words, "--rounds").map_or(Ok(5), str::parse).map_err(|_| USAGE)?;
    let peers = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let script = |name: &str| peers.join(name).display().to_string();
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let llama = |what: &str| owned(&[&script("peer_llama.py"), what, "--model", model]);
    let torch = |precision: &str| owned(&[&script("peer_step.py"), "--precision", precision]);
    let lines = [
        table::Line {
            name: "training step, f32 / PyTorch f32",
            ours: owned(&["step", "f32"]),
            peer: torch("f32"),
            target: 1.6,
        },
        table::Line {
            name: "training step, bf16 / PyTorch bf16 autocast",
            ours: owned(&["step", "bf16"]),
            peer: torch("bf16"),
            target: 1.8,
        },
        table::Line {
            name: "scoring, top-64 and tail, bf16 / llama.cpp prefill Q4_1",
            ours: owned(&["score", "bf16", model]),
            peer: llama("prefill"),
            target: 1.8,
        },
        table::Line {
            name: "generation, 32 rows, bf16 / llama.cpp Q4_1",
            ours: owned(&["generate", "bf16", model]),
            peer: llama("generate"),
            target: 1.5,
        },
    ];
    table::print(&python, rounds, &lines)
}
