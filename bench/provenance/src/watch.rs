//! Wall and CPU time, and memory, as the system counts them.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

/// Clock ticks of the kernel's counters in a second.
const TICKS: f64 = 100.0;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    wall: Duration,
    cpu: Duration,
}

/// The median of a figure's runs.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    wall: Duration,
    cpu: Duration,
}

/// Runs something once.
pub(crate) fn take<T>(run: impl FnOnce() -> T) -> (T, Taken) {
    let (cpu, start) = (cpu(), Instant::now());
    let answer = run();
    let wall = start.elapsed();
    (answer, Taken { wall, cpu: self::cpu().saturating_sub(cpu) })
}

impl Row {
    /// The median by wall time, and by CPU time.
    pub(crate) fn of(name: &str, taken: &[Taken]) -> Self {
        let median = |time: fn(&Taken) -> Duration| {
            let mut all: Vec<Duration> = taken.iter().map(time).collect();
            all.sort();
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        Self { name: name.to_owned(), wall: median(|one| one.wall), cpu: median(|one| one.cpu) }
    }
}

impl Taken {
    /// The same, of one of many equal parts.
    pub(crate) fn part(self, parts: u32) -> Self {
        Self { wall: self.wall / parts, cpu: self.cpu / parts }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        write!(f, "| {} | {:.3} ms | {:.3} ms |", self.name, ms(self.wall), ms(self.cpu))
    }
}

/// The head of the table.
pub(crate) fn header() -> &'static str {
    "| figure | wall | CPU |\n|---|---|---|"
}

/// The most memory that this process has held.
pub(crate) fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// User and system time of all threads, to a hundredth of a second.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let field =
        |at: usize| after.split(' ').nth(at).and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    Duration::from_secs_f64((field(11) + field(12)) / TICKS)
}
