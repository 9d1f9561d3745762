//! One pass over a JSON text.

use super::{Cursor, Fault, Kind, MAX_DEPTH, Text, Value, string_stop};

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
    here: Cursor<'a>,
    /// The string that was read last, and whether it has escapes.
    string: (&'a str, bool),
    /// The last long one: logs repeat a prompt for every choice.
    last: (&'a str, bool),
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { here: Cursor { text, at: 0 }, string: ("", false), last: ("", false) }
    }

    pub(super) fn whole(mut self) -> Result<Value<'a>, Fault> {
        let mut value = Value::NULL;
        self.value(0, &mut value)?;
        self.here.space();
        if self.here.at < self.here.text.len() {
            return Err(self.fault("something follows the value"));
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize, out: &mut Value<'a>) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault("values lie too deep within one another"));
        }
        self.here.space();
        let from = self.here.at;
        match self.here.peek() {
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
            Some(b'-') if self.here.text[self.here.at..].starts_with("-I") => {
                self.word("-Infinity", Kind::Number, out)?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                put(out, Kind::Number);
            }
            Some(_) => return Err(self.fault("a value was expected")),
            None => return Err(self.fault("it ends where a value was expected")),
        }
        out.raw = &self.here.text[from..self.here.at];
        Ok(())
    }

    fn object(&mut self, depth: usize, members: &mut Vec<(Text<'a>, Value<'a>)>) -> Result<(), Fault> {
        self.here.at += 1;
        if self.here.closes(b'}') {
            return Ok(());
        }
        if depth == 0 {
            members.reserve(OUTER_MEMBERS);
        }
        loop {
            self.here.space();
            if self.here.peek() != Some(b'"') {
                return Err(self.fault("a key was expected"));
            }
            let from = self.here.at;
            self.string()?;
            let key = self.last_string();
            if members.len() < FEW_MEMBERS
                && members.iter().any(|(known, _)| known.may_be(&key) && *known == key)
            {
                return Err(Fault { at: from, problem: "the same key stands twice in one object" });
            }
            self.here.space();
            if self.here.peek() != Some(b':') {
                return Err(self.fault("a colon was expected"));
            }
            self.here.at += 1;
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
        self.here.at += 1;
        if self.here.closes(b']') {
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

    fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        self.here.goes_on(close).map_err(|found| {
            self.fault(match found {
                None => "it ends before it is closed",
                Some(_) => "a comma or the end was expected",
            })
        })
    }

    /// The string that was read last.
    #[inline]
    fn last_string(&self) -> Text<'a> {
        let (raw, has_escapes) = self.string;
        if has_escapes { Text::Escaped(raw) } else { Text::from(raw) }
    }

    /// Reads a string, which then is [`last_string`](Self::last_string).
    fn string(&mut self) -> Result<(), Fault> {
        let from = self.here.at + 1;
        if self.repeats(from) {
            self.string = self.last;
            self.here.at = from + self.last.0.len() + 1;
            return Ok(());
        }
        self.here.at = from;
        let mut has_escapes = false;
        loop {
            let Some(stop) = string_stop(&self.here.text.as_bytes()[self.here.at..]) else {
                self.here.at = self.here.text.len();
                return Err(self.fault("it ends within a string"));
            };
            self.here.at += stop;
            if self.here.peek() == Some(b'"') {
                self.string = (&self.here.text[from..self.here.at], has_escapes);
                self.here.at += 1;
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
        let rest = self.here.text.as_bytes().get(from..).unwrap_or_default();
        LONG <= raw.len() && rest.get(raw.len()) == Some(&b'"') && rest.starts_with(raw)
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.here.text.as_bytes().get(self.here.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.here.at += 2,
            Some(b'u') => {
                let unit = self.unit(self.here.at + 2)?;
                self.here.at += 6;
                match unit {
                    0xd800..0xdc00 if self.here.text[self.here.at..].starts_with("\\u") => {
                        if !(0xdc00..0xe000).contains(&self.unit(self.here.at + 2)?) {
                            return Err(self.fault("half a surrogate pair"));
                        }
                        self.here.at += 6;
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
            self.here.text.as_bytes().get(from..from + 4).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let parsed = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        parsed
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .ok_or_else(|| self.fault("an escape of four hexadecimal digits was expected"))
    }

    fn word(&mut self, word: &str, kind: Kind<'a>, out: &mut Value<'a>) -> Result<(), Fault> {
        if !self.here.text.as_bytes()[self.here.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value was expected"));
        }
        self.here.at += word.len();
        put(out, kind);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let from = self.here.at;
        self.here.at += usize::from(self.here.peek() == Some(b'-'));
        let whole = self.digits();
        let leading_zero = whole > 1 && self.here.text.as_bytes()[self.here.at - whole] == b'0';
        let mut sound = whole > 0 && !leading_zero;
        if self.here.peek() == Some(b'.') {
            self.here.at += 1;
            sound &= self.digits() > 0;
        }
        if matches!(self.here.peek(), Some(b'e' | b'E')) {
            self.here.at += 1;
            self.here.at += usize::from(matches!(self.here.peek(), Some(b'+' | b'-')));
            sound &= self.digits() > 0;
        }
        if sound { Ok(()) } else { Err(Fault { at: from, problem: "not a number" }) }
    }

    fn digits(&mut self) -> usize {
        let from = self.here.at;
        while self.here.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.here.at += 1;
        }
        self.here.at - from
    }

    fn fault(&self, problem: &'static str) -> Fault {
        Fault { at: self.here.at, problem }
    }
}

/// Writes where nothing stands but [`Value::NULL`], which needs no dropping.
#[inline]
fn put<'a>(out: &mut Value<'a>, kind: Kind<'a>) {
    std::mem::forget(std::mem::replace(&mut out.kind, kind));
}
