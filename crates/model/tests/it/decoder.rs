//! The decoder against itself (packed, cached) on tiny models of every family.

use std::ops::{ControlFlow, Range};

use stillmark_kernels::gemm::Precision;
use stillmark_model::decoder::Influence;
use stillmark_model::score::{Scores, score};
use stillmark_model::{Config, Decoder, Error, Family, Rope, RopeScaling, Session};

use crate::architecture::tiny;
use crate::formula::Formula;

/// A tiny configuration of every family and kind of rotary scaling.
pub(crate) fn families() -> Vec<(&'static str, Config)> {
    let rope = |scaling| Rope { theta: 10_000.0, scaling };
    let llama3 = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_context: 32,
    };
    let yarn = RopeScaling::Yarn {
        factor: 4.0,
        beta_fast: 4.0,
        beta_slow: 1.0,
        attention_factor: 0.1 * 4.0_f64.ln() + 1.0,
        original_context: 32,
    };
    vec![
        ("llama", tiny()),
        ("llama_linear", Config { rope: rope(RopeScaling::Linear { factor: 4.0 }), ..tiny() }),
        ("llama3", Config { rope: rope(llama3), tied_embeddings: false, ..tiny() }),
        ("yarn", Config { rope: rope(yarn), ..tiny() }),
        (
            "mistral",
            Config { family: Family::Mistral, sliding_window: Some(5), tied_embeddings: false, ..tiny() },
        ),
        ("qwen2", Config { family: Family::Qwen2, qkv_bias: true, ..tiny() }),
        (
            "qwen2_window",
            Config {
                family: Family::Qwen2,
                qkv_bias: true,
                sliding_window: Some(4),
                full_attention_layers: 1,
                ..tiny()
            },
        ),
        (
            "qwen3",
            Config { family: Family::Qwen3, qk_norm: true, head_dim: 12, rms_norm_eps: 1e-6, ..tiny() },
        ),
        // The 67B's proportions: 95 layers, 64 heads on 8 key-value heads, a feed-forward of 2.69 widths, an untied head.
        (
            "deepseek_67b",
            Config {
                layers: 5,
                hidden_size: 64,
                heads: 16,
                kv_heads: 2,
                head_dim: 4,
                intermediate_size: 172,
                rms_norm_eps: 1e-6,
                tied_embeddings: false,
                ..tiny()
            },
        ),
    ]
}

pub(crate) fn load(config: &Config, precision: Precision) -> Decoder {
    Decoder::load(config, &Formula::new(config), precision).unwrap()
}

pub(crate) fn tokens(n: usize, config: &Config) -> Vec<u32> {
    (0..n).map(|i| ((i * i * 7 + i * 13 + 5) % config.vocab_size) as u32).collect()
}

/// The logits of every row of a packed batch.
pub(crate) fn all_logits(decoder: &Decoder, tokens: &[u32], segments: &[Range<usize>]) -> Vec<f32> {
    let hidden = decoder.hidden(tokens, segments).unwrap();
    let mut logits = vec![0.0; tokens.len() * decoder.config().vocab_size];
    decoder.logits(&hidden, &mut logits);
    logits
}

fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (idx, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(
            error <= tolerance * expected.abs().max(1.0),
            "{what}, element {idx}: {found} for {expected}"
        );
    }
}

pub(crate) fn greatest(row: &[f32]) -> usize {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]).then(b.cmp(a))).unwrap()
}

/// The root mean square of the difference over that of what was expected.
fn relative_error(found: &[f32], expected: &[f32]) -> f32 {
    let squares: f32 = expected.iter().map(|x| x * x).sum();
    (found.iter().zip(expected).map(|(a, b)| (a - b) * (a - b)).sum::<f32>() / squares).sqrt()
}

#[test]
fn cached_decoding_equals_the_full_forward() {
    for (name, config) in families() {
        for precision in [Precision::F32, Precision::Bf16] {
            let decoder = load(&config, precision);
            let tokens = tokens(24, &config);
            let full = all_logits(&decoder, &tokens, std::slice::from_ref(&(0..24)));
            let full: Vec<_> = full.chunks_exact(config.vocab_size).collect();
            let check = |logits: &[f32], expected: &[f32]| match precision {
                Precision::F32 => {
                    assert_close(logits, expected, 1e-4, name);
                    assert_eq!(greatest(logits), greatest(expected), "{name}: the greedy token");
                }
                Precision::Bf16 => assert!(relative_error(logits, expected) < 0.08, "{name}"),
            };
            let mut session = Session::new(&decoder);
            let (slots, mut logits) = session.admit(&[&tokens[..7]]).unwrap();
            for at in 7..24 {
                check(&logits, full[at - 1]);
                session.step(&[(slots[0], tokens[at])], &mut logits).unwrap();
            }
            check(&logits, full[23]);
        }
    }
}

