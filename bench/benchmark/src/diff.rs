//! Comparing a benchmark with copies of itself: as it is, re-ordered, and with every row rewritten.

use std::hint::black_box;
use std::path::Path;

use stillmark_benchmark::Record;
use stillmark_benchmark::copies::{self, Copy, Source};
use stillmark_benchmark::diff::diff;

use crate::files;
use crate::measure::{median_cpu, peak_mb};
use crate::table::{self, Figure};

const TIMES: usize = 3;

/// How a copy is made.
type Change = (&'static str, fn(&mut Copy));

const CHANGES: [Change; 4] = [
    ("the same", |_| {}),
    ("backwards", |copy| copy.subsets.iter_mut().for_each(|subset| subset.records.reverse())),
    ("a word put before every question", |copy| {
        each(copy, &|record| record.question.insert_str(0, "Perhaps "));
    }),
    ("every second word of every row left out, backwards", |copy| {
        each(copy, &|record| record.question = halved(&record.question));
        copy.subsets.iter_mut().for_each(|subset| subset.records.reverse());
    }),
];

/// Prints the table.
pub(crate) fn print(folder: &Path) -> Result<(), String> {
    let held = files::read(folder, &files::is_data)?;
    let sources: Vec<Source<'_>> = held.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    let bytes = held.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() as f64;
    let whole = copies::read(&sources).map_err(|err| err.to_string())?;
    let rows = whole.subsets.iter().map(|subset| subset.records.len()).sum::<usize>() as f64;
    let mut figures = Vec::new();
    for (name, change) in CHANGES {
        let mut changed = copies::read(&sources).map_err(|err| err.to_string())?;
        change(&mut changed);
        let found = diff(&whole, &changed);
        let counts = found.counts.iter().filter(|(_, count)| **count > 0);
        let found =
            counts.map(|(class, count)| format!("{count} {}", class.code())).collect::<Vec<_>>().join(", ");
        let seconds = median_cpu(TIMES, || {
            black_box(diff(&whole, &changed));
        })?;
        figures.push(Figure { name: name.to_owned(), seconds, bytes, rows, peak_mb: peak_mb(), found });
    }
    println!("{rows} rows, {:.1} MB; medians of {TIMES}, CPU time", bytes * 1e-6);
    table::print(&figures);
    Ok(())
}

fn each(copy: &mut Copy, change: &dyn Fn(&mut Record)) {
    copy.subsets.iter_mut().flat_map(|subset| &mut subset.records).for_each(change);
}

fn halved(text: &str) -> String {
    text.split(' ').step_by(2).collect::<Vec<_>>().join(" ")
}
