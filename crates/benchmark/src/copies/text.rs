//! From the bytes of a file to its text: decompressed, and decoded with a note where it is not UTF-8.

use std::borrow::Cow;

use crate::Error;
use crate::packing::Packing;

/// More than any benchmark holds: what is larger is something else, or a decompression bomb.
pub const LARGEST_BYTES: u64 = 256 << 20;

/// A text, and how it had to be decoded where it was not plain UTF-8.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// The line from which on, and what was done.
    pub(super) note: Option<(usize, &'static str)>,
}

/// The bytes inside gzip, bzip2 or Zstandard; as they are where they are not compressed.
pub(super) fn inflated<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
    check_size(name, bytes.len() as u64, "it")?;
    let Some(packing) = Packing::of(bytes) else { return Ok(Cow::Borrowed(bytes)) };
    let format = match packing {
        Packing::Gzip => "gzip",
        Packing::Bzip2 => "bzip2",
        Packing::Zstandard => "zstd",
    };
    let out = packing.unpack(bytes, LARGEST_BYTES);
    let out = out.map_err(|err| malformed(format, name, format!("cannot be decompressed: {err}")))?;
    check_size(name, out.len() as u64, "what it decompresses to")?;
    Ok(Cow::Owned(out))
}

/// Refuses what is larger than any benchmark.
pub(super) fn check_size(name: &str, size_bytes: u64, what: &str) -> Result<(), Error> {
    if size_bytes <= LARGEST_BYTES {
        return Ok(());
    }
    let problem = format!("{what} is larger than {} MB, more than any benchmark holds", LARGEST_BYTES >> 20);
    Err(malformed("benchmark copy", name, problem))
}

/// An error of a file, or of a place in it.
pub(super) fn malformed(format: &'static str, at: &str, problem: String) -> Error {
    Error::Malformed { format, at: at.to_owned(), problem }
}

/// The text of bytes: UTF-8, UTF-16 with its mark, or else Windows-1252 where a byte is not UTF-8.
pub(super) fn decoded<'a>(name: &str, bytes: &'a [u8]) -> Result<Decoded<'a>, Error> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(name, rest),
        [0xff, 0xfe, rest @ ..] => utf16(name, rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(name, rest, u16::from_be_bytes),
        _ => utf8(name, bytes),
    }
}

fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<Decoded<'a>, Error> {
    if memchr::memchr(0, bytes).is_some() {
        return Err(malformed("benchmark copy", name, "holds zero bytes: it is no text".to_owned()));
    }
    let (text, note) = match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(err) => {
            let line = 1 + memchr::memchr_iter(b'\n', &bytes[..err.valid_up_to()]).count();
            (Cow::Owned(windows(bytes)), Some((line, "is not UTF-8: its bytes were read as Windows-1252")))
        }
    };
    // Line ends of a carriage return alone are those of old tables.
    if memchr::memchr(b'\n', text.as_bytes()).is_none() && memchr::memchr(b'\r', text.as_bytes()).is_some() {
        return Ok(Decoded { text: Cow::Owned(text.replace('\r', "\n")), note });
    }
    Ok(Decoded { text, note })
}

fn utf16<'a>(name: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Decoded<'a>, Error> {
    let units = bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    let text = text.map_err(|err| malformed("benchmark copy", name, format!("is not UTF-16: {err}")))?;
    Ok(Decoded { text: Cow::Owned(text), note: Some((1, "was read as UTF-16")) })
}

/// Bytes of UTF-8 as they are, any other byte as the character that Windows-1252 has for it.
fn windows(bytes: &[u8]) -> String {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        let invalid = chunk.invalid().iter();
        out.extend(invalid.map(|byte| match byte {
            0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
            other => char::from(*other),
        }));
    }
    out
}
