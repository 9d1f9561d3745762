//! The files of a training corpus: found, opened, unpacked, handed out piece by piece.
//!
//! [`Corpus::next`] hands out pieces in the order of the files; whoever takes one searches it by [`Piece::search`], many at a time. What is
//! found hangs on no order, and a piece knows its place, so that the answer is the same however many search.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stillmark_benchmark::contamination::scan::{self, Place, Reader};
use stillmark_benchmark::packing::Packing;
use stillmark_kernels::map::FileMap;

use super::table;
use crate::files;
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

/// What a file holds, and how it is packed where it is.
fn kind(path: &Path) -> (Kind, Option<Packing>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let packed = [(".gz", Packing::Gzip), (".zst", Packing::Zstandard), (".bz2", Packing::Bzip2)];
    let (stem, packing) = packed
        .into_iter()
        .find_map(|(ending, packing)| Some((name.strip_suffix(ending)?, Some(packing))))
        .unwrap_or((&name, None));
    let kind = match stem.rsplit_once('.').map(|(_, ending)| ending) {
        Some("jsonl" | "ndjson" | "json") => Kind::Lines,
        Some("parquet") => Kind::Table,
        _ => Kind::Text,
    };
    (kind, packing)
}

/// Where a corpus is read on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The file, counted from 0.
    file: usize,
    /// Its byte, unpacked; of a table the row group.
    byte: u64,
    /// The lines (of a table the rows) before.
    lines: u64,
}

/// The files of a corpus, handed out piece by piece.
pub(super) struct Corpus<'a> {
    files: &'a [(PathBuf, u64)],
    at: Position,
    open: Option<Open>,
    /// Bytes of the files that were gone through, as they lie on the disk.
    passed: u64,
}

/// A file that is being handed out.
enum Open {
    Mapped(Arc<FileMap>),
    Packed { unpacked: Box<dyn Read + Send>, held: Vec<u8> },
    Table { groups: Vec<u64>, share: u64 },
}

/// What is searched at a time.
pub(super) struct Piece {
    /// Where it begins.
    place: Place,
    /// How much of the corpus it is, roughly.
    pub(super) size: u64,
    what: What,
}

enum What {
    Mapped(Arc<FileMap>, usize, usize),
    Held(Vec<u8>),
    Text,
    Group(usize),
}

impl<'a> Corpus<'a> {
    pub(super) fn new(files: &'a [(PathBuf, u64)]) -> Self {
        Self { files, at: Position::default(), open: None, passed: 0 }
    }

    /// Where the next piece begins.
    pub(super) fn position(&self) -> Position {
        self.at
    }

    /// Goes on from a position that another corpus of the same files was at.
    pub(super) fn go_to(&mut self, at: Position) -> Result<(), Problem> {
        self.passed = self.files.iter().take(at.file).map(|(_, size)| size).sum();
        self.at = Position { file: at.file, ..Position::default() };
        if at.byte > 0 && at.file < self.files.len() {
            self.open()?;
            if let Some(Open::Packed { unpacked, .. }) = &mut self.open {
                let path = &self.files[at.file].0;
                std::io::copy(&mut unpacked.by_ref().take(at.byte), &mut std::io::sink())
                    .map_err(|err| files::cannot("unpack", path, &err))?;
            }
        }
        self.at = at;
        Ok(())
    }

    /// How much of the files lies before the next piece, as far as that is known.
    pub(super) fn passed(&self) -> u64 {
        match &self.open {
            Some(Open::Mapped(_)) => self.passed + self.at.byte,
            Some(Open::Table { share, .. }) => self.passed + share * self.at.byte,
            Some(Open::Packed { .. }) | None => self.passed,
        }
    }

    /// The next piece; none where all were handed out.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Problem> {
        while let Some((path, size)) = self.files.get(self.at.file) {
            if kind(path).0 == Kind::Text {
                let piece = Piece { place: self.place(), size: *size, what: What::Text };
                self.close();
                return Ok(Some(piece));
            }
            self.open()?;
            if let Some(piece) = self.piece()? {
                return Ok(Some(piece));
            }
            self.close();
        }
        Ok(None)
    }

    fn place(&self) -> Place {
        Place { file: self.at.file as u32, line: self.at.lines + 1, byte: self.at.byte }
    }

    fn close(&mut self) {
        self.passed += self.files[self.at.file].1;
        self.open = None;
        self.at = Position { file: self.at.file + 1, ..Position::default() };
    }

    fn open(&mut self) -> Result<(), Problem> {
        let (path, size) = &self.files[self.at.file];
        if self.open.is_some() || *size == 0 {
            return Ok(());
        }
        let cannot = |err: std::io::Error| files::cannot("read", path, &err);
        self.open = Some(match kind(path) {
            (Kind::Table, _) => {
                let groups = table::groups(path)?;
                let share = size / groups.len().max(1) as u64;
                Open::Table { groups, share }
            }
            (_, None) => Open::Mapped(Arc::new(FileMap::open(path).map_err(cannot)?)),
            (_, Some(packing)) => Open::Packed { unpacked: unpacked(path, packing)?, held: Vec::new() },
        });
        Ok(())
    }

    /// The next piece of the file that is open; none at its end.
    fn piece(&mut self) -> Result<Option<Piece>, Problem> {
        let place = self.place();
        match &mut self.open {
            None => Ok(None),
            Some(Open::Mapped(map)) => {
                let from = self.at.byte as usize;
                let rest = map.get(from..).unwrap_or_default();
                if rest.is_empty() {
                    return Ok(None);
                }
                let length = cut(rest, Kind::Lines).unwrap_or(rest.len());
                self.at.byte += length as u64;
                self.at.lines += lines(&rest[..length]);
                let what = What::Mapped(Arc::clone(map), from, from + length);
                Ok(Some(Piece { place, size: length as u64, what }))
            }
            Some(Open::Packed { unpacked, held }) => {
                let piece = next_lines(unpacked, held, &self.files[self.at.file].0)?;
                self.at.byte += piece.len() as u64;
                self.at.lines += lines(&piece);
                let size = piece.len() as u64;
                Ok((size > 0).then_some(Piece { place, size, what: What::Held(piece) }))
            }
            Some(Open::Table { groups, share }) => {
                let group = self.at.byte as usize;
                let Some(rows) = groups.get(group) else { return Ok(None) };
                self.at.byte += 1;
                self.at.lines += rows;
                Ok(Some(Piece { place: Place { byte: 0, ..place }, size: *share, what: What::Group(group) }))
            }
        }
    }
}

