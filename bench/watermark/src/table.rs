//! The table: each figure a process, ours and the peer's by turns.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stillmark_kernels::isa::Isa;

use crate::lines::{Line, Peer, Unit, all};

/// Where the peers are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peers<'a> {
    pub(crate) python: &'a str,
    pub(crate) vllm: Option<&'a str>,
}

/// Prints the lines whose names contain a word.
pub(crate) fn print(only: &str, peers: Option<Peers<'_>>) -> Result<(), String> {
    println!("machine: {}, kernels for {}; load before: {}\n", processor(), Isa::detected().name(), load());
    println!(
        "| figure | ours | target | met | peer | ratio | limit | share of it | peak memory, ours / peer |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for line in all().iter().filter(|line| line.name.contains(only) || line.ours.contains(only)) {
        let ours = ours(line)?;
        let peer = match (&line.peer, peers) {
            (Some(peer), Some(peers)) => theirs(peer, peers)?,
            _ => None,
        };
        println!("{}", row(line, &ours, peer.as_ref()));
    }
    println!("\nload after: {}", load());
    Ok(())
}

/// Seconds an item of ours, and the process's peak memory.
struct Measured {
    seconds: f64,
    peak_mb: f64,
    clock_ghz: f64,
}

fn ours(line: &Line) -> Result<Measured, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let figure = run(Command::new(program).args(["figure", &line.ours]))?;
    let figure = figure.ok_or_else(|| format!("`{}` printed nothing", line.ours))?;
    let number = |key: &str| figure[key].as_f64().unwrap_or(f64::NAN);
    Ok(Measured {
        seconds: number("seconds") / line.items,
        peak_mb: number("peak_mb"),
        clock_ghz: number("clock_ghz"),
    })
}

/// The peer's figure, where it has what it needs.
fn theirs(peer: &Peer, peers: Peers<'_>) -> Result<Option<Measured>, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer.py");
    let mut command = Command::new(peers.python);
    command.arg(script).args(["--only", &peer.figure]);
    if let Some(vllm) = peers.vllm {
        command.args(["--vllm", vllm]);
    }
    let figure = run(&mut command)?;
    Ok(figure.map(|figure| {
        let value = figure["value"].as_f64().unwrap_or(f64::NAN);
        let seconds = if figure["unit"] == "tokens/s" { 1.0 / value } else { value * 1e-9 };
        let peak_mb = figure["peak_mb"].as_f64().unwrap_or(f64::NAN);
        Measured { seconds: seconds / peer.items, peak_mb, clock_ghz: f64::NAN }
    }))
}

/// Runs a process on one thread and reads the last line of JSON that it printed, if there is one.
fn run(command: &mut Command) -> Result<Option<Value>, String> {
    let command = command.env("RAYON_NUM_THREADS", "1").env("OMP_NUM_THREADS", "1");
    let out = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !out.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&out.stderr)));
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let last = text.lines().rfind(|line| line.starts_with('{'));
    last.map(serde_json::from_str).transpose().map_err(|error| error.to_string())
}

fn row(line: &Line, ours: &Measured, peer: Option<&Measured>) -> String {
    let none = || "-".to_owned();
    let limit = line.limit.map(|cycles| cycles / ours.clock_ghz / 1e9);
    let ratio = peer.map(|peer| peer.seconds / ours.seconds);
    let least = line.peer.as_ref().and_then(|peer| peer.ratio);
    let mut targets = Vec::new();
    let mut met = Vec::new();
    if let Some(target) = line.target {
        let sign = if line.unit == Unit::TokensASecond { "≥" } else { "≤" };
        targets.push(format!("{sign} {}", line.unit.written(line.unit.seconds(target))));
        met.push(ours.seconds <= line.unit.seconds(target));
    }
    if let (Some(least), Some(ratio)) = (least, ratio) {
        targets.push(format!("≥ {least} times"));
        met.push(ratio >= least);
    }
    let met = met.iter().map(|met| if *met { "yes" } else { "no" }).collect::<Vec<_>>().join(", ");
    let cells = [
        line.name.clone(),
        line.unit.written(ours.seconds),
        targets.join(", "),
        met,
        peer.map_or_else(none, |peer| line.unit.written(peer.seconds)),
        ratio.map_or_else(none, |ratio| format!("{ratio:.1}")),
        limit.map_or_else(none, |limit| line.unit.written(limit)),
        limit.map_or_else(none, |limit| format!("{:.0} %", 100.0 * limit / ours.seconds)),
        peer.map_or_else(
            || format!("{:.0} MB", ours.peak_mb),
            |peer| format!("{:.0} / {:.0} MB", ours.peak_mb, peer.peak_mb),
        ),
    ];
    let cells = cells.map(|cell| if cell.is_empty() { none() } else { cell });
    format!("| {} |", cells.join(" | "))
}

impl Unit {
    /// A figure, given as seconds an item, with its unit.
    fn written(self, seconds: f64) -> String {
        match self {
            Self::NanosecondsAnEntry => format!("{:.2} ns an entry", seconds * 1e9),
            Self::MillisecondsAToken => format!("{:.2} ms a token", seconds * 1e3),
            Self::TokensASecond if seconds > 1e-4 => format!("{:.1} k tokens/s", 1e-3 / seconds),
            Self::TokensASecond => format!("{:.2} M tokens/s", 1e-6 / seconds),
            Self::Seconds => format!("{seconds:.2} s"),
        }
    }

    /// A value in this unit as seconds an item.
    fn seconds(self, value: f64) -> f64 {
        match self {
            Self::NanosecondsAnEntry => value * 1e-9,
            Self::MillisecondsAToken => value * 1e-3,
            Self::TokensASecond => 1.0 / value,
            Self::Seconds => value,
        }
    }
}

/// The processor's name.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &str| {
        line.strip_prefix("model name").map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
    };
    text.lines().find_map(named).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// How much else ran: the mean number of processes that wanted a processor in the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}
