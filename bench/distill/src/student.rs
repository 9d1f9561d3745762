//! The students of the benchmarks, and a trainer for each.

use stillmark_distill::train::loss::{Divergence, Loss, Missing, Term};
use stillmark_distill::train::{AdamW, Batch, Decayed, Decline, Schedule, Settings, Student, Trainer};
use stillmark_kernels::gemm::Precision;
use stillmark_model::{Config, Family, Rope, RopeScaling};

/// A student of Llama's type with tied embeddings, and the batch of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) vocab_size: usize,
    pub(crate) width: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) feed_forward: usize,
    pub(crate) rows: usize,
    pub(crate) length: usize,
}

/// 17.7 million parameters, eight rows of 256 tokens.
pub(crate) const REFERENCE: Task =
    Task { vocab_size: 49_152, width: 256, layers: 6, heads: 8, feed_forward: 768, rows: 8, length: 256 };

impl Task {
    pub(crate) fn tokens(&self) -> usize {
        self.rows * self.length
    }

    pub(crate) fn parameters(&self) -> usize {
        let layer = self.width * (4 * self.width + 3 * self.feed_forward + 2);
        self.vocab_size * self.width + self.layers * layer + self.width
    }

    /// Floating-point operations that a step cannot do without: each weight of a matrix meets each token once forward and
    /// twice backward, and so does each pair of tokens that attention lets see each other. Nothing computed twice counts.
    pub(crate) fn flops(&self) -> f64 {
        let matrices = self.vocab_size * self.width
            + self.layers * self.width * (4 * self.width + 3 * self.feed_forward);
        let pairs = self.rows * self.length * (self.length + 1) / 2;
        let attention = self.layers * 2 * pairs * self.width;
        6.0 * (matrices * self.tokens() + attention) as f64
    }

    fn config(&self) -> Config {
        Config {
            family: Family::Llama,
            vocab_size: self.vocab_size,
            hidden_size: self.width,
            layers: self.layers,
            heads: self.heads,
            kv_heads: self.heads,
            head_dim: self.width / self.heads,
            intermediate_size: self.feed_forward,
            rms_norm_eps: 1e-6,
            rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
            max_positions: self.length,
            tied_embeddings: true,
            qkv_bias: false,
            qk_norm: false,
            sliding_window: None,
            full_attention_layers: 0,
            bos: None,
            eos: Vec::new(),
        }
    }

    /// Cross-entropy and `AdamW` with PyTorch's defaults.
    pub(crate) fn trainer(&self, precision: Precision) -> Result<Trainer, String> {
        let loss = Loss {
            terms: vec![Term::plain(Divergence::CrossEntropy)],
            missing: Missing::Bucket,
            shared_vocab: self.vocab_size,
        };
        let settings = Settings {
            precision,
            loss,
            adamw: AdamW {
                lr: 1e-3,
                beta1: 0.9,
                beta2: 0.999,
                eps: 1e-8,
                weight_decay: 0.01,
                decayed: Decayed::All,
                clip_norm: None,
            },
            schedule: Schedule { warmup_steps: 0, then: Decline::Constant },
            max_tokens: self.tokens(),
            max_positions: self.length,
            chunk_bytes: 96 << 20,
            explosion: 100.0,
        };
        Trainer::new(Student::fresh(self.config(), 0), settings).map_err(|error| error.to_string())
    }

    /// A batch of made-up tokens.
    pub(crate) fn batch(&self) -> Batch {
        let token = |row: usize, at: usize| ((row * 7919 + at * 104_729 + 17) % self.vocab_size) as u32;
        let documents: Vec<Vec<u32>> =
            (0..self.rows).map(|row| (0..self.length).map(|at| token(row, at)).collect()).collect();
        Batch::of_documents(&documents)
    }
}
