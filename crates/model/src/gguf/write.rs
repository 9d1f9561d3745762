//! Writing a GGUF file that llama.cpp loads.

use std::io::{self, Write};
use std::path::Path;

use half::f16;

use super::DEFAULT_ALIGNMENT;
use super::config::llama3_divisors;
use super::dequantize::Kind;
use super::file::is_interleaved;
use super::names::{self, ROPE_FACTORS, Rotary, Rows};
use super::value::{Value, put_text};
use crate::architecture::{Parameter, parameters};
use crate::config::{Config, Family, RopeScaling, yarn_attention_factor};
use crate::error::Error;
use crate::source::{TensorSource, check_finite, check_len};
use crate::whole_file;

/// How matrices are encoded; norms and biases are always single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Half precision.
    F16,
    /// Blocks of 32 of 8 bits; half precision where rows are no multiple of 32.
    Q8_0,
}

/// A model to be written.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// Its shape.
    pub config: &'a Config,
    /// Its weights.
    pub weights: &'a dyn TensorSource,
    /// What else is said of it: name, license and the tokenizer's metadata, as
    /// [`crate::Tokenizer::gguf_metadata`] has it.
    pub metadata: &'a [(String, Value)],
}

/// A tensor as it is laid into the file.
struct Placed {
    parameter: Parameter,
    name: String,
    kind: Kind,
    size: u64,
}

/// Writes `export` to the file at `path`. The bytes depend on the arguments alone, and the file appears whole or not at all.
pub fn write(path: &Path, precision: Precision, export: &Export<'_>) -> Result<(), Error> {
    let config = export.config;
    if config.sliding_window.is_some() && matches!(config.family, Family::Qwen2 | Family::Qwen3) {
        let detail = "llama.cpp knows none for this family".into();
        return Err(Error::Config { path: path.into(), field: "sliding_window".into(), detail });
    }
    let mut metadata = shape_metadata(config, precision);
    metadata.extend(export.metadata.iter().cloned());
    let placed = place(config, precision);
    let head = directory(&metadata, &placed);
    whole_file::write(path, |out| {
        out.write_all(&head)?;
        for tensor in &placed {
            let numbers = numbers(tensor, export, path)?;
            let written = write_numbers(out, tensor.kind, &numbers)?;
            pad(out, written)?;
        }
        Ok(())
    })
}

/// The tensors in the order of the file.
fn place(config: &Config, precision: Precision) -> Vec<Placed> {
    let one = |parameter: Parameter| {
        let row = parameter.shape.last().copied().unwrap_or(1);
        let kind = match precision {
            _ if parameter.shape.len() == 1 => Kind::F32,
            Precision::Q8_0 if row.is_multiple_of(Kind::Q8_0.block_len()) => Kind::Q8_0,
            Precision::F16 | Precision::Q8_0 => Kind::F16,
        };
        let size = (parameter.len() / kind.block_len() * kind.block_bytes()) as u64;
        let name = names::to_gguf(&parameter.name).unwrap_or_else(|| parameter.name.clone());
        Placed { parameter, name, kind, size }
    };
    let mut all = parameters(config);
    if !rope_factors(config).is_empty() {
        all.push(Parameter { name: ROPE_FACTORS.into(), shape: vec![config.head_dim / 2] });
    }
    all.into_iter().map(one).collect()
}

fn rope_factors(config: &Config) -> Vec<f64> {
    llama3_divisors(&config.rope.scaling, config.rope.theta, config.head_dim)
}

/// The tensor's numbers in the order of llama.cpp.
fn numbers(tensor: &Placed, export: &Export<'_>, path: &Path) -> Result<Vec<f32>, Error> {
    let (config, name) = (export.config, tensor.parameter.name.as_str());
    if name == ROPE_FACTORS {
        return Ok(rope_factors(config).into_iter().map(|factor| factor as f32).collect());
    }
    let values = export.weights.tensor(name)?;
    check_len(&tensor.parameter, &values)?;
    check_finite(path, name, &values)?;
    if is_interleaved(config) && names::rotary(name) != Rotary::Neither {
        let width = tensor.parameter.len() / tensor.parameter.shape[0];
        return Ok(names::pairs_from_halves(&values, Rows { head_dim: config.head_dim, width }));
    }
    Ok(values)
}

