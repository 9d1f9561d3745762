//! One pass over a JSON text.

use super::{Fault, Kind, MAX_DEPTH, Text, Value, string_stop};

/// Beyond so many members duplicates are looked for by sorting.
const FEW_MEMBERS: usize = 24;

/// A position in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn whole(mut self) -> Result<Value<'a>, Fault> {
        let value = self.value(0)?;
        self.space();
        if self.at < self.text.len() {
            return Err(self.fault("something follows the value"));
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault("values lie too deep within one another"));
        }
        self.space();
        let from = self.at;
        let kind = match self.peek() {
            Some(b'"') => Kind::Text(self.string()?),
            Some(b'{') => Kind::Object(self.object(depth)?),
            Some(b'[') => Kind::List(self.list(depth)?),
            Some(b't') => self.word("true", Kind::Bool(true))?,
            Some(b'f') => self.word("false", Kind::Bool(false))?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(b'N') => self.word("NaN", Kind::Number)?,
            Some(b'I') => self.word("Infinity", Kind::Number)?,
            Some(b'-') if self.text[self.at..].starts_with("-I") => self.word("-Infinity", Kind::Number)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => return Err(self.fault("a value was expected")),
            None => return Err(self.fault("it ends where a value was expected")),
        };
        Ok(Value { raw: &self.text[from..self.at], kind })
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(Text<'a>, Value<'a>)>, Fault> {
        self.at += 1;
        let mut members = Vec::new();
        if self.closes(b'}') {
            return Ok(members);
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("a key was expected"));
            }
            let from = self.at;
            let key = self.string()?;
            if members.len() < FEW_MEMBERS && members.iter().any(|(known, _)| *known == key) {
                return Err(Fault { at: from, problem: "the same key stands twice in one object" });
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon was expected"));
            }
            self.at += 1;
            members.push((key, self.value(depth + 1)?));
            if !self.goes_on(b'}')? {
                break;
            }
        }
        self.distinct(&members)?;
        Ok(members)
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

    fn list(&mut self, depth: usize) -> Result<Vec<Value<'a>>, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        if self.closes(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.goes_on(b']')? {
                return Ok(items);
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

    fn string(&mut self) -> Result<Text<'a>, Fault> {
        let from = self.at + 1;
        self.at = from;
        let mut has_escapes = false;
        loop {
            let Some(stop) = string_stop(&self.text.as_bytes()[self.at..]) else {
                self.at = self.text.len();
                return Err(self.fault("it ends within a string"));
            };
            self.at += stop;
            if self.peek() == Some(b'"') {
                self.at += 1;
                let raw = &self.text[from..self.at - 1];
                return Ok(if has_escapes { Text::Escaped(raw) } else { Text::from(raw) });
            }
            has_escapes = true;
            self.escape()?;
        }
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

    fn word(&mut self, word: &str, kind: Kind<'a>) -> Result<Kind<'a>, Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("a value was expected"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Result<Kind<'a>, Fault> {
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
        if sound { Ok(Kind::Number) } else { Err(Fault { at: from, problem: "not a number" }) }
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
