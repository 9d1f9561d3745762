//! The text of a document in a line of JSON, found without reading the rest into values.
//!
//! What no reader of documents needs is not refused (control characters within strings, half surrogate pairs): a text that is looked at
//! hides nothing.

use memchr::memchr2;

use super::escape;
use crate::json::Cursor;

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
    let mut walk = Walk { here: Cursor { text: line, at: 0 } };
    walk.here.space();
    if walk.here.peek() != Some(b'{') {
        return Err(walk.fault("an object was expected"));
    }
    let mut found = None;
    walk.object(0, &mut |key, value| {
        if is_named(key, name) && found.replace(value).is_some() {
            return Err(Fault::Twice);
        }
        Ok(())
    })?;
    walk.here.space();
    if walk.here.at < line.len() {
        return Err(walk.fault("something follows the object"));
    }
    Ok(found)
}

fn is_named(raw: &str, name: &str) -> bool {
    raw == name || raw.contains('\\') && escape::unescaped(raw) == name
}

struct Walk<'a> {
    here: Cursor<'a>,
}

impl<'a> Walk<'a> {
    fn object(
        &mut self,
        depth: usize,
        each: &mut dyn FnMut(&'a str, Held<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.here.at += 1;
        if self.here.closes(b'}') {
            return Ok(());
        }
        loop {
            self.here.space();
            if self.here.peek() != Some(b'"') {
                return Err(self.fault("a key was expected"));
            }
            let key = self.string()?;
            self.here.space();
            if self.here.peek() != Some(b':') {
                return Err(self.fault("a colon was expected"));
            }
            self.here.at += 1;
            let value = self.value(depth + 1)?;
            each(key, value)?;
            if !self.goes_on(b'}')? {
                return Ok(());
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), Fault> {
        self.here.at += 1;
        if self.here.closes(b']') {
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
        self.here.space();
        match self.here.peek() {
            Some(b'"') => self.string().map(Held::Text),
            Some(b'{') => self.object(depth, &mut |_, _| Ok(())).map(|()| Held::Other),
            Some(b'[') => self.list(depth).map(|()| Held::Other),
            _ => self.word(),
        }
    }

    /// A number or a word.
    fn word(&mut self) -> Result<Held<'a>, Fault> {
        let from = self.here.at;
        while self.here.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            self.here.at += 1;
        }
        match &self.here.text[from..self.here.at] {
            "" => Err(self.fault("a value was expected")),
            "null" => Ok(Held::Null),
            word if word.bytes().any(|byte| byte.is_ascii_digit()) => Ok(Held::Other),
            "true" | "false" | "NaN" | "Infinity" | "-Infinity" => Ok(Held::Other),
            _ => Err(Fault::Json("a value was expected", from)),
        }
    }

    /// A string, as it is spelled between its quotation marks.
    fn string(&mut self) -> Result<&'a str, Fault> {
        let from = self.here.at + 1;
        self.here.at = from;
        loop {
            let bytes = self.here.text.as_bytes();
            let Some(stop) = memchr2(b'"', b'\\', &bytes[self.here.at..]) else {
                return Err(self.fault("a string does not end"));
            };
            self.here.at += stop;
            if bytes[self.here.at] == b'"' {
                self.here.at += 1;
                return Ok(&self.here.text[from..self.here.at - 1]);
            }
            let is_sound = match bytes.get(self.here.at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                Some(b'u') => {
                    let digits = bytes.get(self.here.at + 2..self.here.at + 6);
                    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                }
                _ => false,
            };
            if !is_sound {
                return Err(self.fault("an unknown escape"));
            }
            self.here.at += 2;
        }
    }

    fn goes_on(&mut self, close: u8) -> Result<bool, Fault> {
        self.here.goes_on(close).map_err(|_| self.fault("a comma or the end was expected"))
    }

    fn fault(&self, problem: &'static str) -> Fault {
        Fault::Json(problem, self.here.at)
    }
}
