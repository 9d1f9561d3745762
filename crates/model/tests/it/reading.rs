//! Readings of texts: log-probabilities, entropies and rows of logits at every token, whatever the texts' lengths.

use std::ops::ControlFlow;

use stillmark_kernels::gemm::Precision;
use stillmark_model::reading::{Reading, Settings, read};
use stillmark_model::{Config, Decoder, Error};

use crate::architecture::tiny;
use crate::decoder::{all_logits, families, greatest, load, tokens};

const WHOLE: Settings = Settings { temperature: 1.0, window: usize::MAX };

/// Text, position, log-probability and entropy of each reading.
type Seen = Vec<(usize, usize, f32, f32)>;

fn seen(decoder: &Decoder, texts: &[Vec<u32>], settings: &Settings) -> Result<Seen, Error> {
    let mut all = Vec::new();
    read(decoder, &mut texts.iter().cloned(), settings, &mut |reading| {
        all.push((reading.text, reading.position, reading.log_prob, reading.entropy));
        ControlFlow::Continue(())
    })?;
    Ok(all)
}

/// The same by the definitions, in doubles.
fn expected(logits: &[f32], token: u32, temperature: f64) -> (f64, f64) {
    let weights: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) / temperature).exp()).collect();
    let total: f64 = weights.iter().sum();
    let entropy = weights.iter().map(|weight| -weight / total * (weight / total).ln()).sum();
    ((weights[token as usize] / total).ln(), entropy)
}

#[test]
fn every_token_but_the_first_is_judged_by_the_rows_of_the_full_forward() {
    for (name, config) in families() {
        let decoder = load(&config, Precision::F32);
        let text = tokens(30, &config);
        let rows = all_logits(&decoder, &text, std::slice::from_ref(&(0..30)));
        for temperature in [0.5_f32, 1.0, 2.0] {
            let mut next = 1;
            let mut check = |reading: &Reading<'_>| {
                let row = &rows[(next - 1) * config.vocab_size..next * config.vocab_size];
                assert_eq!((reading.text, reading.position), (0, next), "{name}");
                assert_eq!(reading.logits, row, "{name}");
                let (log_prob, entropy) = expected(row, text[next], f64::from(temperature));
                assert!((f64::from(reading.log_prob) - log_prob).abs() < 1e-5, "{name} {next}");
                assert!((f64::from(reading.entropy) - entropy).abs() < 1e-5, "{name} {next}");
                next += 1;
                ControlFlow::Continue(())
            };
            let settings = Settings { temperature, ..WHOLE };
            read(&decoder, &mut std::iter::once(text.clone()), &settings, &mut check).unwrap();
            assert_eq!(next, 30);
        }
    }
}

#[test]
fn at_temperature_0_the_best_token_has_everything() {
    let decoder = load(&tiny(), Precision::F32);
    let mut text = tokens(5, &tiny());
    let rows = all_logits(&decoder, &text, std::slice::from_ref(&(0..5)));
    text.push(greatest(&rows[4 * 96..]) as u32);
    let found = seen(&decoder, &[text], &Settings { temperature: 0.0, ..WHOLE }).unwrap();
    assert_eq!(found[4], (0, 5, 0.0, 0.0));
    assert!(found.iter().all(|(_, _, log_prob, entropy)| {
        *entropy == 0.0 && (*log_prob == 0.0 || *log_prob == f32::NEG_INFINITY)
    }));
}

#[test]
fn what_is_said_of_a_text_does_not_depend_on_what_is_read_beside_it() {
    for precision in [Precision::F32, Precision::Bf16] {
        let decoder = load(&tiny(), precision);
        let all = tokens(9000, &tiny());
        let lens = [5, 0, 1, 2, 40, 2500, 7, 33, 3000, 64];
        let texts: Vec<Vec<u32>> = lens.iter().enumerate().map(|(i, len)| all[i..i + len].to_vec()).collect();
        let settings = Settings { window: 64, ..WHOLE };
        let together = seen(&decoder, &texts, &settings).unwrap();
        let mut alone = Vec::new();
        for (number, text) in texts.into_iter().enumerate() {
            let own = seen(&decoder, &[text], &settings).unwrap();
            alone.extend(own.into_iter().map(|(_, position, q, entropy)| (number, position, q, entropy)));
        }
        assert_eq!(together, alone);
        let judged: usize = lens.iter().map(|len| len.saturating_sub(1)).sum();
        assert_eq!(together.len(), judged, "every token once");
    }
}

#[test]
fn a_text_longer_than_the_window_is_read_behind_at_least_half_a_window() {
    let check = |config: &Config, window: usize, width: usize| {
        let decoder = load(config, Precision::F32);
        let text = tokens(50, config);
        let found = seen(&decoder, std::slice::from_ref(&text), &Settings { window, ..WHOLE }).unwrap();
        let positions: Vec<usize> = found.iter().map(|(_, position, ..)| *position).collect();
        assert_eq!(positions, (1..50).collect::<Vec<_>>());
        for (_, position, log_prob, entropy) in found {
            // The first window that holds the position.
            let mut start = 0;
            while start + width <= position {
                start += width / 2;
            }
            let (before, own) = (&text[start..position], text[position]);
            let from = [before, &[own]].concat();
            let alone = seen(&decoder, &[from], &WHOLE).unwrap();
            assert_eq!(alone.last().map(|last| (last.2, last.3)), Some((log_prob, entropy)), "{position}");
            assert!(start == 0 || before.len() >= width / 2);
        }
    };
    check(&tiny(), 16, 16);
    check(&tiny(), 7, 7);
    check(&tiny(), 0, 2);
    check(&Config { max_positions: 12, ..tiny() }, usize::MAX, 12);
}

#[test]
fn reading_stops_when_told_and_refuses_what_it_cannot_read() {
    let decoder = load(&tiny(), Precision::F32);
    let mut count = 0;
    let texts = vec![tokens(3000, &tiny()); 3];
    read(&decoder, &mut texts.into_iter(), &Settings { window: 32, ..WHOLE }, &mut |_| {
        count += 1;
        if count == 17 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(count, 17);
    let error = seen(&decoder, &[vec![1, 96]], &WHOLE).unwrap_err();
    assert!(matches!(error, Error::Token { token: 96, .. }), "{error}");
    assert_eq!(seen(&decoder, &[], &WHOLE).unwrap(), []);
}
