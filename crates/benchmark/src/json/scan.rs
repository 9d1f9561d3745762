//! One pass over a JSON text.

use super::{Fault, Kind, MAX_DEPTH, Text, Value, string_stop};

/// Beyond so many members duplicates are looked for by sorting.
const FEW_MEMBERS: usize = 24;

/// How many members the outermost object has room for at once.
const OUTER_MEMBERS: usize = 16;

/// Strings of so many bytes are remembered: what repeats is compared, not read again.
const LONG: usize = 64;

/// A position in a text.
///
/// Values are written where they are to stay: to hand them up through results costs more than to read them.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The string that was read last, and whether it has escapes.
    string: (&'a str, bool),
    /// The last long one: logs repeat a prompt for every choice.
    last: (&'a str, bool),
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, string: ("", false), last: ("", false) }
    }

    pub(super) fn whole(mut self) -> Result<Value<'a>, Fault> {
        let mut value = Value::NULL;
        self.value(0, &mut value)?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.fault("something follows the value"));
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize, out: &mut Value<'a>) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault("values lie too deep within one another"));
        }
        self.space();
        let from = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
                put(out, Kind::Text(self.last_string()));
            }
            Some(b'{') => {
                put(out, Kind::Object(Vec::new()));
                if let Kind::Object(members) = &mut out.kind {
                    self.object(depth, members)?;
                }
            }
            Some(b'[') => {
                put(out, Kind::List(Vec::new()));
                if let Kind::List(items) = &mut out.kind {
                    self.list(depth, items)?;
                }
            }
            Some(b't') => self.word("true", Kind::Bool(true), out)?,
            Some(b'f') => self.word("false", Kind::Bool(false), out)?,
            Some(b'n') => self.word("null", Kind::Null, out)?,
            Some(b'N') => self.word("NaN", Kind::Number, out)?,
            Some(b'I') => self.word("Infinity", Kind::Number, out)?,
            Some(b'-') if self.text[self.at..].starts_with("-I") => {
                self.word("-Infinity", Kind::Number, out)?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                put(out, Kind::Number);
            }
            Some(_) => return Err(self.fault("a value was expected")),
            None => return Err(self.fault("it ends where a value was expected")),
        }
        out.raw = &self.text[from..self.at];
        Ok(())
    }

    fn object(&mut self, depth: usize, members: &mut Vec<(Text<'a>, Value<'a>)>) -> Result<(), Fault> {
        self.at += 1;
        if self.closes(b'}') {
            return Ok(());
        }
        if depth == 0 {
            members.reserve(OUTER_MEMBERS);
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("a key was expected"));
            }
            let from = self.at;
            self.string()?;
            let key = self.last_string();
            if members.len() < FEW_MEMBERS
                && members.iter().any(|(known, _)| known.may_be(&key) && *known == key)
            {
                return Err(Fault { at: from, problem: "the same key stands twice in one object" });
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon was expected"));
            }
            self.at += 1;
            members.push((key, Value::NULL));
            if let Some((_, value)) = members.last_mut() {
                self.value(depth + 1, value)?;
            }
            if !self.goes_on(b'}')? {
                break;
            }
        }
        self.distinct(members)
    }

    fn distinct(&self, members: &[(Text<'a>, Value<'a>)]) -> Result<(), Fault> {
        if members.len() <= FEW_MEMBERS {
            return Ok(());
        }
        let mut keys: Vec<_> = members.iter().map(|(key, _)| key.get()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.fault("the same key stands twice in one object"));
        }
        Ok(())
    }

    fn list(&mut self, depth: usize, items: &mut Vec<Value<'a>>) -> Result<(), Fault> {
        self.at += 1;
        if self.closes(b']') {
            return Ok(());
        }
        loop {
            items.push(Value::NULL);
            if let Some(item) = items.last_mut() {
                self.value(depth + 1, item)?;
            }
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    fn closes(&mut self, close: u8) -> bool {
        self.space();
        let closes = self.peek() == Some(close);
        self.at += usize::from(closes);
        closes
    }

    fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        self.space();
        let found = self.peek();
        if found != Some(b',') && found != Some(close) {
            return Err(self.fault(match found {
                None => "it ends before it is closed",
                Some(_) => "a comma or the end was expected",
            }));
        }
        self.at += 1;
        Ok(found == Some(b','))
    }

    /// The string that was read last.
    #[inline]
    fn last_string(&self) -> Text<'a> {
        let (raw, has_escapes) = self.string;
        if has_escapes { Text::Escaped(raw) } else { Text::from(raw) }
    }

    /// Reads a string, which then is [`last_string`](Self::last_string).
    fn string(&mut self) -> Result<(), Fault> {
        let from = self.at + 1;
        if self.repeats(from) {
            self.string = self.last;
            self.at = from + self.last.0.len() + 1;
            return Ok(());
        }
        self.at = from;
        let mut has_escapes = false;
        loop {
            let Some(stop) = string_stop(&self.text.as_bytes()[self.at..]) else {
                self.at = self.text.len();
                return Err(self.fault("it ends within a string"));
            };
            self.at += stop;
            if self.peek() == Some(b'"') {
                self.string = (&self.text[from..self.at], has_escapes);
                self.at += 1;
                if LONG <= self.string.0.len() {
                    self.last = self.string;
                }
                return Ok(());
            }
            has_escapes = true;
            self.escape()?;
        }
    }

    /// Whether the last long string stands here once more: its bytes and a quotation mark can be read in one way only.
    fn repeats(&self, from: usize) -> bool {
        let raw = self.last.0.as_bytes();
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        LONG <= raw.len() && rest.get(raw.len()) == Some(&b'"') && rest.starts_with(raw)
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.text.as_bytes().get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unit(self.at + 2)?;
                self.at += 6;
                match unit {
                    0xd800..0xdc00 if self.text[self.at..].starts_with("\\u") => {
                        if !(0xdc00..0xe000).contains(&self.unit(self.at + 2)?) {
                            return Err(self.fault("half a surrogate pair"));
                        }
                        self.at += 6;
                    }
                    0xd800..0xe000 => return Err(self.fault("half a surrogate pair")),
                    _ => {}
                }
            }
            _ => return Err(self.fault("an unknown escape")),
        }
        Ok(())
    }

    fn unit(&self, from: usize) -> Result<u32, Fault> {
        let hex =
            self.text.as_bytes().get(from..from + 4).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let parsed = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        parsed
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .ok_or_else(|| self.fault("an escape of four hexadecimal digits was expected"))
    }

    fn word(&mut self, word: &str, kind: Kind<'a>, out: &mut Value<'a>) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value was expected"));
        }
        self.at += word.len();
        put(out, kind);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.digits();
        let leading_zero = whole > 1 && self.text.as_bytes()[self.at - whole] == b'0';
        let mut sound = whole > 0 && !leading_zero;
        if self.peek() == Some(b'.') {
            self.at += 1;
            sound &= self.digits() > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            sound &= self.digits() > 0;
        }
        if sound { Ok(()) } else { Err(Fault { at: from, problem: "not a number" }) }
    }

    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, problem: &'static str) -> Fault {
        Fault { at: self.at, problem }
    }
}

/// Writes where nothing stands but [`Value::NULL`], which needs no dropping.
#[inline]
fn put<'a>(out: &mut Value<'a>, kind: Kind<'a>) {
    std::mem::forget(std::mem::replace(&mut out.kind, kind));
}
