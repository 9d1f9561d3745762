//! JSON as Python writes it: borrowed, in its own order and spelling, `NaN` included, duplicate keys refused.

use std::borrow::Cow;

use memchr::memchr2;

use crate::bytes::next_special;

pub(crate) use cursor::Cursor;

mod cursor;
mod scan;

/// How deep values may lie within one another.
pub const MAX_DEPTH: usize = 64;

/// What is wrong with a text that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The byte at which it is wrong.
    pub at: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// A string: as it stands in a JSON text, or as a reader made it.
#[derive(Debug, Clone)]
pub enum Text<'a> {
    /// Between its quotation marks, with escapes; they were checked.
    Escaped(&'a str),
    /// The string itself.
    Plain(Cow<'a, str>),
}

/// One value, with its own spelling.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    /// The value as it is spelled.
    pub raw: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, or one of Python's `NaN`, `Infinity`, `-Infinity`.
    Number,
    /// A string.
    Text(Text<'a>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object, in the order of its keys.
    Object(Vec<(Text<'a>, Value<'a>)>),
}

/// Reads one value, and nothing after it but white space.
pub fn parse(text: &str) -> Result<Value<'_>, Fault> {
    scan::Scanner::new(text).whole()
}

impl<'a> Text<'a> {
    /// The string itself.
    pub fn get(&self) -> Cow<'a, str> {
        match self {
            Self::Escaped(raw) => unescaped(raw),
            Self::Plain(text) => text.clone(),
        }
    }

    /// Whether both can be the same string; without escapes the lengths tell.
    #[inline]
    fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(one), Self::Plain(other)) => one.len() == other.len(),
            _ => true,
        }
    }

    /// Whether both are surely the same string, told without reading escapes.
    pub fn same_spelling(&self, other: &Self) -> bool {
        match (self, other) {
            // What a text repeats is often one and the same place in it.
            (Self::Escaped(one), Self::Escaped(other)) => std::ptr::eq(*one, *other) || one == other,
            (Self::Plain(one), Self::Plain(other)) => one == other,
            _ => false,
        }
    }

    /// Whether it is this string.
    pub fn is(&self, text: &str) -> bool {
        match self {
            // An escape is longer than what it stands for, six times at most.
            Self::Escaped(raw) => {
                text.len() < raw.len() && raw.len() <= 6 * text.len() && unescaped(raw) == text
            }
            Self::Plain(plain) => plain == text,
        }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Plain(Cow::Owned(text))
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(one), Self::Plain(other)) => one == other,
            _ => self.same_spelling(other) || self.get() == other.get(),
        }
    }
}

impl<'a> Value<'a> {
    /// What stands where nothing was read yet.
    const NULL: Self = Self { raw: "", kind: Kind::Null };

    /// The member of an object under a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }

    /// Takes the member of an object under a key out of it; `null` stays in its place.
    pub fn take(&mut self, key: &str) -> Option<Self> {
        let Kind::Object(members) = &mut self.kind else { return None };
        let (_, value) = members.iter_mut().find(|(name, _)| name.is(key))?;
        Some(Self { raw: value.raw, kind: std::mem::replace(&mut value.kind, Kind::Null) })
    }

