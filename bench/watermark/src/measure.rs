//! How long something takes on one core, and what memory it took.

use std::hint::black_box;
use std::time::Instant;

use stillmark_kernels::peak;

/// Runs whose median counts.
const RUNS: usize = 5;

/// CPU seconds that a run takes at least: it repeats its work as often as that needs.
const LEAST: f64 = 0.4;

/// The median CPU time of one call of `work`, in seconds; calls that find out how many make a run come first, to warm up.
pub(crate) fn seconds(mut work: impl FnMut()) -> f64 {
    let mut calls = 1_usize;
    loop {
        let taken = run(calls, &mut work);
        if taken >= LEAST {
            // Long work is not repeated more than it must.
            let runs = if taken > 10.0 * LEAST { 2 } else { RUNS };
            let mut times: Vec<f64> = (0..runs).map(|_| run(calls, &mut work) / calls as f64).collect();
            times.sort_by(f64::total_cmp);
            return times[times.len() / 2];
        }
        calls = (calls as f64 * (1.2 * LEAST / taken.max(LEAST / 20.0))).ceil() as usize;
    }
}

fn run(calls: usize, work: &mut impl FnMut()) -> f64 {
    let start = cpu_seconds();
    for _ in 0..calls {
        work();
    }
    cpu_seconds() - start
}

/// User and system time of this process (Linux; NaN elsewhere), in steps of 10 ms.
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

/// The clock in GHz: the fastest of several short runs.
pub(crate) fn clock() -> f64 {
    let rate = || {
        let start = Instant::now();
        let (cycles, _) = black_box(peak::chain(1_000_000));
        cycles / start.elapsed().as_secs_f64() / 1e9
    };
    (0..20).map(|_| rate()).fold(0.0, f64::max)
}
