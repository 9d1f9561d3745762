//! Server-sent events as they come, split at any byte (WHATWG HTML, section 9.2.6).

/// No event is longer.
pub const LONGEST_EVENT: usize = 4 << 20;

/// An event grew beyond [`LONGEST_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than 4 MiB")]
pub struct TooLong;

/// Finds where events end.
#[derive(Debug, Default)]
pub struct Scanner {
    pending: Vec<u8>,
}

impl Scanner {
    /// Hands over each event that the next bytes complete: its bytes as they came, with the blank line that ends it.
    ///
    /// # Errors
    /// Where an event grows beyond all measure.
    pub fn push(&mut self, bytes: &[u8], mut event: impl FnMut(&[u8])) -> Result<(), TooLong> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.pending.is_empty() {
                let Some(end) = event_end(rest, 0) else { break };
                event(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            // The end may begin in what came before: at most three bytes of it.
            let before = self.pending.len();
            let from = before.saturating_sub(3);
            let seam = [&self.pending[from..], &rest[..rest.len().min(4)]].concat();
            let end = match event_end(&seam, 0).filter(|end| from + end >= before) {
                Some(end) => from + end - before,
                None => match event_end(rest, 0) {
                    Some(end) => end,
                    None => break,
                },
            };
            self.pending.extend_from_slice(&rest[..end]);
            let whole = std::mem::take(&mut self.pending);
            event(&whole);
            rest = &rest[end..];
        }
        self.pending.extend_from_slice(rest);
        if self.pending.len() > LONGEST_EVENT { Err(TooLong) } else { Ok(()) }
    }

    /// What came after the last whole event.
    pub fn rest(&self) -> &[u8] {
        &self.pending
    }
}

/// Behind the first blank line; lines end in `\n`, `\r\n` or `\r`. A `\r` at the very end is only known when the next byte is.
fn event_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
        let after = line_end(bytes, at + found)?;
        at = after;
        match bytes.get(after) {
            Some(b'\n' | b'\r') => return line_end(bytes, after),
            Some(_) => {}
            None => return None,
        }
    }
    None
}

fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'\n', _) => Some(at + 1),
        (_, Some(b'\n')) => Some(at + 2),
        (_, Some(_)) => Some(at + 1),
        (_, None) => None,
    }
}

/// What an event carries: its `data` lines, joined by line feeds; none where it has none, as a comment. The mark of byte order that may stand
/// before the first event is no part of it.
pub fn data(event: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    let mut found: Option<std::borrow::Cow<'_, [u8]>> = None;
    let event = event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event);
    for line in event.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let Some(value) = of_data(line) else { continue };
        found = Some(match found {
            None => value.into(),
            Some(before) => [before.as_ref(), value].join(&b'\n').into(),
        });
    }
    found
}

/// An event that carries other data of as many lines; everything else of it stays as it is.
pub fn with_data(event: &[u8], data: &[u8]) -> Vec<u8> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mark = if event.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut out = Vec::with_capacity(event.len() + data.len());
    out.extend_from_slice(&event[..mark]);
    for line in event[mark..].split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let text = line.strip_suffix(b"\n").or_else(|| line.strip_suffix(b"\r")).unwrap_or(line);
        match of_data(text) {
            Some(value) => {
                out.extend_from_slice(&text[..text.len() - value.len()]);
                out.extend_from_slice(lines.next().unwrap_or_default());
                out.extend_from_slice(&line[text.len()..]);
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// What a line of data says; none of another line.
fn of_data(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data")?;
    match value.first() {
        None => Some(value),
        Some(b':') => Some(value[1..].strip_prefix(b" ").unwrap_or(&value[1..])),
        Some(_) => None,
    }
}
