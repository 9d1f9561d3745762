//! A plain f64 decoder and plain f64 losses, as the textbook has them, to compare the trainer with.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use std::collections::BTreeMap;

use stillmark_distill::train::loss::{Divergence, Loss, Missing};
use stillmark_distill::train::{Answers, Batch, Draws, Layout};
use stillmark_model::architecture::{inverse_frequencies, layer_name, rope_magnitude};
use stillmark_model::{Config, Family, Rope, RopeScaling};

/// Tiny shapes that have every feature between them.
pub(crate) fn configs() -> BTreeMap<&'static str, Config> {
    let plain = Config {
        family: Family::Llama,
        vocab_size: 19,
        hidden_size: 8,
        layers: 2,
        heads: 4,
        kv_heads: 4,
        head_dim: 4,
        intermediate_size: 12,
        rms_norm_eps: 1e-5,
        rope: Rope { theta: 100.0, scaling: RopeScaling::None },
        max_positions: 32,
        tied_embeddings: true,
        qkv_bias: false,
        qk_norm: false,
        sliding_window: None,
        full_attention_layers: 0,
        bos: None,
        eos: Vec::new(),
    };
    let grouped = Config { kv_heads: 2, tied_embeddings: false, ..plain.clone() };
    let sliding = Config {
        family: Family::Mistral,
        sliding_window: Some(3),
        full_attention_layers: 1,
        ..grouped.clone()
    };
    let biased = Config { family: Family::Qwen2, kv_heads: 1, qkv_bias: true, ..plain.clone() };
    let normed = Config { family: Family::Qwen3, qk_norm: true, heads: 2, ..grouped.clone() };
    let turned = |scaling| Config { rope: Rope { theta: 100.0, scaling }, ..plain.clone() };
    let linear = turned(RopeScaling::Linear { factor: 4.0 });
    let [low_freq_factor, high_freq_factor] = [1.0, 4.0];
    let llama3 = RopeScaling::Llama3 { factor: 8.0, low_freq_factor, high_freq_factor, original_context: 16 };
    let [beta_fast, beta_slow, attention_factor] = [4.0, 1.0, 1.14];
    let yarn = RopeScaling::Yarn { factor: 4.0, beta_fast, beta_slow, attention_factor, original_context: 8 };
    let (llama3, yarn) = (turned(llama3), turned(yarn));
    let llamas =
        [("llama", plain), ("grouped", grouped), ("linear", linear), ("llama3", llama3), ("yarn", yarn)];
    llamas.into_iter().chain([("mistral", sliding), ("qwen2", biased), ("qwen3", normed)]).collect()
}

/// Weights that give lively activations and gradients everywhere.
pub(crate) fn lively_weights(config: &Config) -> Vec<f32> {
    let draws = Draws::new(7, 1);
    let layout = Layout::new(config);
    let mut weights = vec![0.0; layout.len()];
    for slot in layout.slots() {
        let (center, spread) = if slot.name.ends_with("norm.weight") { (1.0, 0.2) } else { (0.0, 0.4) };
        for index in slot.range.clone() {
            weights[index] = (center + spread * draws.normal(index as u64)) as f32;
        }
    }
    weights
}

pub(crate) fn documents(config: &Config, lengths: &[usize]) -> Vec<Vec<u32>> {
    let draws = Draws::new(11, 2);
    let mut index = 0;
    let mut token = || {
        index += 1;
        draws.below(index, config.vocab_size as u64) as u32
    };
    lengths.iter().map(|&length| (0..length).map(|_| token()).collect()).collect()
}

type Rows = Vec<Vec<f64>>;

/// The decoder, one document at a time.
pub(crate) struct Plain<'a> {
    pub(crate) config: &'a Config,
    pub(crate) weights: &'a [f64],
    pub(crate) layout: &'a Layout,
}

