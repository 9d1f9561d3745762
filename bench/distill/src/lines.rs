//! What the table compares.

use std::path::Path;

use crate::table::{Line, Targets};

const STEP: &str = "Both: the same student (Llama type, width 256, 6 layers, vocabulary 49,152, tied embeddings, 17.7 M parameters), \
     8 rows of 256 tokens, cross-entropy at every position, backward, AdamW with weight decay 0.01; one step to warm up, then four.";

/// Every line, for the teacher in the GGUF file `model`.
pub(crate) fn all(model: &str) -> Vec<Line> {
    let threads = rayon::current_num_threads().to_string();
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let torch =
        |precision| owned(&[&script("peer_step.py"), "--precision", precision, "--threads", &threads]);
    let llama = |what| owned(&[&script("peer_llama.py"), what, "--model", model, "--threads", &threads]);
    vec![
        Line {
            name: "training step, f32 / PyTorch f32",
            compared: STEP,
            ours: owned(&["step", "f32"]),
            peer: torch("f32"),
            targets: Targets { rate: Some(1.6), memory: Some(0.25) },
        },
        Line {
            name: "training step, bf16 / PyTorch bf16 autocast",
            compared: "As above; on both sides weights, moments and the optimizer's arithmetic are f32, products take bf16.",
            ours: owned(&["step", "bf16"]),
            peer: torch("bf16"),
            targets: Targets { rate: Some(1.8), memory: Some(0.25) },
        },
        Line {
            name: "training step, bf16 / PyTorch all bf16",
            compared: "As above, but the peer keeps weights, gradients and moments in bf16 too, which halves its traffic and \
                       rounds small updates away; ours keeps them f32.",
            ours: owned(&["step", "bf16"]),
            peer: torch("pure-bf16"),
            targets: Targets { rate: None, memory: None },
        },
        Line {
            name: "scoring, bf16 / llama.cpp prefill Q4_1",
            compared: "The same file, texts of 256 tokens. Ours gives the 64 likeliest tokens and the tail at every position; \
                       the peer only the logits of each text's last position. Peer: flash attention, two texts a batch of 512.",
            ours: owned(&["score", "bf16", model]),
            peer: llama("prefill"),
            targets: Targets { rate: Some(1.8), memory: None },
        },
        Line {
            name: "generation, 32 rows, bf16 / llama.cpp Q4_1",
            compared: "The same file, 32 rows with prompts of 16 tokens, 64 new tokens each, all rows in one batch a step. Ours \
                       chooses the likeliest token; the peer is given its tokens. Peer: flash attention.",
            ours: owned(&["generate", "bf16", model]),
            peer: llama("generate"),
            targets: Targets { rate: Some(1.5), memory: None },
        },
    ]
}

fn script(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).display().to_string()
}
