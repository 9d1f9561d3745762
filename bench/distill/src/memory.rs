//! The memory curve: how the peak of a training step grows with the tokens of a step, and with the vocabulary.
//!
//! Each point is a process of its own that makes one step and reports its largest resident set. The logits of a step
//! (tokens times vocabulary floats) never exist at once, so the curve has no term in their product.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use stillmark_kernels::gemm::Precision;

use crate::machine;
use crate::measure::peak_mb;
use crate::plot::{Panel, Point, Series, page};
use crate::student::Task;
use crate::table::{number, run};

const LENGTH: usize = 4096;
const VOCABULARY: usize = 128_256;
/// Tokens a step, at [`VOCABULARY`].
const TOKENS: [usize; 5] = [1024, 2048, 4096, 8192, 16_384];
/// Vocabularies, at [`LENGTH`] tokens a step.
const VOCABULARIES: [usize; 5] = [16_000, 32_000, 64_000, 128_256, 256_512];

/// A narrow student: what is looked for is the memory of the logits.
fn task(vocab_size: usize, tokens: usize) -> Task {
    let length = tokens.min(LENGTH);
    Task { vocab_size, width: 128, layers: 2, heads: 4, feed_forward: 384, rows: tokens / length, length }
}

/// Makes one step and prints the largest resident set.
pub(crate) fn point(vocab_size: usize, tokens: usize) -> Result<(), String> {
    let task = task(vocab_size, tokens);
    let mut trainer = task.trainer(Precision::F32)?;
    trainer.step(&[task.batch()], None).map_err(|error| error.to_string())?;
    println!(
        "{}",
        json!({ "what": "memory", "vocab_size": vocab_size, "tokens": tokens, "peak_mb": peak_mb() })
    );
    Ok(())
}

/// One measured point.
#[derive(Clone, Copy, Debug)]
struct Measured {
    vocab_size: usize,
    tokens: usize,
    peak_mb: f64,
}

impl Measured {
    fn of(vocab_size: usize, tokens: usize) -> Result<Self, String> {
        let exe = std::env::current_exe().map_err(|error| error.to_string())?;
        let words = [vocab_size.to_string(), tokens.to_string()];
        let figure = run(Command::new(exe).arg("memory-point").args(words))?;
        Ok(Self { vocab_size, tokens, peak_mb: number(&figure, "peak_mb") })
    }

    /// The weights, their gradient and two moments.
    fn state_mb(&self) -> f64 {
        mb(4 * 4 * task(self.vocab_size, self.tokens).parameters())
    }

    /// What the logits of a step would take if they were kept, without their gradient.
    fn logits_mb(&self) -> f64 {
        mb(4 * self.vocab_size * self.tokens)
    }
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

/// Prints the table and writes the plot.
pub(crate) fn print(svg: Option<&Path>) -> Result<(), String> {
    println!("machine: {}\n", machine::describe());
    println!(
        "| vocabulary | tokens a step | peak memory | of it weights, gradient, moments | the rest | logits of the step, if kept |"
    );
    println!("|---|---|---|---|---|---|");
    let over_tokens = measure(TOKENS.map(|tokens| (VOCABULARY, tokens)))?;
    let over_vocabularies = measure(VOCABULARIES.map(|vocab_size| (vocab_size, LENGTH)))?;
    for (name, curve, x) in [
        ("token", &over_tokens, (|point| point.tokens) as fn(&Measured) -> usize),
        ("token of the vocabulary", &over_vocabularies, |point| point.vocab_size),
    ] {
        let (first, last) = (curve[0], curve[curve.len() - 1]);
        let steps = (x(&last) - x(&first)) as f64;
        let slope = |of: &dyn Fn(&Measured) -> f64| (of(&last) - of(&first)) * 1024.0 / steps;
        println!(
            "\neach further {name}: {:.1} KiB without the weights and their like; kept logits would take {:.1} KiB",
            slope(&|point| point.peak_mb - point.state_mb()),
            slope(&Measured::logits_mb),
        );
    }
    let Some(path) = svg else { return Ok(()) };
    let panels = [
        panel("tokens a step, at vocabulary 128,256", &over_tokens, |point| point.tokens),
        panel("vocabulary, at 4,096 tokens a step", &over_vocabularies, |point| point.vocab_size),
    ];
    std::fs::write(path, page("Peak memory of a training step, MB", &panels))
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn measure<const N: usize>(points: [(usize, usize); N]) -> Result<Vec<Measured>, String> {
    let mut curve = Vec::new();
    for (vocab_size, tokens) in points {
        let point = Measured::of(vocab_size, tokens)?;
        println!(
            "| {vocab_size} | {tokens} | {:.0} MB | {:.0} MB | {:.0} MB | {:.0} MB |",
            point.peak_mb,
            point.state_mb(),
            point.peak_mb - point.state_mb(),
            point.logits_mb(),
        );
        curve.push(point);
    }
    Ok(curve)
}

fn panel(title: &'static str, curve: &[Measured], x: fn(&Measured) -> usize) -> Panel {
    let series = |name, color, y: &dyn Fn(&Measured) -> f64| Series {
        name,
        color,
        points: curve.iter().map(|point| Point { x: x(point) as f64, y: y(point) }).collect(),
    };
    Panel {
        title,
        series: vec![
            series("peak, measured", "#0b6e4f", &|point| point.peak_mb),
            series("weights, gradient, moments", "#7a869a", &Measured::state_mb),
            series("the same and all logits", "#c1440e", &|point| point.state_mb() + point.logits_mb()),
        ],
    }
}
