//! Bytes with a name, and where in them something is wrong.

use memchr::{memchr, memchr_iter};

use crate::Error;
use crate::json::{self, Fault, Value};

/// No row of a log is longer; what a longer one of many small values makes in memory would fill a machine.
const MOST_LINE_BYTES: usize = 64 << 20;
/// No log that is one JSON value is longer, for the same reason.
const MOST_BYTES: usize = 512 << 20;

/// A file that somebody else opened.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path, as the user knows it; folders are parted by `/`.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

impl<'a> File<'a> {
    /// The first byte that is no white space.
    pub fn first_byte(&self) -> Option<u8> {
        self.body().iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }

    /// What is in it behind the mark that some editors put before UTF-8.
    pub fn body(&self) -> &'a [u8] {
        self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes)
    }

    /// Whether its name says JSON Lines.
    pub fn is_json_lines(&self) -> bool {
        self.name.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("jsonl"))
    }

    /// The whole as text.
    pub fn text(&self, format: &'static str) -> Result<&'a str, Error> {
        std::str::from_utf8(self.body()).map_err(|err| {
            let line = 1 + memchr_iter(b'\n', &self.body()[..err.valid_up_to()]).count() as u64;
            self.error(format, line, "it is not text in UTF-8")
        })
    }

    /// The whole as one JSON value.
    pub fn parsed(&self, format: &'static str) -> Result<Value<'a>, Error> {
        if self.bytes.len() > MOST_BYTES {
            return Err(self.error(format, 1, "it is one value of more than 512 MiB, which no log is"));
        }
        let text = self.text(format)?;
        json::parse(text).map_err(|fault| self.fault(format, text, 1, &fault))
    }

    /// The values of JSON Lines, each with its line from 1; blank lines are passed over.
    pub fn lines(
        &self,
        format: &'static str,
    ) -> impl Iterator<Item = Result<(u64, Value<'a>), Error>> + Send + use<'a> {
        let file = *self;
        let mut rest = self.body();
        let mut line = 0;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (row, after) = match memchr(b'\n', rest) {
                    Some(end) => (&rest[..end], &rest[end + 1..]),
                    None => (rest, &rest[rest.len()..]),
                };
                rest = after;
                line += 1;
                if !row.iter().all(u8::is_ascii_whitespace) {
                    return Some(file.row(format, row, line));
                }
            }
            None
        })
    }

    fn row(&self, format: &'static str, row: &'a [u8], line: u64) -> Result<(u64, Value<'a>), Error> {
        if row.len() > MOST_LINE_BYTES {
            return Err(self.error(format, line, "it is longer than 64 MiB, which no row of a log is"));
        }
        let text =
            std::str::from_utf8(row).map_err(|_| self.error(format, line, "it is not text in UTF-8"))?;
        let value = json::parse(text).map_err(|fault| self.fault(format, text, line, &fault))?;
        Ok((line, value))
    }

    /// What is wrong with a text that begins on that line.
    pub fn fault(&self, format: &'static str, text: &str, first_line: u64, fault: &Fault) -> Error {
        let before = &text.as_bytes()[..fault.at.min(text.len())];
        let line = first_line + memchr_iter(b'\n', before).count() as u64;
        let from = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let at = format!("{}, line {line}, byte {}", self.name, before.len() - from + 1);
        Error::Malformed { format, at, problem: fault.problem.to_owned() }
    }

    fn error(&self, format: &'static str, line: u64, problem: &str) -> Error {
        Error::Malformed { format, at: format!("{}, line {line}", self.name), problem: problem.to_owned() }
    }
}

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
