//! Where HTTP/1.1 requests begin and end, read so strictly that no server behind can read it otherwise.
//!
//! Request smuggling lives off bytes that two servers frame differently (RFC 9112 sections 5, 6 and 11.2). [`Framing`] follows the bytes
//! of a connection and refuses whatever leaves a choice: both lengths, several lengths, other codings than `chunked`, folded lines,
//! bare line feeds, control characters, targets that need to be normalized. It decides nothing else.

/// No head is longer.
pub const LONGEST_HEAD: usize = 32 << 10;

/// No head has more fields.
pub const MOST_FIELDS: usize = 100;

/// No line of a chunk's size, and no trailer section, is longer.
const LONGEST_CHUNK_LINE: usize = 256;

/// Why a request is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The head is too long or has too many fields.
    #[error("the head of the request is longer than 32 KiB, or has more than 100 fields")]
    TooLong,
    /// A character that no head may hold, or a line that does not end as it must.
    #[error("a control character, a bare line feed or a folded line stands in the head")]
    Character,
    /// The first line is none.
    #[error("the request line is not `METHOD /path HTTP/1.1`")]
    RequestLine,
    /// The target is not in its one plain form.
    #[error("the path is not in its plain form")]
    Target,
    /// A field without a proper name.
    #[error("a field has no proper name")]
    Field,
    /// The length is said twice, in two ways, or not as a number.
    #[error("the length of the body is not said in one way")]
    Length,
    /// No host, or several.
    #[error("not exactly one `host`")]
    Host,
    /// A chunk that does not follow the grammar.
    #[error("the body is not chunked as it must be")]
    Chunk,
}

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub struct Framing {
    state: State,
    /// The line or head read so far, where it came in pieces.
    pending: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// So many bytes of a body are to come.
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    /// The line feed pair after a chunk's data, of which so many bytes came.
    ChunkEnd(u8),
    /// The fields after the last chunk.
    Trailer,
}

/// Where in the bytes given the message began that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// Its first byte among those of this call; 0 where it began before.
    pub start: usize,
    /// Whether its head had been read, so that it was being answered already.
    pub in_body: bool,
}

impl Framing {
    /// Follows the bytes that came next.
    ///
    /// # Errors
    /// At the first byte that must not be there; nothing after it may be read.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut at = 0;
        while at < bytes.len() {
            let start = if self.pending.is_empty() { at } else { 0 };
            let in_body = self.state != State::Head;
            at = self.step(bytes, at).map_err(|refusal| Refused {
                refusal,
                start: if in_body { at } else { start },
                in_body,
            })?;
        }
        Ok(())
    }

    /// Whether the next byte begins a new request.
    pub fn is_between(&self) -> bool {
        self.state == State::Head && self.pending.is_empty()
    }

    fn step(&mut self, bytes: &[u8], at: usize) -> Result<usize, Refusal> {
        let rest = &bytes[at..];
        let skipped = |left: u64| left.min(rest.len() as u64);
        Ok(match self.state {
            State::Head => match self.take(rest, b"\r\n\r\n", LONGEST_HEAD, Refusal::TooLong)? {
                Some((head, read)) => {
                    self.state = framed(&head)?;
                    at + read
                }
                None => bytes.len(),
            },
            State::Body(left) => {
                let read = skipped(left);
                self.state = if read == left { State::Head } else { State::Body(left - read) };
                at + read as usize
            }
            State::ChunkSize => match self.take(rest, b"\r\n", LONGEST_CHUNK_LINE, Refusal::Chunk)? {
                Some((line, read)) => {
                    let size = chunk_size(&line)?;
                    self.state = if size == 0 { State::Trailer } else { State::ChunkData(size) };
                    at + read
                }
                None => bytes.len(),
            },
            State::ChunkData(left) => {
                let read = skipped(left);
                self.state = if read == left { State::ChunkEnd(0) } else { State::ChunkData(left - read) };
                at + read as usize
            }
            State::ChunkEnd(come) => {
                if rest[0] != b"\r\n"[usize::from(come)] {
                    return Err(Refusal::Chunk);
                }
                self.state = if come == 0 { State::ChunkEnd(1) } else { State::ChunkSize };
                at + 1
            }
            // No client of such an API sends trailers, and servers differ over them.
            State::Trailer => match self.take(rest, b"\r\n", 2, Refusal::Chunk)? {
                Some((line, read)) if line.len() == 2 => {
                    self.state = State::Head;
                    at + read
                }
                Some(_) => return Err(Refusal::Chunk),
                None => bytes.len(),
            },
        })
    }

    /// The bytes up to and with `end`, once they are there, and how many of `rest` they are.
    fn take(
        &mut self,
        rest: &[u8],
        end: &[u8],
        most: usize,
        too_long: Refusal,
    ) -> Result<Option<(Vec<u8>, usize)>, Refusal> {
        let before = self.pending.len();
        // Only what is new, and the few bytes before it that the end may have begun in, are searched.
        let from = before.saturating_sub(end.len() - 1);
        let room = (most + 1).saturating_sub(before).min(rest.len());
        self.pending.extend_from_slice(&rest[..room]);
        match memchr::memmem::find(&self.pending[from..], end) {
            Some(found) => {
                let length = from + found + end.len();
                self.pending.truncate(length);
                if length > most {
                    return Err(too_long);
                }
                Ok(Some((std::mem::take(&mut self.pending), length - before)))
            }
            None if self.pending.len() > most => Err(too_long),
            None => Ok(None),
        }
    }
}

