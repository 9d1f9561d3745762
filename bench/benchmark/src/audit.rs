//! Auditing logs of lm-evaluation-harness: every digest, prompt, score and total derived anew.

use std::hint::black_box;
use std::path::Path;

use stillmark_benchmark::audit;
use stillmark_benchmark::json;
use stillmark_benchmark::log::{self, File};
use stillmark_evidence::Digest;
use stillmark_evidence::audit::Audit;

use crate::files;
use crate::measure::{Bounds, median_cpu, peak_mb};
use crate::table::{self, Figure};

const TIMES: usize = 7;

/// Prints the table.
pub(crate) fn print(folder: &Path, python: Option<&str>) -> Result<(), String> {
    let held = files::read(folder, &|name| name.contains(".json"))?;
    let logs: Vec<File<'_>> = held.iter().map(|(name, bytes)| File { name, bytes }).collect();
    let bytes = logs.iter().map(|file| file.bytes.len()).sum::<usize>() as f64;
    // The pins are unpacked once a process; that is not what is measured.
    let first = audited(&logs)?;
    let rows = logs.iter().filter(|file| file.is_json_lines()).map(rows).sum::<usize>() as f64;
    let figure = |name: &str, seconds: f64| Figure {
        name: name.to_owned(),
        seconds,
        bytes,
        rows,
        peak_mb: peak_mb(),
        found: String::new(),
    };
    let whole = median_cpu(TIMES, || {
        black_box(audited(&logs).ok());
    })?;
    let digests = median_cpu(TIMES, || {
        for file in &logs {
            black_box(Digest::of(file.bytes));
        }
    })?;
    let parse = median_cpu(TIMES, || logs.iter().for_each(parsed))?;
    let found = format!("{} findings, {} scores", first.findings.len(), first.scores.len());
    let mut figures = vec![
        Figure { found, ..figure("audit, files' digests included", whole + digests) },
        figure("of it the files' digests", digests),
        figure("of it reading JSON", parse),
    ];
    if let Some(python) = python {
        figures.extend(table::peer(python, &["audit", &folder.to_string_lossy()])?);
    }
    println!("{rows} rows, {:.1} MB; medians of {TIMES}, CPU time", bytes * 1e-6);
    table::print(&figures);
    let bounds = Bounds::measure()?;
    bounds.print();
    println!(
        "the audit reaches {:.0} % of SHA-256 over the files alone",
        bytes / (whole + digests) / bounds.sha256 * 100.0
    );
    Ok(())
}

fn audited(files: &[File<'_>]) -> Result<Audit, String> {
    let runs = log::read(files).map_err(|err| err.to_string())?;
    let parts: Result<Vec<_>, _> = runs.into_iter().map(|run| audit::run(run, None)).collect();
    Ok(audit::joined(Vec::new(), parts.map_err(|err| err.to_string())?))
}

fn rows(file: &File<'_>) -> usize {
    memchr::memchr_iter(b'\n', file.bytes).count()
}

fn parsed(file: &File<'_>) {
    for line in file.bytes.split(|byte| *byte == b'\n') {
        if let Ok(line) = std::str::from_utf8(line) {
            black_box(json::parse(line).ok());
        }
    }
}
