//! How long the provenance of many models takes: its signed evidence verified, and a provenance file of the same shape judged.
//!
//! `cargo run --release -p stillmark-bench-provenance [MODELS]`
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod graph;
mod judged;
mod signed;
mod watch;

use watch::{Row, header};

/// Models of the graph where the command line names none.
const MODELS: usize = 10_000;
/// Runs of each figure, of which the median counts.
const TIMES: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = std::env::args().nth(1).map_or(Ok(MODELS), |word| word.parse())?;
    println!("{models} models, {} threads, median of {TIMES} runs", rayon::current_num_threads());
    println!("{}", header());
    let (p256, ring) = signed::one_signature()?;
    println!("{}", Row::of("one signature by p256", &p256));
    println!("{}", Row::of("one signature by ring", &ring));
    for row in signed::rows(models, TIMES)? {
        println!("{row}");
    }
    for row in judged::rows(models, TIMES)? {
        println!("{row}");
    }
    println!("peak memory {} MB", watch::peak_mb());
    Ok(())
}
