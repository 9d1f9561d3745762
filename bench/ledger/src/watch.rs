//! Wall and CPU time, and memory, as the system counts them.

use std::fs;
use std::time::{Duration, Instant};

/// Clock ticks of the kernel's counters in a second.
const TICKS: f64 = 100.0;

/// Runs something and prints how many of `what` it does a second.
pub(crate) fn rate<T>(name: &str, count: u64, run: impl FnOnce() -> T) -> T {
    let (user, system) = cpu();
    let start = Instant::now();
    let answer = run();
    let wall = start.elapsed().as_secs_f64();
    let (user, system) = (cpu().0 - user, cpu().1 - system);
    let rate = |seconds: f64| count as f64 / seconds.max(1.0 / TICKS);
    println!(
        "| {name} | {wall:.2} s | {user:.2} s | {system:.2} s | {:.0} | {:.0} |",
        rate(wall),
        rate(user + system)
    );
    answer
}

/// The median and the 99th percentile of many runs, in microseconds.
pub(crate) fn spread(name: &str, runs: impl Iterator<Item = Duration>) {
    let mut all: Vec<Duration> = runs.collect();
    all.sort();
    let at = |part: usize| all.get(all.len() * part / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    println!("{name}: median {:.0} us, 99 of 100 within {:.0} us", at(50), at(99));
}

/// The memory that this process holds now, and the most that it held.
pub(crate) fn memory_mb() -> (f64, f64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// User and system time of all threads, to a hundredth of a second.
fn cpu() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let field =
        |at: usize| after.split(' ').nth(at).and_then(|word| word.parse::<f64>().ok()).unwrap_or_default();
    (field(11) / TICKS, field(12) / TICKS)
}
