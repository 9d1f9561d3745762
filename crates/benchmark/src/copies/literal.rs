//! Python's lists, tuples, tables, texts and numbers, as `str()` of a list spells them.

use serde_json::{Map, Number, Value};

/// How deep lists may lie in lists.
const DEEPEST: usize = 32;

/// The value of a literal; none where it is something else.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim() };
    let value = reader.value(0)?;
    reader.rest.trim().is_empty().then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn take(&mut self, head: &str) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(head) else { return false };
        self.rest = rest;
        true
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if self.take("[") {
            return self.list("]", depth);
        }
        if self.take("(") {
            return self.list(")", depth);
        }
        if self.take("{") {
            return self.table(depth);
        }
        let first = self.rest.chars().next()?;
        if first == '\'' || first == '"' {
            return self.text(first).map(Value::String);
        }
        // NumPy's own spelling: `np.float64(-1.5)`.
        for kind in ["np.float64(", "np.float32(", "np.int64(", "np.bool_("] {
            if self.take(kind) {
                let value = self.value(depth + 1)?;
                return self.take(")").then_some(value);
            }
        }
        self.word()
    }

    fn list(&mut self, close: &str, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(",") {
                return self.take(close).then_some(Value::Array(items));
            }
        }
        Some(Value::Array(items))
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Map::new();
        while !self.take("}") {
            let Value::String(key) = self.value(depth + 1)? else { return None };
            if !self.take(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            fields.insert(key, value);
            if !self.take(",") {
                return self.take("}").then_some(Value::Object(fields));
            }
        }
        Some(Value::Object(fields))
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = &self.rest[at + letter.len_utf8()..];
                return Some(text);
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let (_, escape) = letters.next()?;
            text.push(match escape {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '\\' | '\'' | '"' => escape,
                'x' | 'u' | 'U' => {
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let code: Option<String> =
                        (0..digits).map(|_| letters.next().map(|(_, digit)| digit)).collect();
                    char::from_u32(u32::from_str_radix(&code?, 16).ok()?)?
                }
                _ => return None,
            });
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find([',', ']', ')', '}', ':']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(match word.trim() {
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "None" | "nan" | "inf" | "-inf" => Value::Null,
            number => match number.parse::<i64>() {
                Ok(whole) => Value::Number(whole.into()),
                Err(_) => Value::Number(Number::from_f64(number.parse().ok()?)?),
            },
        })
    }
}
