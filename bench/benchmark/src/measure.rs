//! CPU time of this thread, and medians of it.

/// Runs `work` some times; the median of its CPU seconds.
pub(crate) fn median_cpu(times: usize, mut work: impl FnMut()) -> Result<f64, String> {
    let mut seconds = Vec::with_capacity(times);
    for _ in 0..times {
        let before = cpu_seconds()?;
        work();
        seconds.push(cpu_seconds()? - before);
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// Seconds that this thread has run: Linux counts them in nanoseconds.
fn cpu_seconds() -> Result<f64, String> {
    let path = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(path).map_err(|err| format!("{path}: {err}"))?;
    let first = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    first.map(|nanoseconds| nanoseconds * 1e-9).ok_or_else(|| format!("{path} holds no time"))
}
