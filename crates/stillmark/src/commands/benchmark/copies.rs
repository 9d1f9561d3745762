//! The copies that are named on the command line: files, or folders with one file a subset.

use std::path::{Path, PathBuf};

use stillmark_benchmark::copies::{self, Copy, LARGEST_BYTES, NoteKind, Source};
use stillmark_kernels::map::FileMap;

use crate::files;
use crate::output::Talk;
use crate::problem::Problem;

/// What a file of a benchmark may be called.
const EXTENSIONS: [&str; 10] =
    ["csv", "tsv", "json", "jsonl", "ndjson", "parquet", "txt", "gz", "bz2", "zst"];

/// Notes that are said one by one.
const SAID: usize = 5;

/// Files of a folder that speak about it.
const ABOUT: [&str; 5] = ["readme", "license", "licence", "notice", "dataset_infos"];

/// Reads all that the paths name as one copy.
pub(super) fn read(paths: &[PathBuf], talk: Talk) -> Result<Copy, Problem> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, &mut found)?;
    }
    let mut maps = Vec::with_capacity(found.len());
    let mut total_bytes = 0;
    for (path, _) in &found {
        let map = open(path)?;
        total_bytes += map.as_deref().map_or(0, <[u8]>::len) as u64;
        if total_bytes > LARGEST_BYTES {
            let problem = format!("{} is more than a benchmark holds", path.display());
            let hint = format!("a copy may have {} MB in all: name its files alone", LARGEST_BYTES >> 20);
            return Err(Problem::new(problem).hint(hint));
        }
        maps.push(map);
    }
    let sources: Vec<Source<'_>> = found
        .iter()
        .zip(&maps)
        .map(|((_, name), map)| Source { name, bytes: map.as_deref().unwrap_or_default() })
        .collect();
    let copy = copies::read(&sources).map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} cannot be read as a benchmark", named(paths))).hint(
            "a copy is CSV with the columns question, choice0 …, answer, JSON Lines, JSON, Parquet, or a folder of such files, one a \
             subset",
        )
    })?;
    say(&copy, talk);
    Ok(copy)
}

/// What paths are called in a sentence.
pub(super) fn named(paths: &[PathBuf]) -> String {
    match paths {
        [one] => one.display().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
        [] => "nothing".to_owned(),
    }
}

/// A file's bytes; an empty file cannot be mapped.
fn open(path: &Path) -> Result<Option<FileMap>, Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", path, &err);
    let about = std::fs::metadata(path).map_err(cannot)?;
    if about.len() == 0 {
        return Ok(None);
    }
    FileMap::open(path).map(Some).map_err(cannot)
}

/// The files below a path, each with the folders that say what it is.
fn collect(path: &Path, found: &mut Vec<(PathBuf, String)>) -> Result<(), Problem> {
    let about = std::fs::metadata(path).map_err(|err| files::cannot("read", path, &err))?;
    if !about.is_dir() {
        if !about.is_file() {
            return Err(Problem::new(format!("{} is neither a file nor a folder", path.display()))
                .hint("name a file, or a folder of files"));
        }
        found.push((path.to_owned(), name(path)));
        return Ok(());
    }
    let before = found.len();
    walk(path, found)?;
    if found.len() == before {
        return Err(Problem::new(format!("{} holds no file of a benchmark", path.display()))
            .hint(format!("files of a benchmark end in {}", EXTENSIONS.join(", "))));
    }
    Ok(())
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) -> Result<(), Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", folder, &err);
    let entries = std::fs::read_dir(folder).map_err(cannot)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(cannot)?;
    paths.sort();
    for path in paths {
        let about = std::fs::symlink_metadata(&path).map_err(|err| files::cannot("read", &path, &err))?;
        // A link to a folder may lead back to where it stands.
        let is_file = about.is_file() || (about.is_symlink() && path.is_file());
        if about.is_dir() && !is_hidden(&path) {
            walk(&path, found)?;
        } else if is_file && is_of_benchmark(&path) {
            found.push((path.clone(), name(&path)));
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn is_of_benchmark(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
        && !is_hidden(path)
        && !ABOUT.iter().any(|word| stem.starts_with(word))
}

/// A path's last parts: its file and the three folders above.
fn name(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts[parts.len().saturating_sub(4)..].join("/")
}

/// Says what had to be read in another way than its format says.
fn say(copy: &Copy, talk: Talk) {
    for note in copy.notes.iter().take(SAID) {
        let kind = match note.kind {
            NoteKind::File => "",
            NoteKind::Repaired => "repaired: ",
            NoteKind::Damaged => "damaged: ",
        };
        talk.warn(&format!("{}, line {}: {kind}{}", note.file, note.line, note.detail));
    }
    if copy.notes.len() > SAID {
        talk.warn(&format!("and {} more such rows: --format json lists all", copy.notes.len() - SAID));
    }
}
