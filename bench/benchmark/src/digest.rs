//! Digesting a whole benchmark, beside the hashing alone.

use std::hint::black_box;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use stillmark_benchmark::copies::{self, Source};
use stillmark_benchmark::digest::{self, SubsetDigest};
use stillmark_benchmark::record::View;

use crate::files;
use crate::measure::{Bounds, median_cpu, peak_mb};
use crate::table::{self, Figure};

const TIMES: usize = 7;

/// Prints the table.
pub(crate) fn print(folder: &Path, python: Option<&str>) -> Result<(), String> {
    let held = files::read(folder, &files::is_data)?;
    let sources: Vec<Source<'_>> = held.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    let copy = copies::read(&sources).map_err(|err| err.to_string())?;
    let size = held.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() as f64;
    let rows = copy.subsets.iter().map(|subset| subset.records.len()).sum::<usize>() as f64;
    let parse = median_cpu(TIMES, || drop(black_box(copies::read(&sources))))?;
    let mut root = String::new();
    let roots = median_cpu(TIMES, || {
        let digests: Vec<SubsetDigest> = copy.subsets.iter().map(digest::subset).collect();
        root = digest::bench(digests.iter().map(SubsetDigest::part)).strict.to_string();
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
    let figure = |name: &str, seconds: f64| Figure {
        name: name.to_owned(),
        seconds,
        bytes: size,
        rows,
        peak_mb: peak_mb(),
        found: String::new(),
    };
    let mut figures = vec![
        Figure { found: root[..8].to_owned(), ..figure("four digests, files read", parse + roots) },
        figure("of it reading the files", parse),
        figure("of it the digests", roots),
        figure("SHA-256 over the same records in one piece", hash),
    ];
    if let Some(python) = python {
        figures.extend(table::peer(python, &["digest", &folder.to_string_lossy()])?);
    }
    println!("{rows} records, {:.2} MB in {} files; medians of {TIMES}, CPU time", size * 1e-6, held.len());
    table::print(&figures);
    Bounds::measure()?.print();
    println!("the hashing alone is {:.0} % of the whole", hash / (parse + roots) * 100.0);
    Ok(())
}
