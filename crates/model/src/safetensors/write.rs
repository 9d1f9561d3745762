//! Writing a safetensors file.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use half::{bf16, f16};
use serde_json::json;

use super::Kind;
use crate::architecture::Parameter;
use crate::error::Error;
use crate::source::check_len;
use crate::whole_file;

/// In what precision weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Single.
    F32,
    /// Half, rounded to nearest even. What is beyond its range (65504) is refused.
    F16,
    /// The upper half of single, rounded to nearest even.
    Bf16,
}

/// Writes `tensors` to the file at `path`, each with the numbers that `values` has for its name. The bytes depend on the
/// arguments alone, and the file appears whole or not at all.
pub fn write(
    path: &Path,
    precision: Precision,
    metadata: &BTreeMap<String, String>,
    tensors: &[Parameter],
    values: &dyn Fn(&str) -> Result<Vec<f32>, Error>,
) -> Result<(), Error> {
    let header = header(precision, metadata, tensors);
    whole_file::write(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for tensor in tensors {
            let numbers = values(&tensor.name)?;
            check_len(tensor, &numbers)?;
            check_range(tensor, precision, &numbers)?;
            write_numbers(out, precision, &numbers)?;
        }
        Ok(())
    })
}

fn header(precision: Precision, metadata: &BTreeMap<String, String>, tensors: &[Parameter]) -> Vec<u8> {
    let kind = match precision {
        Precision::F32 => Kind::F32,
        Precision::F16 => Kind::F16,
        Precision::Bf16 => Kind::Bf16,
    };
    // Sorted by name, whatever map `serde_json` was built with.
    let mut object = BTreeMap::new();
    if !metadata.is_empty() {
        object.insert("__metadata__", json!(metadata));
    }
    let mut end = 0;
    for tensor in tensors {
        let start = end;
        end += tensor.len() * kind.size();
        let entry = BTreeMap::from([
            ("dtype", json!(kind.name())),
            ("shape", json!(tensor.shape)),
            ("data_offsets", json!([start, end])),
        ]);
        object.insert(&tensor.name, json!(entry));
    }
    let mut header = json!(object).to_string().into_bytes();
    // Data starts on a multiple of eight, as the format asks.
    header.resize(header.len().next_multiple_of(8), b' ');
    header
}

/// Halves end at 65504: a larger number would become infinity, which no reader takes.
fn check_range(tensor: &Parameter, precision: Precision, numbers: &[f32]) -> Result<(), Error> {
    let overflows = |number: &&f32| number.is_finite() && f16::from_f32(**number).is_infinite();
    match numbers.iter().find(overflows) {
        Some(number) if precision == Precision::F16 => {
            let detail = format!("{number} is beyond the range of f16; write f32 or bf16");
            Err(Error::Tensor { name: tensor.name.clone(), detail })
        }
        _ => Ok(()),
    }
}

fn write_numbers(out: &mut dyn Write, precision: Precision, numbers: &[f32]) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(1 << 16);
    for chunk in numbers.chunks(1 << 14) {
        bytes.clear();
        for number in chunk {
            match precision {
                Precision::F32 => bytes.extend(number.to_le_bytes()),
                Precision::F16 => bytes.extend(f16::from_f32(*number).to_le_bytes()),
                Precision::Bf16 => bytes.extend(bf16::from_f32(*number).to_le_bytes()),
            }
        }
        out.write_all(&bytes)?;
    }
    Ok(())
}
