//! Copying bytes into a file with a progress bar, stopping where the user asks.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

use indicatif::ProgressBar;

use crate::files;
use crate::interrupt;
use crate::problem::Problem;

/// What is there of a file already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing: begin anew.
    Fresh,
    /// Some bytes: go on behind them.
    Behind(u64),
}

/// Copies a stream to the end of a file.
pub(super) fn copy(from: &mut dyn Read, to: &Path, start: Start, bar: &ProgressBar) -> Result<(), Problem> {
    let mut options = OpenOptions::new();
    match start {
        Start::Fresh => options.write(true).create(true).truncate(true),
        Start::Behind(_) => options.append(true).create(true),
    };
    let mut file = options.open(to).map_err(|err| files::cannot("write", to, &err))?;
    if let Start::Behind(have_bytes) = start {
        bar.set_position(have_bytes);
    }
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        if interrupt::requested() {
            return Err(Problem::interrupted("run the same command again: it goes on where it stopped"));
        }
        let length = from
            .read(&mut buffer)
            .map_err(|err| Problem::new("the connection broke off").cause(err.to_string()))?;
        if length == 0 {
            break;
        }
        file.write_all(&buffer[..length]).map_err(|err| files::cannot("write", to, &err))?;
        bar.inc(length as u64);
    }
    bar.finish_and_clear();
    Ok(())
}
