//! Tables of text, whole or damaged.
//!
//! Rows are read as Python's `csv` reads them, since that is what most copies were written and are read with. A row that then has not the
//! columns of the header, or has swallowed rows behind an unbalanced quote, is read again in other ways until it makes sense; such a row is
//! marked as repaired, and one that never makes sense as damaged. Whether a file escapes its quotes with backslashes is decided once, by which
//! reading leaves more rows as a program writes them.

mod quotes;

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memmem};

use quotes::{Quotes, closes, has_bare_quote, is_escaped, unescaped};

/// How many lines a torn row is pieced together from, at most.
const TORN_LINES: usize = 64;

/// What is said of a row whose quotes are escaped.
const ESCAPED: &str = "its quotes are escaped with backslashes, not doubled";

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// The line on which it starts, from 1.
    pub(super) line: usize,
    /// Its cells.
    pub(super) cells: Vec<Cow<'a, str>>,
    /// How it had to be read.
    pub(super) state: State,
}

/// How a row had to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As the format says.
    Sound,
    /// In another way, which is named.
    Repaired(&'static str),
    /// In no way: what is wrong.
    Damaged(&'static str),
}

/// What a row must look like.
pub(super) struct Shape<'s> {
    /// How many cells it has.
    pub(super) width: usize,
    /// Whether cells that are as many as wanted also make sense.
    pub(super) fits: &'s dyn Fn(&[Cow<'_, str>]) -> bool,
    /// Whether `fits` says enough to tell a row from a line of text.
    pub(super) is_telling: bool,
}

/// A place in a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    text: &'a str,
    separator: u8,
    start: usize,
    line: usize,
    /// How a sound row is read.
    plain: Quotes,
}

/// What was read of one row.
struct Read<'a> {
    cells: Vec<Cow<'a, str>>,
    end: usize,
    is_closed: bool,
    writing: Writing,
    /// Whether a backslash was taken away.
    is_unescaped: bool,
}

/// How far the quotes of a row are as a program writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Writing {
    /// All of them.
    Sound,
    /// A cell without quotes around it holds one.
    Bare,
    /// One inside a quoted cell is not as the format wants it.
    Broken,
}

