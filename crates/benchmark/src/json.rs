//! JSON as Python writes it: borrowed, in its own order and spelling, `NaN` included, duplicate keys refused.

use std::borrow::Cow;

use memchr::memchr2;

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

    /// Whether both are surely the same string, told without reading escapes.
    pub fn same_spelling(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Escaped(one), Self::Escaped(other)) => one == other,
            (Self::Plain(one), Self::Plain(other)) => one == other,
            _ => false,
        }
    }

    /// Whether it is this string.
    pub fn is(&self, text: &str) -> bool {
        match self {
            // An escape is longer than what it stands for.
            Self::Escaped(raw) => text.len() < raw.len() && unescaped(raw) == text,
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
    /// The member of an object under a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().find(|(name, _)| name.is(key)).map(|(_, value)| value)
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

/// A string as Python spells it with `ensure_ascii=False`; what needs no escapes is copied.
fn write_string(text: &Text<'_>, out: &mut String) {
    out.push('"');
    match text {
        Text::Plain(plain) if plain.bytes().map(needs_escape).fold(0, |any, one| any | one) == 0 => {
            out.push_str(plain);
        }
        text => escape(&text.get(), out),
    }
    out.push('"');
}

/// 1 where Python escapes a byte of a string; a number, so that many bytes are looked at in one step.
fn needs_escape(byte: u8) -> u8 {
    u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\')
}

fn escape(text: &str, out: &mut String) {
    for ch in text.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ch if ch < ' ' => {
                const HEX: [char; 16] =
                    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
                out.push_str("\\u00");
                out.push(HEX[(ch as usize >> 4) & 15]);
                out.push(HEX[ch as usize & 15]);
            }
            ch => out.push(ch),
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
fn string_stop(bytes: &[u8]) -> Option<usize> {
    memchr2(b'"', b'\\', bytes)
}