/// All that stands before the numbers.
fn directory(metadata: &[(String, Value)], tensors: &[Placed]) -> Vec<u8> {
    let mut head = b"GGUF".to_vec();
    head.extend(3u32.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        put_text(&mut head, key);
        value.write(&mut head);
    }
    let mut offset = 0;
    for tensor in tensors {
        put_text(&mut head, &tensor.name);
        head.extend((tensor.parameter.shape.len() as u32).to_le_bytes());
        for length in tensor.parameter.shape.iter().rev() {
            head.extend((*length as u64).to_le_bytes());
        }
        head.extend(tensor.kind.code().to_le_bytes());
        head.extend(u64::to_le_bytes(offset));
        offset = (offset + tensor.size).next_multiple_of(DEFAULT_ALIGNMENT);
    }
    head.resize(head.len().next_multiple_of(DEFAULT_ALIGNMENT as usize), 0);
    head
}

/// Writes numbers in an encoding, and says how many bytes they took.
fn write_numbers(out: &mut dyn Write, kind: Kind, numbers: &[f32]) -> io::Result<u64> {
    let mut written = 0;
    for chunk in numbers.chunks(1 << 14) {
        let mut bytes = Vec::with_capacity(1 << 16);
        match kind {
            Kind::Q8_0 => chunk.chunks(Kind::Q8_0.block_len()).for_each(|block| put_q8_0(&mut bytes, block)),
            Kind::F16 => chunk.iter().for_each(|number| bytes.extend(f16::from_f32(*number).to_le_bytes())),
            _ => chunk.iter().for_each(|number| bytes.extend(number.to_le_bytes())),
        }
        out.write_all(&bytes)?;
        written += bytes.len() as u64;
    }
    Ok(written)
}

/// One block of 8 bits, as ggml's reference quantizer makes it.
fn put_q8_0(out: &mut Vec<u8>, block: &[f32]) {
    let largest = block.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
    let d = largest / 127.0;
    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
    out.extend(f16::from_f32(d).to_le_bytes());
    out.extend(block.iter().map(|number| ((number * inverse).round() as i8).cast_unsigned()));
}

fn pad(out: &mut dyn Write, written: u64) -> io::Result<()> {
    let rest = written.next_multiple_of(DEFAULT_ALIGNMENT) - written;
    out.write_all(&[0; DEFAULT_ALIGNMENT as usize][..rest as usize])
}

/// What llama.cpp needs to know of the shape.
fn shape_metadata(config: &Config, precision: Precision) -> Vec<(String, Value)> {
    let architecture = match config.family {
        Family::Llama | Family::Mistral => "llama",
        Family::Qwen2 => "qwen2",
        Family::Qwen3 => "qwen3",
    };
    // llama.cpp's numbers for files that are mostly of one encoding.
    let file_type = match precision {
        Precision::F16 => 1,
        Precision::Q8_0 => 7,
    };
    let mut all: Vec<(String, Value)> = vec![
        ("general.architecture".into(), Value::Text(architecture.into())),
        ("general.type".into(), Value::Text("model".into())),
        ("general.file_type".into(), Value::Int(file_type)),
        ("general.quantization_version".into(), Value::Int(2)),
    ];
    let mut put = |key: &str, value: Value| all.push((format!("{architecture}.{key}"), value));
    let size = |size: usize| Value::Int(size as i128);
    put("block_count", size(config.layers));
    put("context_length", size(config.max_positions));
    put("embedding_length", size(config.hidden_size));
    put("feed_forward_length", size(config.intermediate_size));
    put("attention.head_count", size(config.heads));
    put("attention.head_count_kv", size(config.kv_heads));
    put("attention.key_length", size(config.head_dim));
    put("attention.value_length", size(config.head_dim));
    put("attention.layer_norm_rms_epsilon", Value::Float(config.rms_norm_eps.into()));
    put("rope.dimension_count", size(config.head_dim));
    put("rope.freq_base", Value::Float(config.rope.theta));
    put("vocab_size", size(config.vocab_size));
    if let Some(window) = config.sliding_window {
        put("attention.sliding_window", size(window));
    }
    match config.rope.scaling {
        RopeScaling::None | RopeScaling::Llama3 { .. } => {}
        RopeScaling::Linear { factor } => {
            put("rope.scaling.type", Value::Text("linear".into()));
            put("rope.scaling.factor", Value::Float(factor));
        }
        RopeScaling::Yarn { factor, beta_fast, beta_slow, attention_factor, original_context } => {
            put("rope.scaling.type", Value::Text("yarn".into()));
            put("rope.scaling.factor", Value::Float(factor));
            put("rope.scaling.original_context_length", size(original_context));
            put("rope.scaling.attn_factor", Value::Float(attention_factor / yarn_attention_factor(factor)));
            put("rope.scaling.yarn_beta_fast", Value::Float(beta_fast));
            put("rope.scaling.yarn_beta_slow", Value::Float(beta_slow));
        }
    }
    all
}