    /// The members of an object; none where it is something else.
    pub fn members(&self) -> &[(Text<'a>, Self)] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; none where it is something else.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The string, where it is one.
    pub fn text(&self) -> Option<&Text<'a>> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The string itself, where it is one.
    pub fn string(&self) -> Option<Cow<'a, str>> {
        self.text().map(Text::get)
    }

    /// The number, where it is one; `NaN` and the infinities are.
    pub fn number(&self) -> Option<f64> {
        match (&self.kind, self.raw) {
            (Kind::Number, "NaN") => Some(f64::NAN),
            (Kind::Number, "Infinity") => Some(f64::INFINITY),
            (Kind::Number, "-Infinity") => Some(f64::NEG_INFINITY),
            (Kind::Number, raw) => raw.parse().ok(),
            _ => None,
        }
    }

    /// The whole number, where it is one that is not negative.
    pub fn whole_number(&self) -> Option<u64> {
        match self.kind {
            Kind::Number => self.raw.parse().ok(),
            _ => None,
        }
    }

    /// The truth value, where it is one.
    pub fn truth(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Appends it as Python's `json.dumps(value, indent=2, ensure_ascii=False)` spells it; numbers keep their spelling.
    pub fn write_indented(&self, out: &mut String) {
        self.indented(0, out);
    }

    fn indented(&self, depth: usize, out: &mut String) {
        match &self.kind {
            Kind::List(items) if items.is_empty() => out.push_str("[]"),
            Kind::Object(members) if members.is_empty() => out.push_str("{}"),
            Kind::List(items) => {
                out.push('[');
                for (idx, item) in items.iter().enumerate() {
                    new_line(idx, depth + 1, out);
                    item.indented(depth + 1, out);
                }
                end_line(depth, out);
                out.push(']');
            }
            Kind::Object(members) => {
                out.push('{');
                for (idx, (key, value)) in members.iter().enumerate() {
                    new_line(idx, depth + 1, out);
                    write_string(key, out);
                    out.push_str(": ");
                    value.indented(depth + 1, out);
                }
                end_line(depth, out);
                out.push('}');
            }
            Kind::Text(text) => write_string(text, out),
            Kind::Null | Kind::Bool(_) | Kind::Number => out.push_str(self.raw),
        }
    }
}

fn new_line(idx: usize, depth: usize, out: &mut String) {
    if idx > 0 {
        out.push(',');
    }
    end_line(depth, out);
}

fn end_line(depth: usize, out: &mut String) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// A string as Python spells it with `ensure_ascii=False`.
fn write_string(text: &Text<'_>, out: &mut String) {
    out.push('"');
    let text = text.get();
    let mut rest = text.as_ref();
    // What is special is ASCII: the text may be cut there.
    while let Some(at) = next_special(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        escape(rest.as_bytes()[at], out);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn escape(byte: u8, out: &mut String) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        8 => out.push_str("\\b"),
        12 => out.push_str("\\f"),
        control => {
            const HEX: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
            out.push_str("\\u00");
            out.push(HEX[usize::from(control >> 4) & 15]);
            out.push(HEX[usize::from(control) & 15]);
        }
    }
}

/// Reads the escapes of a string whose escapes were checked.
fn unescaped(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else { return Cow::Borrowed(raw) };
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut at = Some(first);
    while let Some(backslash) = at {
        out.push_str(&rest[..backslash]);
        rest = &rest[backslash + 1..];
        let (ch, len) = escaped(rest);
        out.push(ch);
        rest = &rest[len..];
        at = memchr::memchr(b'\\', rest.as_bytes());
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character after a backslash, and how many bytes spell it.
fn escaped(rest: &str) -> (char, usize) {
    let ch = match rest.as_bytes().first() {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode(rest),
        Some(other) => char::from(*other),
        None => return (char::REPLACEMENT_CHARACTER, 0),
    };
    (ch, 1)
}

fn unicode(rest: &str) -> (char, usize) {
    let unit = |from: usize| rest.get(from..from + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let high = unit(1).unwrap_or(0xfffd);
    if (0xd800..0xdc00).contains(&high) {
        let low = unit(7).unwrap_or(0xdc00);
        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

/// The next quotation mark or backslash.
#[inline]
fn string_stop(bytes: &[u8]) -> Option<usize> {
    // Most strings of a log are a few bytes: those are looked at without a call.
    if let Some(first) = bytes.first_chunk::<8>() {
        let word = u64::from_le_bytes(*first);
        let stops = zero_bytes(word ^ QUOTES) | zero_bytes(word ^ BACKSLASHES);
        if stops != 0 {
            return Some((stops.trailing_zeros() / 8) as usize);
        }
        return memchr2(b'"', b'\\', &bytes[8..]).map(|at| at + 8);
    }
    bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'))
}

const QUOTES: u64 = 0x2222_2222_2222_2222;
const BACKSLASHES: u64 = 0x5c5c_5c5c_5c5c_5c5c;

/// The high bit of the first byte that is zero, and of none before it.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}
