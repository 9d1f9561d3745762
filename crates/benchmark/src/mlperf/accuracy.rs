//! `mlperf_log_accuracy.json`: each sample's answer as hexadecimal bytes; and `accuracy.txt`, what is claimed of them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Error;

use super::rules::{ELLIPSIS, KEPT_BYTES, MAX_ACCURACY_LOG_BYTES};

/// One answer of an accuracy run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which sample.
    pub qsl_idx: u64,
    /// The answer's bytes.
    pub data: Vec<u8>,
    /// Its tokens, where LoadGen counted.
    pub token_count: Option<u64>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    qsl_idx: u64,
    #[serde(borrow)]
    data: Cow<'a, str>,
    token_count: Option<u64>,
}

/// Shows the entries of an untruncated log one after the other, holding one at a time.
pub fn read(bytes: &[u8], on_entry: &mut dyn FnMut(Entry)) -> Result<(), Error> {
    let mut number = 0_u64;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let whole =
        Entries { number: &mut number, on_entry }.deserialize(&mut reader).and_then(|()| reader.end());
    whole.map_err(|err| Error::Malformed {
        format: "LoadGen accuracy log",
        at: format!("line {}, after {number} entries", err.line()),
        problem: err.to_string(),
    })
}

struct Entries<'f> {
    number: &'f mut u64,
    on_entry: &'f mut dyn FnMut(Entry),
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<Raw<'de>>()? {
            let data = unhex(&raw.data)
                .ok_or_else(|| serde::de::Error::custom("`data` is not pairs of hexadecimal digits"))?;
            *self.number += 1;
            (self.on_entry)(Entry { qsl_idx: raw.qsl_idx, data, token_count: raw.token_count });
        }
        Ok(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| if let &[high, low] = pair { Some(digit(high)? << 4 | digit(low)?) } else { None })
        .collect()
}

/// What a directory holds of an accuracy log: the whole of a small one, both ends of a large one.
pub fn truncated(whole: &[u8]) -> Vec<u8> {
    if whole.len() <= MAX_ACCURACY_LOG_BYTES {
        return whole.to_vec();
    }
    [&whole[..KEPT_BYTES], ELLIPSIS, &whole[whole.len() - KEPT_BYTES..]].concat()
}

/// Whether a file can be what is left of a log: it, or its two ends.
pub fn is_truncation_of(kept: &[u8], whole: &[u8]) -> bool {
    let ends = || {
        (whole.len() >= KEPT_BYTES)
            .then(|| [&whole[..KEPT_BYTES], ELLIPSIS, &whole[whole.len() - KEPT_BYTES..]].concat())
    };
    kept == whole || ends().is_some_and(|ends| kept == ends)
}

/// What `accuracy.txt` claims.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claimed {
    /// The line `accuracy=27.302%`, as a share, and the decimals of the percentage.
    pub accuracy: Option<(f64, u32)>,
    /// The count `good=` of the same line.
    pub good: Option<u64>,
    /// The count `total=` of the same line.
    pub total: Option<u64>,
    /// The figure `'exact_match': 27.302`, as a share, and its decimals.
    pub exact_match: Option<(f64, u32)>,
    /// The lines `hash=`, all of them.
    pub hashes: Vec<String>,
}

impl Claimed {
    /// Reads the claims; all else in the file is free text.
    pub fn read(bytes: &[u8]) -> Self {
        let mut claimed = Self::default();
        for line in String::from_utf8_lossy(bytes).lines() {
            if let Some(hash) = line.strip_prefix("hash=") {
                claimed.hashes.push(hash.trim().to_owned());
            }
            if let Some(rest) = line.strip_prefix("accuracy=") {
                claimed.accuracy = claimed.accuracy.or_else(|| percent(rest));
                claimed.good = claimed.good.or_else(|| count(line, "good="));
                claimed.total = claimed.total.or_else(|| count(line, "total="));
            }
            let exact = line.split_once("'exact_match':").and_then(|(_, rest)| percent(rest));
            claimed.exact_match = claimed.exact_match.or(exact);
        }
        claimed
    }
}

/// The number a text begins with, a percentage, as a share; and its decimals.
fn percent(text: &str) -> Option<(f64, u32)> {
    let text = text.trim_start();
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let digits = &text[..end];
    let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let value: f64 = digits.parse().ok()?;
    Some((value / 100.0, u32::try_from(decimals).ok()?))
}

fn count(line: &str, name: &str) -> Option<u64> {
    let (_, rest) = line.split_once(name)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
