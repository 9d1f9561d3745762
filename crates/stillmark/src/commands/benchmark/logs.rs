//! The files of logs: found, mapped, named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stillmark_benchmark::audit::Copy;
use stillmark_benchmark::copies::{self, Source};
use stillmark_benchmark::log::{self, File, inspect, lighteval, packed};
use stillmark_evidence::Digest;
use stillmark_evidence::audit::ReadFile;
use stillmark_kernels::map::FileMap;

use crate::files::cannot;
use crate::problem::{Problem, Stop};

/// Files that were opened.
#[derive(Debug)]
pub(super) struct Logs {
    files: Vec<(String, Bytes)>,
}

/// What is in a file; an empty one cannot be mapped.
#[derive(Debug)]
enum Bytes {
    Mapped(FileMap),
    Unpacked { packed: FileMap, text: Vec<u8>, ending: String },
    Empty,
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Unpacked { text, .. } => text,
            Self::Empty => &[],
        }
    }

    /// What its name ends in on the disk and is without here.
    fn ending(&self) -> &str {
        match self {
            Self::Unpacked { ending, .. } => ending,
            Self::Mapped(_) | Self::Empty => "",
        }
    }

    /// As it lies on the disk.
    fn on_disk(&self) -> &[u8] {
        match self {
            Self::Unpacked { packed, .. } => packed,
            other => other.get(),
        }
    }
}

/// Opens logs: files as they are named, and what reads like a log in folders.
pub(super) fn open(paths: &[PathBuf]) -> Result<Logs, Stop> {
    let mut found: Vec<(String, PathBuf, Bytes)> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut inside = Vec::new();
            walk(path, 0, &mut inside)?;
            let before = found.len();
            for file in once_each(inside) {
                let bytes = map(&file)?;
                let name = plain(shown(&file));
                if log::recognize(&File { name: &name, bytes: bytes.get() }).is_some() {
                    let below = plain(file.strip_prefix(path).map_or_else(|_| shown(&file), shown));
                    // A packed copy of what lies beside it is no other log.
                    let is_copy = |(name, _, other): &(String, PathBuf, Bytes)| {
                        *name == below && other.get() == bytes.get()
                    };
                    if !found[before..].iter().any(is_copy) {
                        found.push((below, file, bytes));
                    }
                }
            }
            if found.len() == before {
                return Err(Problem::new(format!("{} holds no log", path.display()))
                    .hint("a log of lm-evaluation-harness is `results_*.json` with `samples_*.jsonl` beside it (`--log_samples`); Inspect's, HELM's, lighteval's and JSON Lines of answers are read, too")
                    .into());
            }
        } else {
            let name =
                path.file_name().map_or_else(|| shown(path), |name| name.to_string_lossy().into_owned());
            found.push((plain(name), path.clone(), map(path)?));
        }
    }
    let distinct: BTreeSet<&String> = found.iter().map(|(name, ..)| name).collect();
    let is_clear = distinct.len() == found.len();
    let mut files = Vec::new();
    for (name, path, bytes) in found {
        let name = if is_clear { name } else { plain(shown(&path)) };
        if log::recognize(&File { name: &name, bytes: bytes.get() }).is_none() {
            return Err(Problem::new(format!("{} is no log that is known here", path.display()))
                .hint("name the `samples_*.jsonl` and `results_*.json` of lm-evaluation-harness, or their folder")
                .into());
        }
        files.push((name, bytes));
    }
    Ok(Logs { files })
}

