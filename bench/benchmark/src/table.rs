//! Figures, ours and the peers', one a line.

use std::process::Command;

use serde::Deserialize;

/// What one side took.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Figure {
    /// Who did what.
    #[serde(rename = "figure")]
    pub(crate) name: String,
    /// CPU seconds.
    pub(crate) seconds: f64,
    /// Bytes that were gone through.
    pub(crate) bytes: f64,
    /// Rows, records or documents.
    pub(crate) rows: f64,
    /// The largest resident set of the process.
    pub(crate) peak_mb: f64,
    /// What it found, so that both sides can be seen to have done the same.
    #[serde(default)]
    pub(crate) found: String,
}

impl Figure {
    pub(crate) fn rate(&self) -> f64 {
        self.bytes / self.seconds
    }
}

/// Prints figures; ratios are to the first one.
pub(crate) fn print(figures: &[Figure]) {
    println!("| what | CPU seconds | MB/s | rows/s | peak memory | ours is faster by | found |");
    println!("|---|---|---|---|---|---|---|");
    for figure in figures {
        let ratio = figures.first().map_or(1.0, |ours| ours.rate() / figure.rate());
        println!(
            "| {} | {:.4} | {:.1} | {:.0} | {:.0} MB | {:.1} | {} |",
            figure.name,
            figure.seconds,
            figure.rate() * 1e-6,
            figure.rows / figure.seconds,
            figure.peak_mb,
            ratio,
            figure.found
        );
    }
}

/// What `peer.py` prints, run by a Python that has the peer's package.
pub(crate) fn peer(python: &str, words: &[&str]) -> Result<Vec<Figure>, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peer.py");
    let out =
        Command::new(python).arg(script).args(words).output().map_err(|err| format!("{python}: {err}"))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        return Err(format!("{python} {script} {}: {}", words.join(" "), said.trim()));
    }
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).map_err(|err| format!("{line}: {err}"))).collect()
}