/// What follows a head.
fn framed(head: &[u8]) -> Result<State, Refusal> {
    let mut lines = Lines { rest: &head[..head.len() - 2] };
    let is_1_1 = request_line(lines.next().ok_or(Refusal::RequestLine)??)?;
    let (mut length, mut chunked, mut hosts, mut count) = (None, false, 0, 0);
    for line in lines {
        let (name, value) = field(line?)?;
        count += 1;
        if count > MOST_FIELDS {
            return Err(Refusal::TooLong);
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("content-length") {
            if length.replace(number(value)?).is_some() {
                return Err(Refusal::Length);
            }
        } else if is("transfer-encoding") {
            if chunked || !value.eq_ignore_ascii_case(b"chunked") || !is_1_1 {
                return Err(Refusal::Length);
            }
            chunked = true;
        } else if is("host") {
            hosts += 1;
        }
    }
    if hosts > 1 || hosts == 0 && is_1_1 {
        return Err(Refusal::Host);
    }
    match (length, chunked) {
        (Some(_), true) => Err(Refusal::Length),
        (None, true) => Ok(State::ChunkSize),
        (Some(length), false) if length > 0 => Ok(State::Body(length)),
        (Some(_) | None, false) => Ok(State::Head),
    }
}

/// Lines that end in `\r\n` and hold no other control character.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| byte.is_ascii_control() && *byte != b'\t');
        Some(match end {
            Some(end) if self.rest[end..].starts_with(b"\r\n") => {
                let line = &self.rest[..end];
                self.rest = &self.rest[end + 2..];
                Ok(line)
            }
            _ => Err(Refusal::Character),
        })
    }
}

/// Whether a request line is one of HTTP/1.1; of HTTP/1.0 otherwise.
fn request_line(line: &[u8]) -> Result<bool, Refusal> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, words.next()) else {
        return Err(Refusal::RequestLine);
    };
    if method.is_empty() || !method.iter().all(u8::is_ascii_uppercase) {
        return Err(Refusal::RequestLine);
    }
    if !is_plain(target) {
        return Err(Refusal::Target);
    }
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        _ => Err(Refusal::RequestLine),
    }
}

/// Whether a target is a path that means the same to everyone: no dots or empty parts to take out, no escaped separators.
fn is_plain(target: &[u8]) -> bool {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let Some(parts) = path.strip_prefix(b"/") else { return false };
    let is_clean = target.iter().all(|byte| byte.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(byte));
    let mut parts = parts.split(|byte| *byte == b'/').peekable();
    let mut are_plain = is_clean;
    while let Some(part) = parts.next() {
        let is_inner_gap = part.is_empty() && (parts.peek().is_some() || path.len() > 1);
        are_plain &= !is_inner_gap && part != b"." && part != b".." && are_escapes_plain(part);
    }
    are_plain
}

/// Whether every `%` of a part of a path begins an escape of a character that neither separates nor controls.
fn are_escapes_plain(part: &[u8]) -> bool {
    let mut rest = part;
    while let Some(at) = memchr::memchr(b'%', rest) {
        let Some(digits) = rest.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok())
        else {
            return false;
        };
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if byte >= 0x20 && !b"/\\.%\x7f".contains(&byte) => rest = &rest[at + 3..],
            _ => return false,
        }
    }
    true
}

fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if line.first().is_some_and(u8::is_ascii_whitespace) {
        return Err(Refusal::Character);
    }
    let at = memchr::memchr(b':', line).ok_or(Refusal::Field)?;
    let (name, value) = (&line[..at], &line[at + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if name.is_empty() || !name.iter().all(is_token) {
        return Err(Refusal::Field);
    }
    Ok((name, value.trim_ascii()))
}

fn number(value: &[u8]) -> Result<u64, Refusal> {
    let is_number = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    if !is_number {
        return Err(Refusal::Length);
    }
    Ok(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// The size of a chunk; extensions, which servers read differently and nobody sends, are refused.
fn chunk_size(line: &[u8]) -> Result<u64, Refusal> {
    let digits = &line[..line.len() - 2];
    if !(1..=15).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Refusal::Chunk);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Refusal::Chunk)?;
    u64::from_str_radix(text, 16).map_err(|_| Refusal::Chunk)
}
