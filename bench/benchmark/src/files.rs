//! Files of a folder, with what is in them.

use std::path::{Path, PathBuf};

/// The files below a folder (or the file itself) by their names below it, in the order of the names.
pub(crate) fn read(path: &Path, keep: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut found = Vec::new();
    walk(path, &mut found)?;
    let base = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let named = found.into_iter().filter_map(|file| {
        let name = file.strip_prefix(base).unwrap_or(&file).to_string_lossy().into_owned();
        keep(&name).then(|| {
            let bytes = std::fs::read(&file).map_err(|err| format!("{}: {err}", file.display()))?;
            Ok((name, bytes))
        })
    });
    named.collect()
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |err: std::io::Error| format!("{}: {err}", path.display());
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(cannot)?;
    let mut below: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(cannot)?;
    below.sort();
    below.iter().try_for_each(|path| walk(path, found))
}

/// Whether a file is one of a benchmark, by how its name ends.
pub(crate) fn is_data(name: &str) -> bool {
    let name = name.to_lowercase();
    let stem = ["gz", "bz2", "zst"].iter().find_map(|ending| name.strip_suffix(&format!(".{ending}")));
    let last = stem.unwrap_or(&name).rsplit('.').next().unwrap_or_default().to_owned();
    let about = ["readme", "license", "notice"]
        .iter()
        .any(|word| name.rsplit('/').next().is_some_and(|file| file.starts_with(word)));
    ["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "txt"].contains(&last.as_str()) && !about
}