impl Plain<'_> {
    fn get(&self, name: &str) -> Option<&[f64]> {
        let slot = self.layout.slots().iter().find(|slot| slot.name == name)?;
        Some(&self.weights[slot.range.clone()])
    }

    fn linear(&self, x: &Rows, name: &str) -> Rows {
        let weight = self.get(&format!("{name}.weight")).unwrap();
        let bias = self.get(&format!("{name}.bias"));
        let row = |x: &Vec<f64>| {
            let outputs = weight.chunks_exact(x.len()).enumerate();
            outputs.map(|(i, w)| dot(x, w) + bias.map_or(0.0, |bias| bias[i])).collect()
        };
        x.iter().map(row).collect()
    }

    fn norm(&self, x: &[f64], name: &str) -> Option<Vec<f64>> {
        let weight = self.get(name)?;
        let rms = (dot(x, x) / x.len() as f64 + f64::from(self.config.rms_norm_eps)).sqrt();
        Some(x.iter().zip(weight).map(|(x, w)| x / rms * w).collect())
    }

    fn norm_rows(&self, x: &Rows, name: &str) -> Rows {
        x.iter().map(|x| self.norm(x, name).unwrap()).collect()
    }

    /// Norms and turns every head of every row.
    fn heads(&self, mut x: Rows, norm: &str) -> Rows {
        let dim = self.config.head_dim;
        let (frequencies, magnitude) = (inverse_frequencies(self.config), rope_magnitude(self.config));
        for (position, row) in x.iter_mut().enumerate() {
            for head in row.chunks_exact_mut(dim) {
                if let Some(normed) = self.norm(head, norm) {
                    head.copy_from_slice(&normed);
                }
                for i in 0..dim / 2 {
                    let (sin, cos) = (position as f64 * frequencies[i]).sin_cos();
                    let (sin, cos) = (sin * magnitude, cos * magnitude);
                    let (a, b) = (head[i], head[i + dim / 2]);
                    (head[i], head[i + dim / 2]) = (a * cos - b * sin, b * cos + a * sin);
                }
            }
        }
        x
    }

    fn attention(&self, layer: usize, x: &Rows) -> Rows {
        let config = self.config;
        let name = |part: &str| layer_name(layer, &format!("self_attn.{part}"));
        let q = self.heads(self.linear(x, &name("q_proj")), &name("q_norm.weight"));
        let k = self.heads(self.linear(x, &name("k_proj")), &name("k_norm.weight"));
        let v = self.linear(x, &name("v_proj"));
        let (dim, group) = (config.head_dim, config.heads / config.kv_heads);
        let window = config.sliding_window.filter(|_| layer >= config.full_attention_layers);
        let mut out = vec![vec![0.0; config.heads * dim]; x.len()];
        for i in 0..x.len() {
            let first = window.map_or(0, |window| (i + 1).saturating_sub(window));
            for head in 0..config.heads {
                let own = head * dim..(head + 1) * dim;
                let theirs = head / group * dim..(head / group + 1) * dim;
                let scores =
                    (first..=i).map(|j| dot(&q[i][own.clone()], &k[j][theirs.clone()]) / (dim as f64).sqrt());
                for (p, j) in softmax(&scores.collect::<Vec<_>>()).iter().zip(first..) {
                    for (out, v) in out[i][own.clone()].iter_mut().zip(&v[j][theirs.clone()]) {
                        *out += p * v;
                    }
                }
            }
        }
        self.linear(&out, &name("o_proj"))
    }

    fn feed_forward(&self, layer: usize, x: &Rows) -> Rows {
        let name = |part: &str| layer_name(layer, &format!("mlp.{part}"));
        let (gate, up) = (self.linear(x, &name("gate_proj")), self.linear(x, &name("up_proj")));
        let product = gate
            .iter()
            .zip(&up)
            .map(|(gate, up)| gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect());
        self.linear(&product.collect(), &name("down_proj"))
    }

    /// Logits of every row of one document.
    pub(crate) fn logits(&self, document: &[u32]) -> Rows {
        let width = self.config.hidden_size;
        let embedding = self.get("model.embed_tokens.weight").unwrap();
        let mut x: Rows =
            document.iter().map(|&token| embedding[token as usize * width..][..width].to_vec()).collect();
        for layer in 0..self.config.layers {
            let normed = self.norm_rows(&x, &layer_name(layer, "input_layernorm.weight"));
            x = add(x, &self.attention(layer, &normed));
            let normed = self.norm_rows(&x, &layer_name(layer, "post_attention_layernorm.weight"));
            x = add(x, &self.feed_forward(layer, &normed));
        }
        let normed = self.norm_rows(&x, "model.norm.weight");
        let head = if self.config.tied_embeddings { "model.embed_tokens" } else { "lm_head" };
        self.linear(&normed, head)
    }

    /// Logits of every row of a batch.
    pub(crate) fn batch_logits(&self, batch: &Batch) -> Rows {
        batch.segments.iter().flat_map(|segment| self.logits(&batch.tokens[segment.clone()])).collect()
    }

    /// The loss of a batch.
    pub(crate) fn loss(&self, batch: &Batch, loss: &Loss, teacher: &Rows) -> f64 {
        let logits = self.batch_logits(batch);
        let mut total = 0.0;
        for segment in &batch.segments {
            for row in segment.clone() {
                let next = (row + 1 < segment.end).then(|| batch.tokens[row + 1]);
                let target = target(batch, loss, teacher, row);
                total += f64::from(batch.weights[row]) * row_value(loss, next, target.as_ref(), &logits[row]);
            }
        }
        total / batch.total_weight()
    }
}

