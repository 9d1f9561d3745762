//! C2PA text manifests (C2PA 2.4, A.8 "Embedding manifests into unstructured text").

use c2pa_unstructured_text::wrapper;

use super::error::Error;
use super::visible::nfc;

/// How long a wrapper is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// As long as its bytes need.
    None,
    /// As long as any manifest of this size needs at most, so that the length is known before the manifest is signed.
    Deterministic,
}

/// A manifest store out of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The manifest store.
    pub bytes: Vec<u8>,
    /// Where its wrapper begins, in bytes: the start of the hard binding's exclusion.
    pub start: usize,
    /// How many bytes the wrapper has: the length of the exclusion.
    pub length: usize,
}

/// Puts a manifest store into the text's normal form (NFC), at its end.
pub fn embed_manifest(text: &str, manifest: &[u8], padding: Padding) -> Result<String, Error> {
    check_jumbf(manifest)?;
    let text = nfc(text);
    if !wrapper::locate_all(&text).is_empty() {
        return Err(Error::SecondManifest);
    }
    let wrapped = match padding {
        Padding::None => wrapper::encode(manifest),
        Padding::Deterministic => wrapper::encode_padded(manifest),
    };
    let wrapped = wrapped.map_err(|err| Error::Manifest { what: err.to_string() })?;
    Ok(text.into_owned() + &wrapped)
}

/// Takes the manifest store out of a text; none where no wrapper is there.
pub fn extract_manifest(text: &str) -> Result<Option<Manifest>, Error> {
    use c2pa_unstructured_text::Error as Wrapper;
    match wrapper::extract(text) {
        Ok(found) => Ok(Some(Manifest { bytes: found.payload, start: found.start, length: found.length })),
        Err(Wrapper::NotFound) => Ok(None),
        Err(Wrapper::MultipleWrappers) => {
            Err(Error::SeveralManifests { count: wrapper::locate_all(text).len() })
        }
        Err(_) => Err(Error::DamagedManifest),
    }
}

/// Checks that bytes are one JUMBF superbox with a description box first (ISO/IEC 19566-5).
pub(super) fn check_jumbf(bytes: &[u8]) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::Manifest { what: what.to_owned() });
    let Some(outer) = FirstBox::of(bytes) else {
        return wrong("the bytes do not begin with a box");
    };
    if outer.kind != b"jumb" {
        return wrong("the first box is no JUMBF superbox (`jumb`)");
    }
    if outer.end != bytes.len() as u64 {
        return wrong("the superbox and the bytes are not of one length");
    }
    let within = &bytes[outer.header..];
    let described = FirstBox::of(within).is_some_and(|inner| {
        // A type of 16 bytes, and one of toggles.
        let least = inner.header as u64 + 17;
        inner.kind == b"jumd" && (least..=within.len() as u64).contains(&inner.end)
    });
    if described { Ok(()) } else { wrong("the superbox does not begin with a description box (`jumd`)") }
}

/// The box that bytes begin with (ISO base media file format).
struct FirstBox<'a> {
    kind: &'a [u8],
    /// How many bytes its header has.
    header: usize,
    /// Where it says that it ends.
    end: u64,
}

impl<'a> FirstBox<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = u32::from_be_bytes(*bytes.first_chunk()?);
        let kind = bytes.get(4..8)?;
        Some(match size {
            0 => Self { kind, header: 8, end: bytes.len() as u64 },
            1 => Self { kind, header: 16, end: u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?) },
            size => Self { kind, header: 8, end: u64::from(size) },
        })
        .filter(|found| found.header as u64 <= found.end)
    }
}
