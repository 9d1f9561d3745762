//! GGUF, the one-file format of llama.cpp: reading versions 2 and 3, writing version 3.
//!
//! [`Gguf::parse`] reads the directory of a file out of bytes that may be anything: every count and size is checked against
//! the bytes that are there before something is allocated for it, and what is not known is refused.

mod config;
mod cursor;
mod dequantize;
mod file;
mod names;
mod value;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

pub use dequantize::Kind;
pub use file::GgufFile;
pub use value::Value;
pub use write::{Export, Precision, write};

use crate::Error;
use cursor::Cursor;

/// Where tensors start on a multiple of, unless the file says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;

/// What a GGUF file says about itself: all but the weights.
#[derive(Clone, Debug)]
pub struct Gguf {
    /// The format's version, 2 or 3.
    pub version: u32,
    /// Keys and values.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors by the names that the file has for them.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Where a tensor lies in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Outputs before inputs, that is, the reverse of the order in the file.
    pub shape: Vec<usize>,
    /// How its numbers are encoded.
    pub kind: Kind,
    /// Its bytes, counted from the beginning of the file.
    pub bytes: Range<usize>,
}

impl Gguf {
    /// Reads the directory of the file whose bytes are `bytes`; `path` is for the errors.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        Self::parse_inner(bytes).map_err(|detail| Error::Format { path: path.into(), detail })
    }

    fn parse_inner(bytes: &[u8]) -> Result<Self, String> {
        let mut cursor = Cursor::new(bytes);
        if cursor.take(4)? != b"GGUF" {
            return Err("is not a GGUF file: it does not begin with `GGUF`".into());
        }
        let version = cursor.u32()?;
        match version {
            2 | 3 => {}
            1 => return Err("is GGUF version 1; versions 2 and 3 are supported".into()),
            other if other.trailing_zeros() >= 16 => return Err("is a big-endian GGUF file".into()),
            other => return Err(format!("is GGUF version {other}; versions 2 and 3 are supported")),
        }
        // The least bytes that an entry of each can take.
        let n_tensors = cursor.count(8 + 4 + 8 + 4 + 8, "tensors")?;
        let n_values = cursor.count(8 + 4 + 1, "metadata values")?;
        let metadata = metadata(&mut cursor, n_values)?;
        let alignment = alignment(&metadata)?;
        let mut entries = Vec::with_capacity(n_tensors);
        for _ in 0..n_tensors {
            entries.push(entry(&mut cursor)?);
        }
        let data_start = (cursor.position() as u64).next_multiple_of(alignment);
        let tensors = place(entries, data_start, alignment, bytes.len() as u64)?;
        Ok(Self { version, metadata, tensors })
    }
}

fn metadata(cursor: &mut Cursor<'_>, n_values: usize) -> Result<BTreeMap<String, Value>, String> {
    let mut metadata = BTreeMap::new();
    for _ in 0..n_values {
        let key = cursor.string("metadata key")?;
        let value = Value::read(cursor).map_err(|detail| format!("metadata `{key}`: {detail}"))?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(format!("metadata `{key}` occurs twice"));
        }
    }
    Ok(metadata)
}

fn alignment(metadata: &BTreeMap<String, Value>) -> Result<u64, String> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(value) => match value.as_u64() {
            Some(alignment) if alignment.is_power_of_two() && alignment <= 1 << 20 => Ok(alignment),
            _ => Err(format!("metadata `general.alignment` is {value:?}; it must be a power of two")),
        },
    }
}

/// A tensor as the directory states it.
struct Entry {
    name: String,
    shape: Vec<usize>,
    kind: Kind,
    offset: u64,
    size: u64,
}

fn entry(cursor: &mut Cursor<'_>) -> Result<Entry, String> {
    let name = cursor.string("tensor name")?;
    let about = |detail: String| format!("tensor `{name}`: {detail}");
    let n_dims = cursor.u32()?;
    if !(1..=4).contains(&n_dims) {
        return Err(about(format!("has {n_dims} dimensions; between 1 and 4 are possible")));
    }
    let mut shape = Vec::new();
    let mut n_elements: u64 = 1;
    for _ in 0..n_dims {
        let length = cursor.u64()?;
        n_elements = n_elements.checked_mul(length).ok_or_else(|| about("is too large".into()))?;
        shape.push(usize::try_from(length).map_err(|_| about("is too large".into()))?);
    }
    let code = cursor.u32()?;
    let kind = Kind::from_code(code)
        .ok_or_else(|| about(format!("has the unsupported type {}", Kind::describe(code))))?;
    let (block, block_bytes) = (kind.block_len() as u64, kind.block_bytes() as u64);
    if !(shape[0] as u64).is_multiple_of(block) {
        return Err(about(format!("rows of {} do not divide into blocks of {block}", shape[0])));
    }
    let size = (n_elements / block).checked_mul(block_bytes).ok_or_else(|| about("is too large".into()))?;
    let offset = cursor.u64()?;
    shape.reverse();
    Ok(Entry { name, shape, kind, offset, size })
}

/// Checks that the tensors lie inside the file, aligned, and apart from each other.
fn place(
    mut entries: Vec<Entry>,
    data_start: u64,
    alignment: u64,
    file_len: u64,
) -> Result<BTreeMap<String, Tensor>, String> {
    entries.sort_by_key(|entry| (entry.offset, entry.size));
    let mut tensors = BTreeMap::new();
    let mut free_from = data_start;
    for Entry { name, shape, kind, offset, size } in entries {
        if !offset.is_multiple_of(alignment) {
            return Err(format!("tensor `{name}`: its offset {offset} is no multiple of {alignment}"));
        }
        let start = data_start.checked_add(offset);
        let end = start.and_then(|start| start.checked_add(size)).filter(|end| *end <= file_len);
        let (Some(start), Some(end)) = (start, end) else {
            return Err(format!(
                "tensor `{name}`: its {size} bytes at {offset} reach beyond the file's end; is the file cut short?"
            ));
        };
        if start < free_from {
            return Err(format!("tensor `{name}`: overlaps another tensor"));
        }
        free_from = end;
        // Both fit: they are at most the length of a slice.
        let tensor = Tensor { shape, kind, bytes: start as usize..end as usize };
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(format!("tensor `{name}` occurs twice"));
        }
    }
    Ok(tensors)
}
