//! The files of a training corpus: found, opened, unpacked, read piece by piece.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use stillmark_benchmark::contamination::scan::{Place, Reader};
use stillmark_kernels::map::FileMap;

use crate::files;
use crate::interrupt;
use crate::problem::Problem;

/// What is read at a time.
const PIECE: usize = 1 << 20;
/// A line or word that is longer is refused.
const LONGEST: usize = 1 << 30;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lines,
    Text,
    Table,
}

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstandard,
    Bzip2,
}

/// The files below the paths, in the order of their names, with their sizes.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<(PathBuf, u64)>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        walk(path, &mut found)?;
    }
    if found.is_empty() {
        return Err(Problem::new("the corpus holds no file").hint("name files or folders with files in them"));
    }
    Ok(found)
}

fn walk(path: &Path, found: &mut Vec<(PathBuf, u64)>) -> Result<(), Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", path, &err);
    let about = std::fs::metadata(path).map_err(cannot)?;
    if !about.is_dir() {
        found.push((path.to_owned(), about.len()));
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(cannot)?;
    let mut below: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(cannot)?;
    below.sort();
    for path in below {
        // A link to a folder may lead back to where it stands.
        let about = std::fs::symlink_metadata(&path).map_err(|err| files::cannot("read", &path, &err))?;
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && (!about.is_symlink() || path.is_file()) {
            walk(&path, found)?;
        }
    }
    Ok(())
}

fn kind(path: &Path) -> (Kind, Packing) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let packed = [(".gz", Packing::Gzip), (".zst", Packing::Zstandard), (".bz2", Packing::Bzip2)];
    let (stem, packing) = packed
        .into_iter()
        .find_map(|(ending, packing)| Some((name.strip_suffix(ending)?, packing)))
        .unwrap_or((&name, Packing::Plain));
    let kind = match stem.rsplit_once('.').map(|(_, ending)| ending) {
        Some("jsonl" | "ndjson" | "json") => Kind::Lines,
        Some("parquet") => Kind::Table,
        _ => Kind::Text,
    };
    (kind, packing)
}

/// Searches one file.
pub(super) fn read(
    reader: &mut Reader<'_>,
    (number, path): (u32, &Path),
    field: &str,
    bar: &ProgressBar,
) -> Result<(), Problem> {
    reader.go_to(Place { file: number, line: 1, byte: 0 });
    let (kind, packing) = kind(path);
    let cannot = |err: std::io::Error| files::cannot("read", path, &err);
    if kind == Kind::Table {
        return table(reader, path, field, bar);
    }
    if packing == Packing::Plain {
        if std::fs::metadata(path).map_err(cannot)?.len() > 0 {
            let map = FileMap::open(path).map_err(cannot)?;
            let mut rest: &[u8] = &map;
            while !rest.is_empty() {
                let cut = cut(rest, kind).unwrap_or(rest.len());
                feed(reader, kind, &rest[..cut], path)?;
                bar.inc(cut as u64);
                rest = &rest[cut..];
            }
        }
    } else {
        let file = bar.wrap_read(File::open(path).map_err(cannot)?);
        let unpacked: Box<dyn Read> = match packing {
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
            _ => Box::new(zstd::Decoder::new(file).map_err(cannot)?),
        };
        stream(reader, kind, unpacked, path)?;
    }
    if kind == Kind::Text {
        reader.end_text();
    }
    Ok(())
}

/// Where a piece ends: behind its last line, or behind white space; none where there is no such place.
fn cut(text: &[u8], kind: Kind) -> Option<usize> {
    let most = text.len().min(PIECE);
    let ends = |byte: &u8| if kind == Kind::Lines { *byte == b'\n' } else { byte.is_ascii_whitespace() };
    let before = text[..most].iter().rposition(ends);
    before.or_else(|| text[most..].iter().position(ends).map(|at| most + at)).map(|at| at + 1)
}

fn stream(
    reader: &mut Reader<'_>,
    kind: Kind,
    mut unpacked: Box<dyn Read>,
    path: &Path,
) -> Result<(), Problem> {
    let cannot = |err: std::io::Error| files::cannot("unpack", path, &err);
    let mut held = Vec::new();
    loop {
        let read = unpacked.by_ref().take(PIECE as u64).read_to_end(&mut held).map_err(cannot)?;
        if read == 0 {
            return feed(reader, kind, &held, path);
        }
        while let Some(end) = cut(&held, kind) {
            feed(reader, kind, &held[..end], path)?;
            held.drain(..end);
        }
        if held.len() > LONGEST {
            return Err(Problem::new(format!("{} holds a line of more than 1 GB", path.display()))
                .hint("a training corpus has a document a line: split it"));
        }
    }
}

fn feed(reader: &mut Reader<'_>, kind: Kind, piece: &[u8], path: &Path) -> Result<(), Problem> {
    if interrupt::requested() {
        return Err(Problem::interrupted("nothing was written: run the same command again"));
    }
    if kind == Kind::Text {
        reader.text(piece);
        return Ok(());
    }
    reader.json_lines(piece).map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} is no corpus of documents", path.display()))
            .hint("a line is a JSON object with the text in one field: name it with `--field`")
    })
}

fn table(reader: &mut Reader<'_>, path: &Path, field: &str, bar: &ProgressBar) -> Result<(), Problem> {
    let broken = |problem: String| {
        Problem::new(format!("{} is no table of documents", path.display()))
            .cause(problem)
            .hint("the column with the text is named with `--field`")
    };
    let file = File::open(path).map_err(|err| files::cannot("read", path, &err))?;
    let size = file.metadata().map_or(0, |about| about.len());
    let table = SerializedFileReader::new(file).map_err(|err| broken(err.to_string()))?;
    for (row, found) in table.get_row_iter(None).map_err(|err| broken(err.to_string()))?.enumerate() {
        let found = found.map_err(|err| broken(format!("row {}: {err}", row + 1)))?;
        let value = found.get_column_iter().find(|(name, _)| *name == field).map(|(_, value)| value);
        match value {
            Some(Field::Str(text)) => reader.row(text.as_bytes()),
            Some(Field::Bytes(text)) => reader.row(text.data()),
            Some(Field::Null) => reader.row(b""),
            Some(_) => return Err(broken(format!("row {}: the column `{field}` is no text", row + 1))),
            None => return Err(broken(format!("there is no column `{field}`"))),
        }
        if row % 1024 == 0 && interrupt::requested() {
            return Err(Problem::interrupted("nothing was written: run the same command again"));
        }
    }
    bar.inc(size);
    Ok(())
}
