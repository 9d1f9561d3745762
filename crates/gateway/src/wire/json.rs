//! One pass over a JSON text that admits one reading only (RFC 8259 with the rules of I-JSON, RFC 7493).
//!
//! A gateway that reads `"model"` otherwise than the server behind it guards nothing. So what readers differ over is refused: a name
//! twice in one object (escapes taken into account), lone surrogates, bytes that are no UTF-8, depth, white space or words of no JSON.
//! Values are neither built nor copied: the members of the outermost object are handed over as the bytes that they are.

use std::borrow::Cow;
use std::ops::Range;

/// No text nests deeper.
pub const DEEPEST: usize = 64;

/// No number has more characters.
const LONGEST_NUMBER: usize = 64;

/// Why a text is refused, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct Refused {
    /// What is wrong.
    pub fault: Fault,
    /// Where, from 0.
    pub at: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no JSON.
    #[error("the body is no JSON:")]
    Syntax,
    /// It is no object.
    #[error("the body is no JSON object:")]
    NoObject,
    /// A name stands twice in one object.
    #[error("a name stands twice in one object:")]
    Duplicate,
    /// It nests deeper than [`DEEPEST`].
    #[error("the body nests deeper than 64:")]
    Depth,
    /// A number of more than 64 characters.
    #[error("a number has more than 64 characters:")]
    Number,
    /// Half a surrogate pair, or bytes that are no UTF-8.
    #[error("a string is no Unicode text:")]
    Unicode,
}

/// A member of the outermost object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value, as it stands.
    pub value: &'a str,
    /// Where the value stands.
    pub range: Range<usize>,
}

/// Reads an object and hands over its members in their order.
///
/// # Errors
/// At the first byte that makes it no single-valued JSON object.
pub fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>, Refused> {
    let text =
        std::str::from_utf8(bytes).map_err(|err| Refused { fault: Fault::Unicode, at: err.valid_up_to() })?;
    let mut reader = Reader { text, bytes, at: 0, names: Vec::new() };
    reader.space();
    if reader.peek() != Some(b'{') {
        return Err(reader.refused(Fault::NoObject));
    }
    let mut members = Vec::new();
    reader.object(1, Some(&mut members))?;
    reader.space();
    if reader.at < bytes.len() { Err(reader.refused(Fault::Syntax)) } else { Ok(members) }
}

/// Where the items of a list stand in its text.
///
/// # Errors
/// At the first byte that makes it no JSON list.
pub fn items(bytes: &[u8]) -> Result<Vec<Range<usize>>, Refused> {
    let text =
        std::str::from_utf8(bytes).map_err(|err| Refused { fault: Fault::Unicode, at: err.valid_up_to() })?;
    let mut reader = Reader { text, bytes, at: 0, names: Vec::new() };
    let mut items = Vec::new();
    reader.list(1, Some(&mut items))?;
    if reader.at < bytes.len() { Err(reader.refused(Fault::Syntax)) } else { Ok(items) }
}

/// The text of a JSON string, given with its quotation marks; none of another value.
pub fn string(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(value).ok().map(Cow::Owned)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The names of the objects that are open, the innermost last.
    names: Vec<Cow<'a, str>>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn refused(&self, fault: Fault) -> Refused {
        Refused { fault, at: self.at }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.peek() != Some(byte) {
            return Err(self.refused(Fault::Syntax));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), Refused> {
        match self.peek() {
            Some(b'"') => self.quoted().map(|_| ()),
            Some(b'{') => self.object(depth + 1, None),
            Some(b'[') => self.list(depth + 1, None),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.refused(Fault::Syntax)),
        }
    }

    fn object(&mut self, depth: usize, mut members: Option<&mut Vec<Member<'a>>>) -> Result<(), Refused> {
        if depth > DEEPEST {
            return Err(self.refused(Fault::Depth));
        }
        self.expect(b'{')?;
        self.space();
        let own = self.names.len();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = self.name()?;
            self.space();
            self.expect(b':')?;
            self.space();
            let start = self.at;
            self.names.push(name.clone());
            self.value(depth)?;
            if let Some(members) = members.as_deref_mut() {
                let range = start..self.at;
                members.push(Member { name, value: &self.text[range.clone()], range });
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                _ => return Err(self.refused(Fault::Syntax)),
            }
            self.space();
        }
        let duplicate = has_twice(&mut self.names[own..]);
        self.names.truncate(own);
        if duplicate { Err(self.refused(Fault::Duplicate)) } else { Ok(()) }
    }

    fn list(&mut self, depth: usize, mut items: Option<&mut Vec<Range<usize>>>) -> Result<(), Refused> {
        if depth > DEEPEST {
            return Err(self.refused(Fault::Depth));
        }
        self.expect(b'[')?;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let start = self.at;
            self.value(depth)?;
            if let Some(items) = items.as_deref_mut() {
                items.push(start..self.at);
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.refused(Fault::Syntax)),
            }
            self.space();
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Refused> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.refused(Fault::Syntax));
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Refused> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.refused(Fault::Syntax)) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Refused> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if self.at - start > LONGEST_NUMBER { Err(self.refused(Fault::Number)) } else { Ok(()) }
    }

    fn name(&mut self) -> Result<Cow<'a, str>, Refused> {
        let start = self.at;
        let escaped = self.quoted()?;
        let text = &self.text[start..self.at];
        if !escaped {
            return Ok(Cow::Borrowed(&text[1..text.len() - 1]));
        }
        string(text).map(|name| Cow::Owned(name.into_owned())).ok_or(self.refused(Fault::Syntax))
    }

    /// Steps over a string; whether it holds escapes.
    fn quoted(&mut self) -> Result<bool, Refused> {
        self.expect(b'"')?;
        let mut escaped = false;
        loop {
            let rest = &self.bytes[self.at..];
            let end = memchr::memchr2(b'"', b'\\', rest);
            let Some(end) = end else { return Err(self.refused(Fault::Syntax)) };
            if let Some(control) = rest[..end].iter().position(|byte| *byte < 0x20) {
                self.at += control;
                return Err(self.refused(Fault::Syntax));
            }
            self.at += end;
            if rest[end] == b'"' {
                self.at += 1;
                return Ok(escaped);
            }
            escaped = true;
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Result<(), Refused> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unit(self.at)?;
                let is_high = (0xd800..0xdc00).contains(&unit);
                if (0xdc00..0xe000).contains(&unit) {
                    return Err(self.refused(Fault::Unicode));
                }
                if is_high {
                    let low = self.unit(self.at + 6).map_err(|_| self.refused(Fault::Unicode))?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.refused(Fault::Unicode));
                    }
                    self.at += 6;
                }
                self.at += 6;
            }
            _ => return Err(self.refused(Fault::Syntax)),
        }
        Ok(())
    }

    /// The code unit of a `\uXXXX`.
    fn unit(&self, at: usize) -> Result<u32, Refused> {
        let text = self.bytes.get(at..at + 6).filter(|text| text.starts_with(b"\\u"));
        let digits = text.map(|text| &text[2..]).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(self.refused(Fault::Syntax))
    }
}

/// Whether a name stands there twice.
fn has_twice(names: &mut [Cow<'_, str>]) -> bool {
    const FEW: usize = 16;
    if names.len() <= FEW {
        return (1..names.len()).any(|idx| names[..idx].contains(&names[idx]));
    }
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}