/// Reads a copy of a benchmark: a file, or a folder with one file a subset.
pub(super) fn copy(path: &Path) -> Result<Copy, Stop> {
    let mut found = Vec::new();
    if path.is_dir() {
        walk(path, 0, &mut found)?;
    } else {
        found.push(path.to_owned());
    }
    let is_data = |path: &PathBuf| {
        let kind =
            path.extension().map(|kind| kind.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        ["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "gz", "bz2", "zst"].contains(&kind.as_str())
    };
    found.retain(is_data);
    let mut files = Vec::new();
    for file in found {
        let below = file.strip_prefix(path.parent().unwrap_or(path)).map_or_else(|_| shown(&file), shown);
        files.push((below, map(&file)?));
    }
    let sources: Vec<Source<'_>> =
        files.iter().map(|(name, bytes)| Source { name, bytes: bytes.get() }).collect();
    let broken = |err: stillmark_benchmark::Error| {
        Problem::from_error(&err)
            .while_doing(format!("{} cannot be read as a benchmark", path.display()))
            .hint("name a CSV, JSON Lines or Parquet file, or a folder of them, one a subset")
    };
    let copy = copies::read(&sources).map_err(broken)?;
    if copy.subsets.is_empty() {
        return Err(Problem::new(format!("{} holds no benchmark", path.display()))
            .hint("name a CSV, JSON Lines or Parquet file, or a folder of them, one a subset")
            .into());
    }
    Ok(Copy::new(copy.subsets).map_err(broken)?)
}

impl Logs {
    /// The files, for a reader.
    pub(super) fn files(&self) -> Vec<File<'_>> {
        self.files.iter().map(|(name, bytes)| File { name, bytes: bytes.get() }).collect()
    }

    /// What was read, by digest.
    pub(super) fn digests(&self) -> Vec<ReadFile> {
        let digest = |(name, bytes): &(String, Bytes)| ReadFile {
            name: format!("{name}{}", bytes.ending()),
            sha256: Digest::of(bytes.on_disk()),
            bytes: bytes.on_disk().len() as u64,
            format: log::recognize(&File { name, bytes: bytes.get() })
                .map_or("unknown", log::Harness::name)
                .to_owned(),
        };
        self.files.iter().map(digest).collect()
    }
}

/// Every file once: a link and the file that it leads to are one, under the link's name, which the store of a download manager gives to a file
/// that is named by its digest.
fn once_each(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut chosen: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for file in files {
        let target = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
        let has_link = chosen.get(&target).is_some_and(|known| known.is_symlink());
        if !has_link {
            chosen.insert(target, file);
        }
    }
    let mut files: Vec<PathBuf> = chosen.into_values().collect();
    files.sort();
    files
}

/// Every file below a folder, in the order of names; of links, those to files are followed.
fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Stop> {
    const DEEPEST: usize = 16;
    let entries = std::fs::read_dir(folder).map_err(|err| cannot("read", folder, &err))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|err| cannot("read", folder, &err))?.path());
    }
    paths.sort();
    for path in paths {
        let about = std::fs::symlink_metadata(&path).map_err(|err| cannot("read", &path, &err))?;
        if about.is_dir() && depth < DEEPEST {
            walk(&path, depth + 1, found)?;
        } else if about.is_file() && about.len() > 0 || about.is_symlink() && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn map(path: &Path) -> Result<Bytes, Stop> {
    let about = std::fs::metadata(path).map_err(|err| cannot("read", path, &err))?;
    if about.is_file() && about.len() == 0 {
        return Ok(Bytes::Empty);
    }
    let mapped = FileMap::open(path).map_err(|err| cannot("read", path, &err))?;
    let is_eval = path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("eval"));
    let name = shown(path);
    let text = if is_eval && inspect::is_archive(&mapped) {
        inspect::unpack(&name, &mapped)
    } else if lighteval::is_packed(&name, &mapped) {
        lighteval::unpack(&name, &mapped)
    } else if packed::plain_name(&name).is_some() {
        packed::unpack(&name, &mapped)
    } else {
        return Ok(Bytes::Mapped(mapped));
    };
    let text = text.map_err(|err| {
        Problem::from_error(&err)
            .while_doing("a log cannot be read")
            .hint("nothing was judged: get the file anew from whoever ran it, as the harness wrote it")
    })?;
    let ending = name.strip_prefix(plain(name.clone()).as_str()).unwrap_or_default().to_owned();
    Ok(Bytes::Unpacked { packed: mapped, text, ending })
}

/// The name of a log as it is unpacked.
fn plain(name: String) -> String {
    packed::plain_name(&name).map(str::to_owned).unwrap_or(name)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
