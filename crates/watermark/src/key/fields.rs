//! The values of a key file, each asked for once; what nobody asked for is unknown.

use std::cell::RefCell;

use toml::{Table, Value};

use crate::Error;
use crate::scheme::LONG;

/// A key file while it is read.
pub(super) struct Reader {
    table: Table,
    /// The keys that were asked for.
    known: RefCell<Vec<&'static str>>,
    /// Whether a secret that is absent is made up, for a key about to be generated.
    secrets: Secrets,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrets {
    Needed,
    MadeUp,
}

impl Reader {
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        let table = text.parse::<Table>().map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            Error::Toml { line: 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count() }
        })?;
        Ok(Self { table, known: RefCell::default(), secrets: Secrets::Needed })
    }

    pub(super) fn set_scheme(&mut self, scheme: &str) {
        self.table.insert("scheme".to_owned(), Value::String(scheme.to_owned()));
    }

    pub(super) fn fill_secret(&mut self) {
        self.secrets = Secrets::MadeUp;
    }

    /// The scheme's name.
    pub(super) fn scheme(&self) -> Result<&str, Error> {
        match self.get("scheme") {
            Some(Value::String(name)) => Ok(name),
            Some(_) => Err(value("scheme", "a name, as a string")),
            None => Err(Error::Missing { key: "scheme", scheme: "?".to_owned() }),
        }
    }

    /// Refuses keys that were not asked for.
    pub(super) fn finish(&self, scheme: &'static str) -> Result<(), Error> {
        let known = self.known.borrow();
        match self.table.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(Error::UnknownKey {
                key: key.clone(),
                scheme,
                near: closest(key, known.iter().copied()),
                known: known.iter().copied().filter(|name| *name != "scheme").collect(),
            }),
        }
    }

    /// A whole number between two bounds, as a TOML integer or a string, decimal or `0x` hex.
    pub(super) fn whole(&self, key: &'static str, from: i128, to: i128) -> Result<Option<i128>, Error> {
        let expected = || value(key, &format!("a whole number from {from} to {to}"));
        let Some(found) = self.get(key) else { return Ok(None) };
        let number = number_of(found).ok_or_else(expected)?;
        if from <= number && number <= to { Ok(Some(number)) } else { Err(expected()) }
    }

    /// A count from 1 on.
    pub(super) fn count(&self, key: &'static str, default: usize, most: usize) -> Result<usize, Error> {
        Ok(self.whole(key, 1, most as i128)?.map_or(default, |count| count as usize))
    }

    /// A secret whole number.
    pub(super) fn secret(&self, key: &'static str, from: i128, to: i128) -> Result<i128, Error> {
        match self.whole(key, from, to)? {
            Some(number) => Ok(number),
            None if self.secrets == Secrets::MadeUp => Ok(to.min(LONG)),
            None => Err(self.missing(key)),
        }
    }

    /// A secret whole number that is public by default, but never of a key about to be generated.
    pub(super) fn secret_or(
        &self,
        key: &'static str,
        from: i128,
        to: i128,
        default: i128,
    ) -> Result<i128, Error> {
        match self.secrets {
            Secrets::MadeUp => self.secret(key, from, to),
            Secrets::Needed => Ok(self.whole(key, from, to)?.unwrap_or(default)),
        }
    }

    /// A secret of up to 64 bits, always in hex, with or without `0x`.
    pub(super) fn secret_hex(&self, key: &'static str) -> Result<u64, Error> {
        let expected = || value(key, "1 to 16 hex digits, as a string");
        let Some(found) = self.get(key) else {
            return if self.secrets == Secrets::MadeUp { Ok(0) } else { Err(self.missing(key)) };
        };
        let digits =
            found.as_str().map(|text| text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text));
        let is_hex =
            |digits: &&str| digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = digits.filter(is_hex).ok_or_else(expected)?;
        u64::from_str_radix(digits, 16).map_err(|_| expected())
    }

    /// A secret of 256 bits in hex.
    pub(super) fn secret_bytes(&self, key: &'static str) -> Result<[u8; 32], Error> {
        let expected = || value(key, "64 hex digits (256 bits)");
        match self.get(key) {
            Some(Value::String(text)) => bytes_of(text).ok_or_else(expected),
            Some(_) => Err(expected()),
            None if self.secrets == Secrets::MadeUp => Ok([0; 32]),
            None => Err(self.missing(key)),
        }
    }

    /// A list of secret whole numbers.
    pub(super) fn secret_list(&self, key: &'static str, most: usize) -> Result<Vec<i64>, Error> {
        let expected = || value(key, &format!("a list of 1 to {most} whole numbers of 64 bits"));
        let number = |value: &Value| number_of(value).and_then(|number| i64::try_from(number).ok());
        match self.get(key) {
            Some(Value::Array(list)) if !list.is_empty() && list.len() <= most => {
                list.iter().map(number).collect::<Option<_>>().ok_or_else(expected)
            }
            Some(_) => Err(expected()),
            None if self.secrets == Secrets::MadeUp => Ok(vec![0; 30]),
            None => Err(self.missing(key)),
        }
    }

    /// A share strictly between two bounds, or equal to the upper.
    pub(super) fn share(&self, key: &'static str, default: Option<f64>) -> Result<f64, Error> {
        let expected = || value(key, "a number above 0 and below 1");
        let found = match self.get(key) {
            None => return default.ok_or_else(|| self.missing(key)),
            Some(Value::Float(share)) => *share,
            Some(_) => return Err(expected()),
        };
        if 0.0 < found && found < 1.0 { Ok(found) } else { Err(expected()) }
    }

    /// A number from 0 to 1.
    pub(super) fn weight(&self, key: &'static str, default: f64) -> Result<f64, Error> {
        let found = self.number(key, default)?;
        if (0.0..=1.0).contains(&found) { Ok(found) } else { Err(value(key, "a number from 0 to 1")) }
    }

    /// Any finite number.
    pub(super) fn number(&self, key: &'static str, default: f64) -> Result<f64, Error> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Float(number)) if number.is_finite() => Ok(*number),
            Some(Value::Integer(number)) => Ok(*number as f64),
            Some(_) => Err(value(key, "a number")),
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, key: &'static str, default: Truth) -> Result<Truth, Error> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Boolean(true)) => Ok(Truth::Yes),
            Some(Value::Boolean(false)) => Ok(Truth::No),
            Some(_) => Err(value(key, "true or false")),
        }
    }

    /// A word.
    pub(super) fn text(&self, key: &'static str) -> Result<Option<&str>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(value(key, "a string")),
        }
    }

    pub(super) fn missing(&self, key: &'static str) -> Error {
        Error::Missing { key, scheme: self.scheme().unwrap_or("?").to_owned() }
    }

    pub(super) fn has(&self, key: &'static str) -> Truth {
        if self.get(key).is_some() { Truth::Yes } else { Truth::No }
    }

    fn get(&self, key: &'static str) -> Option<&Value> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.table.get(key)
    }
}

/// What a key file says by `true` and `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
}

/// The error of a value that cannot be.
pub(super) fn value(key: &'static str, expected: &str) -> Error {
    Error::Value { key, expected: expected.to_owned() }
}

/// The nearest name, if any is near.
pub(super) fn closest(word: &str, names: impl Iterator<Item = &'static str>) -> Option<String> {
    let near = names.map(|name| (strsim::damerau_levenshtein(word, name), name)).min();
    near.filter(|(distance, _)| *distance <= 2 + word.len() / 6).map(|(_, name)| name.to_owned())
}

fn number_of(value: &Value) -> Option<i128> {
    match value {
        Value::Integer(number) => Some(i128::from(*number)),
        Value::String(text) => {
            let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
            let number = match digits.strip_prefix("0x") {
                Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => {
                    i128::from_str_radix(hex, 16)
                }
                None if digits.starts_with(|c: char| c.is_ascii_digit()) => digits.parse(),
                _ => return None,
            };
            number.ok().map(|number| sign * number)
        }
        _ => None,
    }
}

fn bytes_of(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(bytes)
}