impl Piece {
    /// Searches it.
    pub(super) fn search(
        &self,
        reader: &mut Reader<'_>,
        files: &[(PathBuf, u64)],
        field: &str,
    ) -> Result<(), Problem> {
        let path = &files[self.place.file as usize].0;
        reader.go_to(self.place);
        match &self.what {
            What::Mapped(map, from, to) => search_lines(reader, &map[*from..*to], path),
            What::Held(lines) => search_lines(reader, lines, path),
            What::Text => text(reader, path),
            What::Group(group) => table::search(reader, path, *group, field),
        }
    }

    /// Which of several comes first.
    pub(super) fn place(&self) -> Place {
        self.place
    }
}

fn lines(piece: &[u8]) -> u64 {
    scan::lines(piece)
}

fn search_lines(reader: &mut Reader<'_>, lines: &[u8], path: &Path) -> Result<(), Problem> {
    reader.json_lines(lines).map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} is no corpus of documents", path.display()))
            .hint("a line is a JSON object with the text in one field: name it with `--field`")
    })
}

/// A plain text is one document.
fn text(reader: &mut Reader<'_>, path: &Path) -> Result<(), Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", path, &err);
    match kind(path).1 {
        None if std::fs::metadata(path).map_err(cannot)?.len() == 0 => {}
        None => {
            let map = FileMap::open(path).map_err(cannot)?;
            let mut rest: &[u8] = &map;
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(cut(rest, Kind::Text).unwrap_or(rest.len()));
                reader.text(piece);
                rest = later;
            }
        }
        Some(packing) => {
            let (mut unpacked, mut held) = (unpacked(path, packing)?, Vec::new());
            while read_more(&mut unpacked, &mut held, path)? {
                while let Some(end) = cut(&held, Kind::Text) {
                    reader.text(&held[..end]);
                    held.drain(..end);
                }
            }
            reader.text(&held);
        }
    }
    reader.end_text();
    Ok(())
}

fn unpacked(path: &Path, packing: Packing) -> Result<Box<dyn Read + Send>, Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", path, &err);
    packing.reader(File::open(path).map_err(cannot)?).map_err(cannot)
}

/// Whole lines, some megabyte of them; nothing at the end.
fn next_lines(
    unpacked: &mut Box<dyn Read + Send>,
    held: &mut Vec<u8>,
    path: &Path,
) -> Result<Vec<u8>, Problem> {
    loop {
        let goes_on = read_more(unpacked, held, path)?;
        let end = if goes_on {
            held.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1)
        } else {
            Some(held.len())
        };
        if let Some(end) = end {
            let later = held.split_off(end);
            return Ok(std::mem::replace(held, later));
        }
    }
}

/// Reads some more; `false` at the end.
fn read_more(unpacked: &mut Box<dyn Read + Send>, held: &mut Vec<u8>, path: &Path) -> Result<bool, Problem> {
    if held.len() > LONGEST {
        return Err(Problem::new(format!("{} holds a line of more than 1 GB", path.display()))
            .hint("a training corpus has a document a line: split it"));
    }
    held.reserve(PIECE);
    let read = unpacked.by_ref().take(PIECE as u64).read_to_end(held);
    read.map(|read| read > 0).map_err(|err| files::cannot("unpack", path, &err))
}

/// Where a piece ends: behind its last line, or behind white space; none where there is no such place.
fn cut(text: &[u8], kind: Kind) -> Option<usize> {
    let most = text.len().min(PIECE);
    let ends = |byte: &u8| if kind == Kind::Lines { *byte == b'\n' } else { byte.is_ascii_whitespace() };
    let before = text[..most].iter().rposition(ends);
    before.or_else(|| text[most..].iter().position(ends).map(|at| most + at)).map(|at| at + 1)
}
