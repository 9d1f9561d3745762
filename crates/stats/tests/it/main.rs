//! The vectors of `docs/spec/tails.md` and `docs/spec/torch-random.md`.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod clustered;
mod decoys;
mod e_process;
mod intervals;
mod multiple;
mod permutation;
mod planner;
mod random;
mod scan;
mod spline;
mod tails;
mod torch;
mod uniformity;

use std::path::Path;

use serde_json::Value;

/// All vectors of a page.
fn vectors(page: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(page);
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(entry.unwrap().path());
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| serde_json::from_str(&read(entry).unwrap()).unwrap())
        .collect()
}

/// The rows under a key.
fn rows<'a>(vector: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    vector[key].as_array().into_iter().flatten()
}
