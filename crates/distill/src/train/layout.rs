//! Where each parameter lies in the flat vector that holds them all.

use std::ops::Range;

use stillmark_model::Config;
use stillmark_model::architecture::{self, Parameter};

/// One parameter's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name in Hugging Face's layout.
    pub name: String,
    /// Its shape, outputs before inputs.
    pub shape: Vec<usize>,
    /// Its floats in the flat vector.
    pub range: Range<usize>,
}

impl Slot {
    /// Whether it is a matrix that multiplies activations: neither a norm, a bias nor the embedding.
    pub fn is_projection(&self) -> bool {
        self.shape.len() == 2 && self.name != architecture::EMBEDDING
    }
}

/// The places of every parameter of a model.
#[derive(Clone, Debug)]
pub struct Layout {
    slots: Vec<Slot>,
    pub(super) layers: Vec<LayerSlots>,
    pub(super) embedding: Range<usize>,
    pub(super) final_norm: Range<usize>,
    /// The same as `embedding` where the two are tied.
    pub(super) head: Range<usize>,
}

/// The places of one layer's parameters; the optional ones are empty where the family has none.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerSlots {
    pub input_norm: Range<usize>,
    /// Queries, keys and values.
    pub projections: [Range<usize>; 3],
    pub biases: [Range<usize>; 3],
    /// Norms of the heads of queries and of keys.
    pub head_norms: [Range<usize>; 2],
    pub output: Range<usize>,
    pub post_norm: Range<usize>,
    pub gate: Range<usize>,
    pub up: Range<usize>,
    pub down: Range<usize>,
}

impl Layout {
    /// The layout of a model of this shape, in the order of [`architecture::parameters`].
    pub fn new(config: &Config) -> Self {
        let mut end = 0;
        let place = |Parameter { name, shape }: Parameter| {
            let start = end;
            end += shape.iter().product::<usize>();
            Slot { name, shape, range: start..end }
        };
        let slots: Vec<Slot> = architecture::parameters(config).into_iter().map(place).collect();
        let find =
            |name: &str| slots.iter().find(|slot| slot.name == name).map_or(0..0, |slot| slot.range.clone());
        let layers = (0..config.layers).map(|layer| LayerSlots::find(layer, &find)).collect();
        let embedding = find(architecture::EMBEDDING);
        let head = if config.tied_embeddings { embedding.clone() } else { find(architecture::HEAD) };
        Self { layers, embedding, final_norm: find(architecture::FINAL_NORM), head, slots }
    }

    /// Every parameter, in the order in which they lie.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Number of floats.
    pub fn len(&self) -> usize {
        self.slots.last().map_or(0, |slot| slot.range.end)
    }

    /// Whether there is no parameter.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl LayerSlots {
    fn find(layer: usize, find: &impl Fn(&str) -> Range<usize>) -> Self {
        let part = |part: &str| find(&architecture::layer_name(layer, part));
        Self {
            input_norm: part("input_layernorm.weight"),
            projections: ["q", "k", "v"].map(|which| part(&format!("self_attn.{which}_proj.weight"))),
            biases: ["q", "k", "v"].map(|which| part(&format!("self_attn.{which}_proj.bias"))),
            head_norms: ["q", "k"].map(|which| part(&format!("self_attn.{which}_norm.weight"))),
            output: part("self_attn.o_proj.weight"),
            post_norm: part("post_attention_layernorm.weight"),
            gate: part("mlp.gate_proj.weight"),
            up: part("mlp.up_proj.weight"),
            down: part("mlp.down_proj.weight"),
        }
    }
}