impl<'a> Table<'a> {
    /// The table that a text holds.
    pub(super) fn new(text: &'a str, separator: u8) -> Self {
        let mut table = Self { text, separator, start: 0, line: 1, plain: Quotes::Python };
        let may_escape = memmem::find(text.as_bytes(), br#"\""#).is_some();
        if may_escape && table.n_as_written(Quotes::Backslash) > table.n_as_written(Quotes::Python) {
            table.plain = Quotes::Backslash;
        }
        table
    }

    /// How many rows are as wide as the first and as a program with such quotes writes them.
    fn n_as_written(mut self, quotes: Quotes) -> usize {
        let (mut width, mut n) = (None, 0);
        self.skip_blank();
        while self.start < self.text.len() {
            let read = self.read(self.start, quotes, self.text.len());
            let is_wide = *width.get_or_insert(read.cells.len()) == read.cells.len();
            n += usize::from(is_wide && read.is_closed && read.writing == Writing::Sound);
            self.start = read.end;
        }
        n
    }

    /// The first row and the table after it.
    pub(super) fn header(mut self) -> (Vec<Cow<'a, str>>, Self) {
        self.skip_blank();
        let read = self.read(self.start, self.plain, self.text.len());
        self.advance(read.end);
        (read.cells, self)
    }

    /// The next row; none at the end.
    pub(super) fn next(&mut self, shape: &Shape<'_>) -> Option<Row<'a>> {
        self.skip_blank();
        if self.start >= self.text.len() {
            return None;
        }
        let line = self.line;
        let read = self.read(self.start, self.plain, self.text.len());
        let fits = read.cells.len() == shape.width && read.is_closed;
        // A quote that text follows and that lines were read into is one that was never meant to open.
        let is_clean =
            read.writing < Writing::Broken || !shape.is_telling || self.line_end(self.start) >= read.end;
        let is_strict = fits && read.writing == Writing::Sound;
        if let Some(again) = (!is_strict).then(|| self.escaped(shape)).flatten() {
            self.advance(again.end);
            return Some(Row { line, cells: again.cells, state: State::Repaired(ESCAPED) });
        }
        if fits && is_clean && !self.swallows(read.end, self.plain, shape) {
            self.advance(read.end);
            let state = if read.is_unescaped { State::Repaired(ESCAPED) } else { State::Sound };
            return Some(Row { line, cells: read.cells, state });
        }
        let (mut row, end) = self.repaired(&read, shape);
        row.line = line;
        self.advance(end);
        Some(row)
    }

    /// The row of a sound file whose own quotes are escaped, if it is one.
    fn escaped(&self, shape: &Shape<'_>) -> Option<Read<'a>> {
        let line = &self.text.as_bytes()[self.start..self.line_end(self.start)];
        memmem::find(line, br#"\""#).filter(|_| self.plain == Quotes::Python)?;
        let read = self.read(self.start, Quotes::Backslash, self.text.len());
        let is_written = read.is_unescaped && read.is_closed && read.writing == Writing::Sound;
        let fits = is_written && read.cells.len() == shape.width && (shape.fits)(&read.cells);
        (fits && !self.swallows(read.end, Quotes::Backslash, shape)).then_some(read)
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.text.as_bytes().get(self.start) {
            match byte {
                b'\n' => self.line += 1,
                b'\r' => {}
                _ => return,
            }
            self.start += 1;
        }
    }

    fn advance(&mut self, end: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.text.as_bytes()[self.start..end]).count();
        self.start = end;
    }

    /// The end of the line that holds `from`, its line feed included.
    fn line_end(&self, from: usize) -> usize {
        memchr(b'\n', &self.text.as_bytes()[from..]).map_or(self.text.len(), |at| from + at + 1)
    }

    /// Whether a row up to `end` holds a line that is a row of its own: then an unbalanced quote joined them.
    fn swallows(&self, end: usize, quotes: Quotes, shape: &Shape<'_>) -> bool {
        if !shape.is_telling {
            return false;
        }
        let mut start = self.line_end(self.start);
        while start < end {
            let next = self.line_end(start);
            if self.is_row(start..next, quotes, shape) {
                return true;
            }
            start = next;
        }
        false
    }

    /// Whether a line is a row; the last line of a quoted cell has a quote too few.
    fn is_row(&self, line: Range<usize>, quotes: Quotes, shape: &Shape<'_>) -> bool {
        let bytes = &self.text.as_bytes()[line.clone()];
        let is_quote = |at: &usize| quotes != Quotes::Backslash || !is_escaped(&bytes[..*at]);
        if !memchr::memchr_iter(b'"', bytes).filter(is_quote).count().is_multiple_of(2) {
            return false;
        }
        let read = self.read(line.start, quotes, line.end);
        read.end == line.end && read.is_closed && read.cells.len() == shape.width && (shape.fits)(&read.cells)
    }

    /// Reads a row anew in every other way that is known; the end of what it took.
    fn repaired(&self, read: &Read<'a>, shape: &Shape<'_>) -> (Row<'a>, usize) {
        let ways = [
            (Quotes::Python, "its quote is never closed, or a line end stands outside quotes"),
            (Quotes::Outer, "quotes inside cells are not doubled"),
            (Quotes::Wrapped, "quotes inside cells are not doubled"),
            (Quotes::Text, "quotes are not balanced"),
            (Quotes::SpacedText, "cells with commas stand without quotes"),
        ];
        let mut end = self.start;
        for lines in 0..TORN_LINES {
            if end >= self.text.len() {
                break;
            }
            // A line without a separator is a piece of a cell, whatever follows.
            let is_piece = memchr(self.separator, &self.text.as_bytes()[self.start..end]).is_none();
            if lines > 0 && !is_piece && self.is_row(end..self.line_end(end), self.plain, shape) {
                break;
            }
            end = self.line_end(end);
            for (quotes, how) in ways {
                let again = self.read(self.start, quotes, end);
                let cells = self.joined(again, quotes, end);
                if cells.len() == shape.width && (shape.fits)(&cells) && shape.is_telling {
                    return (Row { line: 0, cells, state: State::Repaired(how) }, end);
                }
            }
            if let Some(cells) = self.anchored_right(end, shape) {
                let what =
                    "has commas outside quotes: what stands before its last columns was taken as the first";
                return (Row { line: 0, cells, state: State::Damaged(what) }, end);
            }
        }
        self.damaged(read, shape)
    }

    /// The cells up to `end` where more separators stand in them than columns: the last ones, and all that is before as the first.
    fn anchored_right(&self, end: usize, shape: &Shape<'_>) -> Option<Vec<Cow<'a, str>>> {
        let mut cells = self.joined(self.read(self.start, Quotes::Text, end), Quotes::Text, end);
        let extra = cells.len().checked_sub(shape.width).filter(|_| shape.is_telling)?;
        let first = cells.drain(..=extra).collect::<Vec<_>>().join(&char::from(self.separator).to_string());
        cells.insert(0, Cow::Owned(first));
        (shape.fits)(&cells).then_some(cells)
    }

    /// The cells up to `end`, line ends between them being text.
    fn joined(&self, mut read: Read<'a>, quotes: Quotes, end: usize) -> Vec<Cow<'a, str>> {
        while read.end < end {
            let more = self.read(read.end, quotes, end);
            read.end = more.end;
            let mut cells = more.cells.into_iter();
            if let (Some(last), Some(first)) = (read.cells.last_mut(), cells.next()) {
                *last = Cow::Owned(format!("{last}\n{first}"));
            }
            read.cells.extend(cells);
        }
        read.cells
    }

    /// A row that makes no sense: its cells as they lie, as many as wanted.
    fn damaged(&self, read: &Read<'a>, shape: &Shape<'_>) -> (Row<'a>, usize) {
        let is_whole = read.is_closed && !self.swallows(read.end, self.plain, shape);
        let (mut cells, end) = if is_whole {
            (read.cells.clone(), read.end)
        } else {
            let end = self.line_end(self.start);
            (self.read(self.start, Quotes::Outer, end).cells, end)
        };
        let what = match cells.len() {
            _ if !read.is_closed => "a quote is never closed",
            found if found < shape.width => "has fewer columns than the header",
            found if found > shape.width => "has more columns than the header",
            _ => "its cells make no sense",
        };
        cells.resize(shape.width, Cow::Borrowed(""));
        (Row { line: 0, cells, state: State::Damaged(what) }, end)
    }

    /// Reads one row from `start`, at most up to `limit`.
    fn read(&self, start: usize, quotes: Quotes, limit: usize) -> Read<'a> {
        let mut read = Read {
            cells: Vec::with_capacity(8),
            end: start,
            is_closed: true,
            writing: Writing::Sound,
            is_unescaped: false,
        };
        let mut at = start;
        let bytes = &self.text.as_bytes()[..limit];
        loop {
            let opens = !matches!(quotes, Quotes::Text | Quotes::SpacedText) && bytes.get(at) == Some(&b'"');
            at = if opens {
                self.quoted(at + 1, quotes, limit, &mut read)
            } else {
                let end = self.bare(at, quotes, limit);
                let cell = self.cell(at..end, limit);
                if has_bare_quote(cell, quotes) {
                    read.writing = read.writing.max(Writing::Bare);
                }
                read.cells.push(Cow::Borrowed(cell));
                end
            };
            if quotes == Quotes::Backslash
                && let Some(cell) = read.cells.last_mut()
                && let Some(text) = unescaped(cell, self.separator)
            {
                *cell = Cow::Owned(text);
                read.is_unescaped = true;
            }
            match bytes.get(at) {
                Some(byte) if *byte == self.separator => at += 1,
                Some(_) => {
                    read.end = at + 1;
                    return read;
                }
                None => {
                    read.end = limit;
                    return read;
                }
            }
        }
    }

    /// The text of a cell; the last one of a line has no carriage return before the line feed.
    fn cell(&self, range: Range<usize>, limit: usize) -> &'a str {
        let is_last = range.end >= limit || self.text.as_bytes()[range.end] == b'\n';
        let cell = &self.text[range];
        if is_last { cell.strip_suffix('\r').unwrap_or(cell) } else { cell }
    }

    /// The end of a cell without quotes: the next separator, line feed or the limit.
    fn bare(&self, start: usize, quotes: Quotes, limit: usize) -> usize {
        let bytes = &self.text.as_bytes()[..limit];
        let mut at = start;
        while let Some(found) = memchr2(self.separator, b'\n', &bytes[at..]) {
            at += found;
            let is_text = match quotes {
                Quotes::SpacedText => bytes[at] != b'\n' && bytes.get(at + 1) == Some(&b' '),
                Quotes::Backslash => is_escaped(&bytes[start..at]),
                _ => false,
            };
            if !is_text {
                return at;
            }
            at += 1;
        }
        limit
    }

    /// Reads a cell whose quote was opened just before `start`; returns where its separator or line feed stands.
    fn quoted(&self, start: usize, quotes: Quotes, limit: usize, read: &mut Read<'a>) -> usize {
        let bytes = &self.text.as_bytes()[..limit];
        let mut held = String::new();
        let mut from = start;
        let mut at = start;
        loop {
            let Some(quote) = memchr(b'"', &bytes[at..]).map(|found| at + found) else {
                read.is_closed = false;
                push(read, held, &self.text[from..limit]);
                return limit;
            };
            if quotes == Quotes::Backslash && is_escaped(&bytes[start..quote]) {
                at = quote + 1;
                continue;
            }
            let after = bytes.get(quote + 1);
            if closes(&bytes[quote + 1..], self.separator, quotes) {
                push(read, held, &self.text[from..quote]);
                return quote + 1 + usize::from(after == Some(&b'\r'));
            }
            held.push_str(&self.text[from..quote]);
            if after != Some(&b'"') || quotes == Quotes::Backslash {
                read.writing = Writing::Broken;
            }
            if after == Some(&b'"') {
                held.push('"');
                (from, at) = (quote + 2, quote + 2);
                continue;
            }
            if quotes == Quotes::Python {
                let end = self.bare(quote + 1, quotes, limit);
                push(read, held, self.cell(quote + 1..end, limit));
                return end;
            }
            (from, at) = (quote, quote + 1);
        }
    }
}

fn push<'a>(read: &mut Read<'a>, held: String, rest: &'a str) {
    let cell = if held.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned(held + rest) };
    read.cells.push(cell);
}
