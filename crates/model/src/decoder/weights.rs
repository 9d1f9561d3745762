//! Reading weights from a source, checking and packing them.

use half::bf16;
use stillmark_kernels::attention::Shape;
use stillmark_kernels::convert::{narrow_bf16, widen_bf16};
use stillmark_kernels::gemm::{Packed, Precision};

use crate::architecture::{attention_shape, layer_name};
use crate::{Config, Error, TensorSource};

/// Rows of the embedding.
#[derive(Debug)]
pub(super) enum Embedding {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
}

impl Embedding {
    pub(super) fn new(rows: Vec<f32>, precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32(rows),
            Precision::Bf16 => {
                let mut narrow = vec![bf16::ZERO; rows.len()];
                narrow_bf16(&rows, &mut narrow);
                Self::Bf16(narrow)
            }
        }
    }

    pub(super) fn row(&self, idx: usize, out: &mut [f32]) {
        let range = idx * out.len()..(idx + 1) * out.len();
        match self {
            Self::F32(rows) => out.copy_from_slice(&rows[range]),
            Self::Bf16(rows) => widen_bf16(&rows[range], out),
        }
    }
}

/// The weights of one layer.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Its attention.
    pub(crate) shape: Shape,
    pub(super) input_norm: Vec<f32>,
    /// Queries, keys and values side by side.
    pub(super) qkv: Packed,
    pub(super) qkv_bias: Option<Vec<f32>>,
    /// The norms of the heads of queries and of keys.
    pub(super) qk_norm: Option<[Vec<f32>; 2]>,
    pub(super) output: Packed,
    pub(super) ffn_norm: Vec<f32>,
    /// Gate and up side by side.
    pub(super) gate_up: Packed,
    pub(super) down: Packed,
}

impl Layer {
    pub(super) fn load(
        config: &Config,
        source: &dyn TensorSource,
        precision: Precision,
        layer: usize,
    ) -> Result<Self, Error> {
        let (d, ffn, dim) = (config.hidden_size, config.intermediate_size, config.head_dim);
        let (q, kv) = (config.heads * dim, config.kv_heads * dim);
        let vector = |part: &str, len: usize| read(source, &layer_name(layer, part), &[len]);
        let linear = |parts: &[&str], n: &[usize], k: usize| {
            let names: Vec<_> = parts.iter().map(|part| layer_name(layer, part)).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            packed_linear(source, precision, &names, n, k)
        };
        let qkv = ["self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"];
        let qkv_bias = config.qkv_bias.then(|| {
            let parts = [("q", q), ("k", kv), ("v", kv)];
            let biases = parts.map(|(part, len)| vector(&format!("self_attn.{part}_proj.bias"), len));
            biases.into_iter().collect::<Result<Vec<_>, _>>().map(|biases| biases.concat())
        });
        let qk_norm = config.qk_norm.then(|| {
            Ok::<_, Error>([vector("self_attn.q_norm.weight", dim)?, vector("self_attn.k_norm.weight", dim)?])
        });
        Ok(Self {
            shape: attention_shape(config, layer),
            input_norm: vector("input_layernorm.weight", d)?,
            qkv: linear(&qkv, &[q, kv, kv], d)?,
            qkv_bias: qkv_bias.transpose()?,
            qk_norm: qk_norm.transpose()?,
            output: linear(&["self_attn.o_proj.weight"], &[d], q)?,
            ffn_norm: vector("post_attention_layernorm.weight", d)?,
            gate_up: linear(&["mlp.gate_proj.weight", "mlp.up_proj.weight"], &[ffn, ffn], d)?,
            down: linear(&["mlp.down_proj.weight"], &[d], ffn)?,
        })
    }
}

/// The linear weights called `names`, of `n` outputs each and `k` inputs, packed as one operand.
pub(super) fn packed_linear(
    source: &dyn TensorSource,
    precision: Precision,
    names: &[&str],
    n: &[usize],
    k: usize,
) -> Result<Packed, Error> {
    let mut rows = Vec::new();
    for (name, n) in names.iter().zip(n) {
        let part = read(source, name, &[*n, k])?;
        if rows.is_empty() {
            rows = part;
        } else {
            rows.extend_from_slice(&part);
        }
    }
    Ok(Packed::of_linear(precision, &rows, n.iter().sum(), k))
}

/// The tensor called `name`, which must be of this shape and hold finite numbers.
pub(super) fn read(source: &dyn TensorSource, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
    let bad = |detail: String| Error::Tensor { name: name.to_owned(), detail };
    let found = source.shape(name).ok_or_else(|| bad("is missing".to_owned()))?;
    if found != shape {
        return Err(bad(format!("has shape {found:?} where the config demands {shape:?}")));
    }
    let data = source.tensor(name)?;
    if data.len() != shape.iter().product::<usize>() {
        return Err(bad(format!("holds {} numbers instead of those of its shape {shape:?}", data.len())));
    }
    match data.iter().position(|x| !x.is_finite()) {
        None => Ok(data),
        Some(idx) => Err(bad(format!("element {idx} is {}", data[idx]))),
    }
}
