//! One training step of the reference student: forward, cross-entropy, backward, AdamW.

use stillmark_distill::train::loss::{Divergence, Loss, Missing, Term};
use stillmark_distill::train::{AdamW, Batch, Decayed, Decline, Schedule, Settings, Student, Trainer};
use stillmark_kernels::gemm::Precision;
use stillmark_model::{Config, Family, Rope, RopeScaling};

use crate::measure::measured;

const STEPS: usize = 4;
const ROWS: usize = 8;
const LENGTH: usize = 256;
const VOCABULARY: usize = 49_152;

/// Llama type, 17.7 million parameters, the embedding tied.
fn reference_student() -> Config {
    Config {
        family: Family::Llama,
        vocab_size: VOCABULARY,
        hidden_size: 256,
        layers: 6,
        heads: 8,
        kv_heads: 8,
        head_dim: 32,
        intermediate_size: 768,
        rms_norm_eps: 1e-6,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        max_positions: LENGTH,
        tied_embeddings: true,
        qkv_bias: false,
        qk_norm: false,
        sliding_window: None,
        full_attention_layers: 0,
        bos: None,
        eos: Vec::new(),
    }
}

pub(crate) fn run(precision: Precision, name: &str) -> Result<(), String> {
    let loss = Loss {
        terms: vec![Term::plain(Divergence::CrossEntropy)],
        missing: Missing::Bucket,
        shared_vocab: VOCABULARY,
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
        max_tokens: ROWS * LENGTH,
        max_positions: LENGTH,
        chunk_bytes: 96 << 20,
        explosion: 100.0,
    };
    let student = Student::fresh(reference_student(), 0);
    let mut trainer = Trainer::new(student, settings).map_err(|error| error.to_string())?;
    let token = |row: usize, at: usize| ((row * 7919 + at * 104_729 + 17) % VOCABULARY) as u32;
    let documents: Vec<Vec<u32>> =
        (0..ROWS).map(|row| (0..LENGTH).map(|at| token(row, at)).collect()).collect();
    let batch = [Batch::of_documents(&documents)];
    let mut failed = None;
    let figure = measured("step", name, || {
        for _ in 0..STEPS {
            failed = trainer.step(&batch, None).err().or(failed.take());
        }
        STEPS * ROWS * LENGTH
    });
    if let Some(error) = failed {
        return Err(error.to_string());
    }
    println!("{figure}");
    Ok(())
}