#[test]
fn packed_documents_equal_separate_ones_bit_for_bit() {
    for (name, config) in families() {
        for precision in [Precision::F32, Precision::Bf16] {
            let decoder = load(&config, precision);
            let tokens = tokens(90, &config);
            let segments = [0..13, 13..14, 20..77, 77..90];
            let packed = all_logits(&decoder, &tokens, &segments);
            for segment in &segments {
                let alone = &tokens[segment.clone()];
                let alone = all_logits(&decoder, alone, std::slice::from_ref(&(0..alone.len())));
                let v = config.vocab_size;
                assert!(packed[segment.start * v..segment.end * v] == alone, "{name}, {segment:?}");
            }
        }
    }
}

#[test]
fn rows_of_a_wide_model_do_not_touch_each_other() {
    let config = Config { layers: 1, hidden_size: 512, intermediate_size: 8192, ..tiny() };
    for precision in [Precision::F32, Precision::Bf16] {
        let decoder = load(&config, precision);
        let tokens = tokens(90, &config);
        let packed = decoder.hidden(&tokens, &[0..13, 13..90]).unwrap();
        let alone = decoder.hidden(&tokens[..13], std::slice::from_ref(&(0..13))).unwrap();
        assert!(packed[..13 * 512] == alone);
    }
}

#[test]
fn many_groups_of_rows_equal_one() {
    let config = Config { layers: 2, ..tiny() };
    let decoder = load(&config, Precision::F32);
    let tokens = tokens(2600, &config);
    let segments: Vec<_> = (0..26).map(|i| i * 100..(i + 1) * 100).collect();
    let packed = decoder.hidden(&tokens, &segments).unwrap();
    for segment in segments {
        let alone = decoder.hidden(&tokens[segment.clone()], &[0..100]).unwrap();
        assert!(packed[segment.start * 32..segment.end * 32] == alone);
    }
}

#[test]
fn rows_come_and_go_without_touching_each_other() {
    for (name, config) in families() {
        let decoder = load(&config, Precision::Bf16);
        let tokens = tokens(60, &config);
        let prompts = [&tokens[..9], &tokens[9..12], &tokens[12..30], &tokens[30..35]];
        let alone = |row: usize| {
            let mut session = Session::new(&decoder);
            let (slots, first) = session.admit(&[prompts[row]]).unwrap();
            let mut found = vec![first];
            for token in &tokens[40..46] {
                let mut logits = Vec::new();
                session.step(&[(slots[0], *token)], &mut logits).unwrap();
                found.push(logits);
            }
            found
        };
        let v = config.vocab_size;
        let mut session = Session::new(&decoder);
        let (slots, first) = session.admit(&prompts[..2]).unwrap();
        assert!(first[..v] == alone(0)[0] && first[v..] == alone(1)[0], "{name}");
        let mut logits = Vec::new();
        session.step(&[(slots[1], tokens[40]), (slots[0], tokens[40])], &mut logits).unwrap();
        assert!(logits[..v] == alone(1)[1] && logits[v..] == alone(0)[1], "{name}");
        session.release(slots[0]);
        let (late, first) = session.admit(&prompts[2..]).unwrap();
        assert_eq!(late[0], slots[0], "the free place is taken again");
        assert!(first[..v] == alone(2)[0] && first[v..] == alone(3)[0], "{name}");
        let inputs = [(late[1], tokens[40]), (slots[1], tokens[41]), (late[0], tokens[40])];
        session.step(&inputs, &mut logits).unwrap();
        assert!(
            logits[..v] == alone(3)[1] && logits[v..2 * v] == alone(1)[2] && logits[2 * v..] == alone(2)[1]
        );
        assert_eq!(session.len(), 3);
    }
}

