//! The table: ours and the peer in turn, several rounds, medians of rates and of the ratios round by round.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// One line of the table.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) ours: Vec<String>,
    pub(crate) peer: Vec<String>,
    pub(crate) target: f64,
}

/// What a finished process said, as far as the table needs it.
struct Run {
    tokens_a_second: f64,
    tokens_a_cpu_second: f64,
    peak_mb: f64,
}

pub(crate) fn print(python: &Path, rounds: usize, lines: &[Line<'_>]) -> Result<(), String> {
    println!(
        "| figure | ours, tokens/s | peer, tokens/s | ratio (wall) | ratio (CPU) | target | memory, ours / peer |"
    );
    println!("|---|---|---|---|---|---|---|");
    for line in lines {
        let mut pairs = Vec::new();
        for _ in 0..rounds {
            let ours =
                run(Command::new(std::env::current_exe().map_err(|e| e.to_string())?).args(&line.ours))?;
            let peer = run(Command::new(python).args(&line.peer))?;
            pairs.push((ours, peer));
        }
        let over = |f: &dyn Fn(&(Run, Run)) -> f64| median(pairs.iter().map(f).collect());
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.0} MB / {:.0} MB = {:.2} |",
            line.name,
            over(&|pair| pair.0.tokens_a_second),
            over(&|pair| pair.1.tokens_a_second),
            over(&|pair| pair.0.tokens_a_second / pair.1.tokens_a_second),
            over(&|pair| pair.0.tokens_a_cpu_second / pair.1.tokens_a_cpu_second),
            line.target,
            over(&|pair| pair.0.peak_mb),
            over(&|pair| pair.1.peak_mb),
            over(&|pair| pair.0.peak_mb / pair.1.peak_mb),
        );
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<Run, String> {
    let out = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let last = text.lines().rfind(|line| line.starts_with('{'));
    let value: Value = last
        .and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(|| format!("{command:?} gave no figure: {}", String::from_utf8_lossy(&out.stderr)))?;
    let number = |key: &str| value[key].as_f64().unwrap_or(f64::NAN);
    Ok(Run {
        tokens_a_second: number("tokens") / number("wall_s"),
        tokens_a_cpu_second: number("tokens") / number("cpu_s"),
        peak_mb: number("peak_mb"),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
