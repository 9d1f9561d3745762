//! Digesting a whole benchmark, beside the hashing alone.

use std::hint::black_box;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use stillmark_benchmark::copies::{self, Source};
use stillmark_benchmark::digest::{self, SubsetDigest};
use stillmark_benchmark::record::View;

use crate::measure::median_cpu;

const TIMES: usize = 21;

/// Prints the table.
pub(crate) fn print(folder: &Path) -> Result<(), String> {
    let files = files(folder)?;
    let sources: Vec<Source<'_>> = files.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    let copy = copies::read(&sources).map_err(|err| err.to_string())?;
    let size_mb = files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() as f64 * 1e-6;
    let n: usize = copy.subsets.iter().map(|subset| subset.records.len()).sum();
    let parse = median_cpu(TIMES, || drop(black_box(copies::read(&sources))))?;
    let roots = median_cpu(TIMES, || {
        let digests: Vec<SubsetDigest> = copy.subsets.iter().map(digest::subset).collect();
        black_box(digest::bench(digests.iter().map(SubsetDigest::part)));
    })?;
    let mut bytes = Vec::new();
    let records = copy.subsets.iter().flat_map(|subset| &subset.records);
    records.for_each(|record| {
        for view in [View::Strict, View::Loose, View::GoldFree] {
            record.write(view, &mut bytes);
        }
    });
    let hash = median_cpu(TIMES, || {
        black_box(Sha256::digest(&bytes));
    })?;
    let whole = parse + roots;
    println!(
        "{n} records, {size_mb:.2} MB in {} files; medians of {TIMES}, CPU time of one thread",
        files.len()
    );
    println!("  {:<28} {:>8.2} ms  {:>7.0} MB/s", "read the files", parse * 1e3, size_mb / parse);
    println!("  {:<28} {:>8.2} ms  {:>7.0} records/ms", "four digests", roots * 1e3, n as f64 / roots * 1e-3);
    println!("  {:<28} {:>8.2} ms  {:>7.0} MB/s", "both", whole * 1e3, size_mb / whole);
    let hashed_mb = bytes.len() as f64 * 1e-6;
    println!(
        "  {:<28} {:>8.2} ms  {:>7.0} MB/s",
        "SHA-256 alone, in one piece",
        hash * 1e3,
        hashed_mb / hash
    );
    println!("  the hashing alone is {:.0} % of the whole", hash / whole * 100.0);
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let cannot = |err: std::io::Error| format!("{}: {err}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        paths.push(entry.map_err(cannot)?.path());
    }
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let bytes = std::fs::read(&path).map_err(|err| format!("{}: {err}", path.display()))?;
        Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes))
    });
    named.collect()
}