/// The scores of a whole batch in one piece.
fn scores(decoder: &Decoder, tokens: &[u32], segments: &[Range<usize>], k: usize) -> Scores {
    let mut all = Scores::default();
    score(decoder, tokens, segments, k, &mut |chunk| {
        all.rows.end = chunk.rows.end;
        all.top.k = chunk.top.k;
        all.top.ids.extend_from_slice(&chunk.top.ids);
        all.top.log_probs.extend_from_slice(&chunk.top.log_probs);
        all.top.tails.extend_from_slice(&chunk.top.tails);
        all.next.extend_from_slice(&chunk.next);
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

#[test]
fn scores_are_the_softmax_of_the_logits() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let tokens = tokens(40, &config);
    let segments = [0..25, 25..40];
    let logits = all_logits(&decoder, &tokens, &segments);
    let found = scores(&decoder, &tokens, &segments, 7);
    assert_eq!((found.top.rows(), found.rows.end), (40, 40));
    for (row, logits) in logits.chunks_exact(config.vocab_size).enumerate() {
        let total: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
        let expected: Vec<f64> = logits.iter().map(|x| f64::from(*x) - total.ln()).collect();
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
        let (ids, log_probs) = found.top.row(row);
        for ((id, log_prob), best) in ids.iter().zip(log_probs).zip(&order) {
            assert_eq!(*id as usize, *best);
            assert!((f64::from(*log_prob) - expected[*best]).abs() < 1e-5);
        }
        let tail: f64 = order[7..].iter().map(|id| expected[*id].exp()).sum();
        assert!((f64::from(found.top.tails[row]) - tail).abs() < 1e-6);
        let last = row == 24 || row == 39;
        assert_eq!(found.next[row].is_none(), last);
        if let Some(next) = found.next[row] {
            assert!((f64::from(next) - expected[tokens[row + 1] as usize]).abs() < 1e-5);
        }
    }
}

#[test]
fn scoring_stops_when_told() {
    let config = Config { vocab_size: 1 << 21, hidden_size: 4, layers: 1, ..tiny() };
    let decoder = load(&config, Precision::Bf16);
    let mut seen = 0;
    score(&decoder, &[1, 2, 3, 4, 5], &[0..5], 3, &mut |chunk| {
        seen += chunk.rows.len();
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(seen, 2, "two rows of logits fit a chunk");
}

#[test]
fn bad_batches_are_refused() {
    let decoder = load(&tiny(), Precision::F32);
    let long = vec![0; 129];
    assert!(matches!(decoder.hidden(&[96], &[0..1]), Err(Error::Token { token: 96, vocab_size: 96 })));
    assert!(matches!(decoder.hidden(&long, &[0..129]), Err(Error::Context { tokens: 129, limit: 128 })));
    assert!(matches!(decoder.hidden(&[0; 4], &[0..3, 2..4]), Err(Error::Segment { start: 2, .. })));
    assert!(matches!(decoder.hidden(&[0; 4], &[0..5]), Err(Error::Segment { end: 5, .. })));
    let mut session = Session::new(&decoder);
    assert!(matches!(session.admit(&[&[1], &[]]), Err(Error::Segment { .. })));
    let (slots, mut logits) = session.admit(&[&long[..128]]).unwrap();
    assert!(matches!(session.step(&[(slots[0], 1)], &mut logits), Err(Error::Context { tokens: 129, .. })));
    assert_eq!(session.len(), 1);
}

#[test]
fn bad_weights_are_refused() {
    let config = tiny();
    let load = |source: &Formula| Decoder::load(&config, source, Precision::F32);
    let name = "model.layers.1.mlp.up_proj.weight";
    let mut source = Formula::new(&config);
    source.spoil(name, 17, f32::NAN);
    let message = load(&source).unwrap_err().to_string();
    assert_eq!(message, format!("tensor `{name}`: element 17 is NaN"));
    let mut source = Formula::new(&config);
    source.remove(name);
    assert_eq!(load(&source).unwrap_err().to_string(), format!("tensor `{name}`: is missing"));
    let source = Formula::new(&Config { intermediate_size: 47, ..tiny() });
    assert!(
        load(&source)
            .unwrap_err()
            .to_string()
            .contains("has shape [47, 32] where the config demands [48, 32]")
    );
}

#[test]
fn influence_is_one_minus_the_mean_cosine() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let tokens = tokens(20, &config);
    let mut influence = Influence::new(config.layers);
    let mut expected = vec![0.0_f64; config.layers];
    let mut outputs: Vec<Vec<f32>> = Vec::new();
    let hidden = decoder.hidden_observed(&tokens, &[0..8, 8..20], &mut |pass| {
        influence.add(pass);
        assert_eq!(pass.rows, 0..20);
        if let Some(before) = outputs.last() {
            assert!(before == pass.input, "a layer reads what the one before wrote");
        }
        outputs.push(pass.output.to_vec());
        for (a, b) in pass.input.chunks_exact(32).zip(pass.output.chunks_exact(32)) {
            let dot = |a: &[f32], b: &[f32]| {
                a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
            };
            expected[pass.layer] += (1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) / 20.0;
        }
    });
    assert!(hidden.unwrap() == decoder.hidden(&tokens, &[0..8, 8..20]).unwrap());
    assert_eq!(outputs.len(), 3);
    for (found, expected) in influence.of_layers().iter().zip(expected) {
        assert!(expected > 0.01 && (found - expected).abs() < 1e-5, "{found} for {expected}");
    }
}
