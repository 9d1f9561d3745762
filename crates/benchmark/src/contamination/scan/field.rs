//! The text of a document in a line of JSON, found without reading the rest into values.
//!
//! What no reader of documents needs is not refused (control characters within strings, half surrogate pairs): a text that is looked at
//! hides nothing.

use memchr::memchr2;

use super::place;

/// How deep values may lie within one another.
const MAX_DEPTH: usize = 128;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no JSON object; what is wrong, and at which byte.
    Json(&'static str, usize),
    /// The field stands there twice.
    Twice,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held<'a> {
    /// A string, as it is spelled between its quotation marks.
    Text(&'a str),
    /// `null`.
    Null,
    /// Something else.
    Other,
}

/// What the object on a line holds under a name, if anything.
pub(super) fn find<'a>(line: &'a str, name: &str) -> Result<Option<Held<'a>>, Fault> {
    let mut walk = Walk { line, at: 0 };
    walk.space();
    if walk.peek() != Some(b'{') {
        return Err(walk.fault("an object was expected"));
    }
    let mut found = None;
    walk.object(0, &mut |key, value| {
        if is_named(key, name) && found.replace(value).is_some() {
            return Err(Fault::Twice);
        }
        Ok(())
    })?;
    walk.space();
    if walk.at < line.len() {
        return Err(walk.fault("something follows the object"));
    }
    Ok(found)
}

fn is_named(raw: &str, name: &str) -> bool {
    raw == name || raw.contains('\\') && place::unescaped(raw) == name
}

struct Walk<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn object(
        &mut self,
        depth: usize,
        each: &mut dyn FnMut(&'a str, Held<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.at += 1;
        if self.closes(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.fault("a key was expected"));
            }
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon was expected"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            each(key, value)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), Fault> {
        self.at += 1;
        if self.closes(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Held<'a>, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault("values lie too deep within one another"));
        }
        self.space();
        match self.peek() {
            Some(b'"') => self.string().map(Held::Text),
            Some(b'{') => self.object(depth, &mut |_, _| Ok(())).map(|()| Held::Other),
            Some(b'[') => self.list(depth).map(|()| Held::Other),
            _ => self.word(),
        }
    }

    /// A number or a word.
    fn word(&mut self) -> Result<Held<'a>, Fault> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            self.at += 1;
        }
        match &self.line[from..self.at] {
            "" => Err(self.fault("a value was expected")),
            "null" => Ok(Held::Null),
            word if word.bytes().any(|byte| byte.is_ascii_digit()) => Ok(Held::Other),
            "true" | "false" | "NaN" | "Infinity" | "-Infinity" => Ok(Held::Other),
            _ => Err(Fault::Json("a value was expected", from)),
        }
    }

    /// A string, as it is spelled between its quotation marks.
    fn string(&mut self) -> Result<&'a str, Fault> {
        let from = self.at + 1;
        self.at = from;
        loop {
            let bytes = self.line.as_bytes();
            let Some(stop) = memchr2(b'"', b'\\', &bytes[self.at..]) else {
                return Err(self.fault("a string does not end"));
            };
            self.at += stop;
            if bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(&self.line[from..self.at - 1]);
            }
            let is_sound = match bytes.get(self.at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                Some(b'u') => {
                    let digits = bytes.get(self.at + 2..self.at + 6);
                    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                }
                _ => false,
            };
            if !is_sound {
                return Err(self.fault("an unknown escape"));
            }
            self.at += 2;
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
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.fault("a comma or the end was expected")),
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    fn fault(&self, problem: &'static str) -> Fault {
        Fault::Json(problem, self.at)
    }
}
