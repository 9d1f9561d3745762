//! The benchmark data beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use stillmark_benchmark::copies::{self, Copy, Source};

/// A file or folder of the data, where it is at hand.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("STILLMARK_SHARED").map(PathBuf::from);
    let places = named.into_iter().chain(["../shared", "../../shared"].map(|place| root.join(place)));
    let found = places.map(|place| place.join("data/benchmarks").join(name)).find(|path| path.exists());
    if found.is_none() {
        println!(
            "skipped: ../shared/data/benchmarks/{name} is not there (STILLMARK_SHARED names another place)"
        );
    }
    found
}

/// Reads a file, or all files of a folder with that extension.
pub(crate) fn copy(name: &str, extension: &str) -> Option<Copy> {
    let path = data(name)?;
    let mut paths = vec![path.clone()];
    if path.is_dir() {
        paths = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|found| found == extension));
        paths.sort();
    }
    let names: Vec<String> = paths
        .iter()
        .map(|file| match file.strip_prefix(&path) {
            Ok(rest) if rest.components().next().is_some() => format!("{name}/{}", rest.display()),
            _ => name.to_owned(),
        })
        .collect();
    let bytes: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let sources: Vec<Source<'_>> =
        names.iter().zip(&bytes).map(|(name, bytes)| Source { name, bytes }).collect();
    Some(copies::read(&sources).unwrap())
}
