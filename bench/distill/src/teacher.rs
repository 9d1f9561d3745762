//! The teacher's two jobs: scoring given text, and answering many prompts at once.

use std::ops::ControlFlow;
use std::path::Path;

use stillmark_kernels::gemm::Precision;
use stillmark_model::gguf::GgufFile;
use stillmark_model::{Decoder, Session, score};

use crate::measure::measured;

fn load(precision: Precision, model: &Path) -> Result<Decoder, String> {
    let file = GgufFile::open(model).map_err(|error| error.to_string())?;
    Decoder::load(file.config(), &file, precision).map_err(|error| error.to_string())
}

fn name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
    }
}

fn token(row: usize, at: usize, vocab_size: usize) -> u32 {
    (100 + (row * 7919 + at * 104_729) % (vocab_size - 200)) as u32
}

/// Top-64 log-probabilities and tail at every position of eight texts of 256 tokens.
pub(crate) fn score(precision: Precision, model: &Path) -> Result<(), String> {
    let decoder = load(precision, model)?;
    let vocab_size = decoder.config().vocab_size;
    let tokens: Vec<u32> = (0..8 * 256).map(|idx| token(idx / 256, idx % 256, vocab_size)).collect();
    let segments: Vec<_> = (0..8).map(|idx| idx * 256..(idx + 1) * 256).collect();
    let mut failed = None;
    let figure = measured("score", name(precision), || {
        let done = score::score(&decoder, &tokens, &segments, 64, &mut |_| ControlFlow::Continue(()));
        failed = done.err().or(failed.take());
        tokens.len()
    });
    finish(&figure, failed)
}

/// 64 new tokens for each of 32 rows with short prompts, all rows in step.
pub(crate) fn generate(precision: Precision, model: &Path) -> Result<(), String> {
    let decoder = load(precision, model)?;
    let vocab_size = decoder.config().vocab_size;
    let prompts: Vec<Vec<u32>> =
        (0..32).map(|row| (0..16).map(|at| token(row, at, vocab_size)).collect()).collect();
    let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    let mut session = Session::new(&decoder);
    let (slots, mut logits) = session.admit(&prompts).map_err(|error| error.to_string())?;
    let mut failed = None;
    let figure = measured("generate", name(precision), || {
        for _ in 0..64 {
            let chosen = logits.chunks_exact(vocab_size).map(likeliest);
            let inputs: Vec<_> = slots.iter().copied().zip(chosen).collect();
            failed = session.step(&inputs, &mut logits).err().or(failed.take());
        }
        64 * slots.len()
    });
    finish(&figure, failed)
}

fn likeliest(logits: &[f32]) -> u32 {
    let top = stillmark_kernels::softmax::max(logits);
    logits.iter().position(|logit| *logit == top).unwrap_or(0) as u32
}

fn finish(figure: &serde_json::Value, failed: Option<stillmark_model::Error>) -> Result<(), String> {
    if let Some(error) = failed {
        return Err(error.to_string());
    }
    println!("{figure}");
    Ok(())
}
