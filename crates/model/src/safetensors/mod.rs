//! Safetensors: one file or many joined by an index.
//!
//! [`parse`] and [`parse_index`] read bytes that may be anything: every lie about sizes, offsets and names is an error at
//! opening, not a surprise later.

mod folder;
mod index;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use half::{bf16, f16};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

pub use folder::Safetensors;
pub use index::{Index, parse_index};
pub use write::{Precision, write};

use crate::Error;

/// No header is larger: that of the largest models is a few megabytes.
const LARGEST_HEADER: u64 = 100_000_000;

/// What a file says about itself: all but the weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Where a tensor lies in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Outputs before inputs.
    pub shape: Vec<usize>,
    /// How its numbers are encoded.
    pub kind: Kind,
    /// Its bytes, counted from the beginning of the file.
    pub bytes: Range<usize>,
}

/// How a tensor's numbers are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
}

impl Kind {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// The format's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    /// Widens whole numbers of `bytes` to f32.
    pub fn widen(self, bytes: &[u8]) -> Vec<f32> {
        let (pairs, _) = bytes.as_chunks::<2>();
        match self {
            Self::F32 => bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            Self::F16 => pairs.iter().map(|two| f16::from_le_bytes(*two).to_f32()).collect(),
            Self::Bf16 => pairs.iter().map(|two| bf16::from_le_bytes(*two).to_f32()).collect(),
        }
    }
}

/// Reads the header of the file whose bytes are `bytes`; `path` is for the errors.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Header, Error> {
    parse_inner(bytes).map_err(|detail| Error::Format { path: path.into(), detail })
}

fn parse_inner(bytes: &[u8]) -> Result<Header, String> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err("is too short for a safetensors file".into());
    };
    let length = u64::from_le_bytes(*length);
    if LARGEST_HEADER < length || (rest.len() as u64) < length {
        return Err(format!("claims a header of {length} bytes; is it a safetensors file, and whole?"));
    }
    let (json, data) = rest.split_at(length as usize);
    let (metadata, entries) = entries(json).map_err(|error| format!("header: {error}"))?;
    let tensors = place(entries, 8 + json.len(), data.len())?;
    Ok(Header { metadata, tensors })
}

/// A tensor as the header states it.
#[derive(serde::Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

type Entries = (BTreeMap<String, String>, BTreeMap<String, Entry>);

/// Parses the header's object, which must not name anything twice.
fn entries(json: &[u8]) -> Result<Entries, serde_json::Error> {
    struct Unique;
    impl<'de> Visitor<'de> for Unique {
        type Value = Entries;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of tensors")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
            let (mut metadata, mut tensors) = Entries::default();
            while let Some(key) = map.next_key::<String>()? {
                if key == "__metadata__" {
                    metadata = map.next_value()?;
                } else {
                    let entry = map.next_value()?;
                    if tensors.insert(key, entry).is_some() {
                        return Err(A::Error::custom("a tensor occurs twice"));
                    }
                }
            }
            Ok((metadata, tensors))
        }
    }
    impl<'de> DeserializeSeed<'de> for Unique {
        type Value = Entries;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entries, D::Error> {
            deserializer.deserialize_map(self)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let entries = Unique.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(entries)
}

/// Checks that the tensors fill the data exactly, each with the bytes that its shape and type demand.
fn place(
    entries: BTreeMap<String, Entry>,
    data_start: usize,
    data_len: usize,
) -> Result<BTreeMap<String, Tensor>, String> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut tensors = BTreeMap::new();
    let mut free_from = 0;
    for (name, Entry { dtype, shape, data_offsets: [start, end] }) in entries {
        let about = |detail: String| format!("tensor `{name}`: {detail}");
        let kind = match dtype.as_str() {
            "F32" => Kind::F32,
            "F16" => Kind::F16,
            "BF16" => Kind::Bf16,
            other => return Err(about(format!("has the unsupported type `{other}`"))),
        };
        if end < start || (data_len as u64) < end {
            return Err(about(format!("its bytes {start}..{end} do not lie in the file; is it cut short?")));
        }
        if start != free_from {
            let detail =
                if start < free_from { "overlaps another tensor" } else { "leaves a hole before it" };
            return Err(about(detail.into()));
        }
        free_from = end;
        let size = shape.iter().try_fold(kind.size() as u64, |size, length| size.checked_mul(*length));
        if size != Some(end - start) {
            return Err(about(format!(
                "has {} bytes, which is not what {dtype} {shape:?} takes",
                end - start
            )));
        }
        // All fit: they are at most the length of a slice, but for the lengths beside a zero.
        let shape =
            shape.into_iter().map(usize::try_from).collect::<Result<_, _>>().map_err(|_| "is too large")?;
        let bytes = data_start + start as usize..data_start + end as usize;
        tensors.insert(name, Tensor { shape, kind, bytes });
    }
    if free_from != data_len as u64 {
        return Err(format!("has {} bytes after the last tensor", data_len as u64 - free_from));
    }
    Ok(tensors)
}
