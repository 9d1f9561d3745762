//! The buffers of a step, allocated once: what the forward pass saves for the backward pass, and room to work in.

use stillmark_model::Config;

/// Floats a token in each kind of row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    pub stream: usize,
    pub q: usize,
    pub kv: usize,
    pub ffn: usize,
}

impl Widths {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            stream: config.hidden_size,
            q: config.heads * config.head_dim,
            kv: config.kv_heads * config.head_dim,
            ffn: config.intermediate_size,
        }
    }
}

/// What one layer saves. Norms' outputs and the feed-forward block's product are cheap and computed anew.
#[derive(Debug)]
pub(super) struct LayerSaved {
    /// The residual stream on entry.
    pub input: Vec<f32>,
    /// Queries and keys before their norm, where they have one.
    pub raw: [Vec<f32>; 2],
    pub q: Vec<f32>,
    pub k: Vec<f32>,
    pub v: Vec<f32>,
    pub attended: Vec<f32>,
    /// The residual stream after attention.
    pub middle: Vec<f32>,
    pub gate: Vec<f32>,
    pub up: Vec<f32>,
}

/// Room that every layer uses in turn.
#[derive(Debug)]
pub(super) struct Scratch {
    /// The output of a norm.
    pub normed: Vec<f32>,
    /// The wider of queries and the feed-forward block.
    pub wide: Vec<f32>,
    /// Gradient of the residual stream.
    pub d_stream: Vec<f32>,
    /// Gradient of a norm's output.
    pub d_normed: Vec<f32>,
    pub d_q: Vec<f32>,
    pub d_k: Vec<f32>,
    pub d_v: Vec<f32>,
    /// Gradient of raw queries or keys, where they have a norm.
    pub d_raw: Vec<f32>,
}

/// All buffers of a pass over at most `capacity` tokens.
#[derive(Debug)]
pub(super) struct Workspace {
    capacity: usize,
    pub widths: Widths,
    pub layers: Vec<LayerSaved>,
    /// The residual stream after the last layer.
    pub output: Vec<f32>,
    pub positions: Vec<u32>,
    pub scratch: Scratch,
}

impl Workspace {
    pub(super) fn new(config: &Config, capacity: usize) -> Self {
        let widths = Widths::of(config);
        let rows = |width: usize| vec![0.0; capacity * width];
        let raw = |width: usize| if config.qk_norm { rows(width) } else { Vec::new() };
        let layer = |_| LayerSaved {
            input: rows(widths.stream),
            raw: [raw(widths.q), raw(widths.kv)],
            q: rows(widths.q),
            k: rows(widths.kv),
            v: rows(widths.kv),
            attended: rows(widths.q),
            middle: rows(widths.stream),
            gate: rows(widths.ffn),
            up: rows(widths.ffn),
        };
        let scratch = Scratch {
            normed: rows(widths.stream),
            wide: rows(widths.ffn.max(widths.q)),
            d_stream: rows(widths.stream),
            d_normed: rows(widths.stream),
            d_q: rows(widths.q),
            d_k: rows(widths.kv),
            d_v: rows(widths.kv),
            d_raw: raw(widths.q.max(widths.kv)),
        };
        let layers = (0..config.layers).map(layer).collect();
        let positions = Vec::with_capacity(capacity);
        Self { capacity, widths, layers, output: rows(widths.stream), positions, scratch }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }
}