/// The teacher's word on a row, as the f64 losses want it.
pub(crate) enum Target {
    Logits(Vec<f64>),
    Top { ids: Vec<usize>, probs: Vec<f64>, tail: f64 },
}

fn target(batch: &Batch, loss: &Loss, teacher: &Rows, row: usize) -> Option<Target> {
    match &batch.answers {
        Answers::None => None,
        Answers::Asked => Some(Target::Logits(teacher[row][..loss.shared_vocab].to_vec())),
        Answers::Top(top) => Some(Target::Top {
            ids: top.ids[row * top.k..][..top.k].iter().map(|&id| id as usize).collect(),
            probs: top.log_probs[row * top.k..][..top.k].iter().map(|&p| f64::from(p).exp()).collect(),
            tail: f64::from(top.tails[row]),
        }),
    }
}

/// The weighted sum of a row's terms.
pub(crate) fn row_value(loss: &Loss, next: Option<u32>, target: Option<&Target>, logits: &[f64]) -> f64 {
    let mut total = 0.0;
    for term in &loss.terms {
        let temperature = f64::from(term.temperature);
        let shared = &logits[..loss.shared_vocab];
        let value = match (term.divergence, target) {
            (Divergence::CrossEntropy, _) => next.map_or(0.0, |next| -softmax(logits)[next as usize].ln()),
            (_, None) => 0.0,
            (divergence, Some(target)) => {
                let (p, q) = distributions(loss.missing, target, shared, temperature);
                temperature * temperature * divergence_value(divergence, &p, &q)
            }
        };
        total += f64::from(term.weight) * value;
    }
    total
}

/// Both distributions over the same outcomes.
fn distributions(
    missing: Missing,
    target: &Target,
    logits: &[f64],
    temperature: f64,
) -> (Vec<f64>, Vec<f64>) {
    let tempered = |row: &[f64]| softmax(&row.iter().map(|x| x / temperature).collect::<Vec<_>>());
    let bent = |probs: &[f64]| {
        let powers: Vec<f64> = probs.iter().map(|p| p.powf(1.0 / temperature)).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|p| p / sum).collect::<Vec<f64>>()
    };
    match target {
        Target::Logits(teacher) => (tempered(teacher), tempered(logits)),
        Target::Top { ids, probs, tail } => match missing {
            Missing::Bucket => {
                let q = softmax(logits);
                let mut outcomes: Vec<f64> = ids.iter().map(|&id| q[id]).collect();
                outcomes.push((0..q.len()).filter(|id| !ids.contains(id)).map(|id| q[id]).sum());
                let p: Vec<f64> = probs.iter().copied().chain([*tail]).collect();
                (bent(&p), bent(&outcomes))
            }
            Missing::Zero | Missing::Uniform => {
                let even =
                    if missing == Missing::Zero { 0.0 } else { tail / (logits.len() - ids.len()) as f64 };
                let mut p = vec![even; logits.len()];
                for (&id, &prob) in ids.iter().zip(probs) {
                    p[id] = prob;
                }
                (bent(&p), tempered(logits))
            }
        },
    }
}

fn divergence_value(divergence: Divergence, p: &[f64], q: &[f64]) -> f64 {
    let kl = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| if *a > 0.0 { a * (a / b).ln() } else { 0.0 }).sum()
    };
    match divergence {
        Divergence::CrossEntropy => 0.0,
        Divergence::ForwardKl | Divergence::JensenShannon { beta: 0.0 } => kl(p, q),
        Divergence::ReverseKl | Divergence::JensenShannon { beta: 1.0 } => kl(q, p),
        Divergence::JensenShannon { beta } => {
            let beta = f64::from(beta);
            let m: Vec<f64> = p.iter().zip(q).map(|(p, q)| beta * p + (1.0 - beta) * q).collect();
            beta * kl(p, &m) + (1.0 - beta) * kl(q, &m)
        }
        Divergence::TotalVariation => 0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>(),
    }
}

pub(crate) fn softmax(row: &[f64]) -> Vec<f64> {
    let shift = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = row.iter().map(|x| (x - shift).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(mut a: Rows, b: &Rows) -> Rows {
    for (a, b) in a.iter_mut().zip(b) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
    }
    a
}
