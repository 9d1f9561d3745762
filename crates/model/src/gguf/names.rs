//! Tensor names of GGUF and of Hugging Face's layout.

/// Parts outside the layers: Hugging Face's name, GGUF's name.
const OUTER: [(&str, &str); 3] = [
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.norm.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// Parts of a layer, without `.weight` or `.bias`.
const INNER: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// Stretch of each rotary frequency, which the config accounts for.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// GGUF's name of a tensor of Hugging Face's layout.
pub(super) fn to_gguf(name: &str) -> Option<String> {
    if let Some((_, gguf)) = OUTER.iter().find(|(hf, _)| *hf == name) {
        return Some((*gguf).into());
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, kind) = rest.rsplit_once('.')?;
    let (_, gguf) = INNER.iter().find(|(hf, _)| *hf == part)?;
    Some(format!("blk.{layer}.{gguf}.{kind}"))
}

/// Hugging Face's name of a tensor of a GGUF file.
pub(super) fn to_hugging_face(name: &str) -> Option<String> {
    if let Some((hf, _)) = OUTER.iter().find(|(_, gguf)| *gguf == name) {
        return Some((*hf).into());
    }
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, kind) = rest.split_once('.')?;
    let (hf, _) = INNER.iter().find(|(_, gguf)| *gguf == part)?;
    Some(format!("model.layers.{layer}.{hf}.{kind}"))
}

/// Whose rows llama.cpp keeps interleaved for the architecture `llama`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rotary {
    Query,
    Key,
    Neither,
}

/// Whether a tensor of Hugging Face's layout makes queries or keys.
pub(super) fn rotary(name: &str) -> Rotary {
    if name.contains(".q_proj.") {
        Rotary::Query
    } else if name.contains(".k_proj.") {
        Rotary::Key
    } else {
        Rotary::Neither
    }
}

/// The rows of a matrix that turn in pairs.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// Rows of one head.
    pub(super) head_dim: usize,
    /// Floats of one row; 1 for a bias.
    pub(super) width: usize,
}

/// Rows of interleaved pairs (0 and half, 1 and half + 1, …) to rows of halves, head by head.
pub(super) fn halves_from_pairs(values: &[f32], rows: Rows) -> Vec<f32> {
    let half = rows.head_dim / 2;
    reorder(values, rows, |row| if row < half { 2 * row } else { 2 * (row - half) + 1 })
}

/// The inverse of [`halves_from_pairs`].
pub(super) fn pairs_from_halves(values: &[f32], rows: Rows) -> Vec<f32> {
    reorder(values, rows, |row| row / 2 + row % 2 * (rows.head_dim / 2))
}

/// Takes each row of each head from the row `source(row)` of the same head.
fn reorder(values: &[f32], Rows { head_dim, width }: Rows, source: impl Fn(usize) -> usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for head in values.chunks_exact(head_dim * width) {
        for row in 0..head_dim {
            out.extend_from_slice(&head[source(row) * width..][..width]);
        }
    }
    out
}
