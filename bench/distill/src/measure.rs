//! What one measured process says of itself.

use std::time::Instant;

use serde_json::{Value, json};

/// Seconds that something took: by the clock on the wall, and of all processors together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seconds {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

impl Seconds {
    /// How long `work` takes.
    pub(crate) fn of(work: impl FnOnce()) -> Self {
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        work();
        Self { wall: wall.elapsed().as_secs_f64(), cpu: cpu_seconds() - cpu }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

/// Runs `work` once to warm up and once for the record; `work` returns the tokens it did.
pub(crate) fn measured(what: &str, precision: &str, mut work: impl FnMut() -> usize) -> Value {
    work();
    let mut tokens = 0;
    let taken = Seconds::of(|| tokens = work());
    figure(what, precision, tokens, taken)
}

/// What a process prints: the peers' scripts print the same fields.
pub(crate) fn figure(what: &str, precision: &str, tokens: usize, taken: Seconds) -> Value {
    json!({
        "what": what, "precision": precision, "engine": "stillmark", "tokens": tokens,
        "wall_s": taken.wall, "cpu_s": taken.cpu, "peak_mb": peak_mb(),
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
