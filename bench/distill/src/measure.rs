//! What one measured process says of itself.

use std::time::Instant;

use serde_json::{Value, json};

/// Runs `work` once to warm up and once for the record; `work` returns the tokens it did.
pub(crate) fn measured(what: &str, precision: &str, mut work: impl FnMut() -> usize) -> Value {
    work();
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let tokens = work();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    json!({
        "what": what, "precision": precision, "engine": "stillmark", "tokens": tokens,
        "wall_s": wall, "cpu_s": cpu, "peak_mb": peak_mb(),
    })
}

/// User and system time of this process (Linux; NaN elsewhere).
fn cpu_seconds() -> f64 {
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / TICKS_A_SECOND
}

/// The largest resident set of this process so far (Linux; NaN elsewhere).
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) / 1024.0
}
