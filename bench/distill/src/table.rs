//! The table: ours and the peer in turn, several rounds, medians of rates and of the ratios round by round.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::machine;

/// Share of the multiply-add peak that the f32 step is to reach.
const PEAK_TARGET: f64 = 0.75;

/// One line of the table.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// What both sides do, and in what they differ.
    pub(crate) compared: &'static str,
    pub(crate) ours: Vec<String>,
    pub(crate) peer: Vec<String>,
    pub(crate) targets: Targets,
}

/// What a line is held to; without a target a figure is reported only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets {
    /// Our rate over the peer's, at least.
    pub(crate) rate: Option<f64>,
    /// Our peak memory over the peer's, at most.
    pub(crate) memory: Option<f64>,
}

/// What the two processes of one round said.
type Pair = (Value, Value);

pub(crate) fn print(python: &Path, rounds: usize, lines: &[Line]) -> Result<(), String> {
    println!("machine: {}", machine::describe());
    println!("features: {}", machine::features());
    println!("rounds: {rounds}, medians; load before: {}\n", machine::load());
    println!(
        "| figure | ours, tokens/s | peer, tokens/s | ratio, wall | ratio, CPU | target | met | peak memory, ours / peer | target | met |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut notes = Vec::new();
    let mut shares = Vec::new();
    for line in lines {
        let pairs: Vec<Pair> = (0..rounds.max(1)).map(|_| pair(python, line)).collect::<Result<_, _>>()?;
        println!("{}", row(line, &pairs));
        let engine = pairs[0].1["engine"].as_str().unwrap_or("the peer");
        notes.push(format!("- {}: {engine}. {}", line.name, line.compared));
        if pairs[0].0["share_of_peak"].is_number() {
            shares.push((pairs[0].0["precision"].as_str().unwrap_or("").to_owned(), pairs));
        }
    }
    println!(
        "\n| step | GFLOP/s | multiply-add peak, GFLOP/s | share of the peak, by CPU time | target | met |"
    );
    println!("|---|---|---|---|---|---|");
    shares.dedup_by(|a, b| a.0 == b.0);
    for (precision, pairs) in &shares {
        println!("{}", share_row(precision, pairs));
    }
    println!("\nload after: {}. Compared:\n{}", machine::load(), notes.join("\n"));
    Ok(())
}

fn pair(python: &Path, line: &Line) -> Result<Pair, String> {
    let ours = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok((run(Command::new(ours).args(&line.ours))?, run(Command::new(python).args(&line.peer))?))
}

fn row(line: &Line, pairs: &[Pair]) -> String {
    let over = |figure: &dyn Fn(&Value) -> f64| {
        let ours = median(pairs.iter().map(|pair| figure(&pair.0)));
        let peer = median(pairs.iter().map(|pair| figure(&pair.1)));
        (ours, peer, median(pairs.iter().map(|pair| figure(&pair.0) / figure(&pair.1))))
    };
    let (ours, peer, by_wall) = over(&|run| number(run, "tokens") / number(run, "wall_s"));
    let by_cpu = over(&|run| number(run, "tokens") / number(run, "cpu_s")).2;
    let (our_mb, peer_mb, memory) = over(&|run| number(run, "peak_mb"));
    let Targets { rate, memory: most } = line.targets;
    let none = || "- | -".to_owned();
    let rate = rate.map_or_else(none, |least| format!("≥ {least:.1} | {}", met(by_wall.min(by_cpu), least)));
    let most = most.map_or_else(none, |most| format!("≤ {most} | {}", met(most, memory)));
    format!(
        "| {} | {ours:.0} | {peer:.0} | {by_wall:.2} | {by_cpu:.2} | {rate} | {our_mb:.0} MB / {peer_mb:.0} MB = {memory:.2} | {most} |",
        line.name,
    )
}

fn share_row(precision: &str, pairs: &[Pair]) -> String {
    let over = |key: &str| median(pairs.iter().map(|pair| number(&pair.0, key)));
    let share = over("share_of_peak");
    let target = if precision == "f32" {
        format!("≥ {:.0} % | {}", 100.0 * PEAK_TARGET, met(share, PEAK_TARGET))
    } else {
        "- | -".into()
    };
    let (rate, peak) = (over("gflops"), over("peak_gflops"));
    format!("| {precision} | {rate:.0} | {peak:.0} | {:.0} % | {target} |", 100.0 * share)
}

fn met(found: f64, least: f64) -> &'static str {
    if found >= least { "yes" } else { "no" }
}

/// Runs a process and reads the last line of JSON that it printed.
pub(crate) fn run(command: &mut Command) -> Result<Value, String> {
    let out = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let last = text.lines().rfind(|line| line.starts_with('{'));
    last.and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| format!("{command:?} gave no figure: {}", String::from_utf8_lossy(&out.stderr)))
}

pub(crate) fn number(run: &Value, key: &str) -> f64 {
    run[key].as_f64().unwrap_or(f64::NAN)
}

/// The middle value, the mean of the two middle ones where their number is even.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}
