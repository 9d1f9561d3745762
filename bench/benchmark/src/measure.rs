//! CPU time of this process, medians of it, its peak memory, and how fast this machine is at the work that bounds all else.

use std::hint::black_box;

use sha2::{Digest as _, Sha256};

/// How much the bounds are measured over: more than any cache holds.
const BOUND_BYTES: usize = 256 << 20;

/// CPU seconds that a run takes at least: Linux brings its counts up to date every 4 ms.
const LEAST: f64 = 0.2;

/// The median of some runs' CPU seconds a call, those of all threads together; short work is done many times a run.
pub(crate) fn median_cpu(runs: usize, mut work: impl FnMut()) -> Result<f64, String> {
    let mut run = |calls: u32| {
        let before = cpu_seconds()?;
        (0..calls).for_each(|_| work());
        Ok::<_, String>(cpu_seconds()? - before)
    };
    let once = run(1)?;
    let calls = (LEAST / once.max(1e-4)).ceil() as u32;
    let mut seconds = Vec::with_capacity(runs);
    for _ in 0..runs {
        seconds.push(run(calls)? / f64::from(calls));
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// Seconds that this process's threads have run: Linux counts them in nanoseconds.
fn cpu_seconds() -> Result<f64, String> {
    let path = "/proc/self/task";
    let cannot = |err: std::io::Error| format!("{path}: {err}");
    let mut nanoseconds = 0.0;
    for thread in std::fs::read_dir(path).map_err(cannot)? {
        let file = thread.map_err(cannot)?.path().join("schedstat");
        let text = std::fs::read_to_string(&file).map_err(|err| format!("{}: {err}", file.display()))?;
        let first = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
        nanoseconds += first.ok_or_else(|| format!("{} holds no time", file.display()))?;
    }
    Ok(nanoseconds * 1e-9)
}

/// The largest resident set of this process so far, in MB (Linux; NaN elsewhere).
pub(crate) fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kb.unwrap_or(f64::NAN) / 1024.0
}

/// What this machine does on one core, in bytes a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// SHA-256 over one long text.
    pub(crate) sha256: f64,
    /// Looking for a byte that is not there.
    pub(crate) memchr: f64,
    /// Copying.
    pub(crate) copy: f64,
}

impl Bounds {
    pub(crate) fn measure() -> Result<Self, String> {
        const TIMES: usize = 5;
        let bytes = vec![b'a'; BOUND_BYTES];
        let mut copy = vec![0; BOUND_BYTES];
        let length = BOUND_BYTES as f64;
        let sha256 = median_cpu(TIMES, || {
            black_box(Sha256::digest(&bytes));
        })?;
        let memchr = median_cpu(TIMES, || {
            black_box(memchr::memchr(b'\n', black_box(&bytes)));
        })?;
        let copied = median_cpu(TIMES, || {
            copy.copy_from_slice(black_box(&bytes));
            black_box(&mut copy);
        })?;
        Ok(Self { sha256: length / sha256, memchr: length / memchr, copy: length / copied })
    }

    pub(crate) fn print(&self) {
        println!(
            "this machine on one core: SHA-256 {:.2} GB/s, memchr {:.1} GB/s, copying {:.1} GB/s",
            self.sha256 * 1e-9,
            self.memchr * 1e-9,
            self.copy * 1e-9
        );
    }
}
