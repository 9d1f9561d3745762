//! Batched generation and the choice of tokens.

use std::ops::ControlFlow;

use stillmark_kernels::gemm::Precision;
use stillmark_model::generate::{Answer, Event, Finish, Recorded, Request, Settings, generate, generate_all};
use stillmark_model::sample::{Sampling, choose, log_prob, uniform};
use stillmark_model::score::score;
use stillmark_model::{Config, Decoder, Error};

use crate::architecture::tiny;
use crate::decoder::{all_logits, families, greatest, load, tokens};

pub(crate) const WARM: Sampling = Sampling { temperature: 1.3, top_k: None, top_p: None, min_p: None };

pub(crate) fn settings(rows: usize) -> Settings {
    Settings { sampling: WARM, rows, stop: vec![2, 3, 4, 5, 6, 7], recorded: Recorded::Nothing }
}

pub(crate) fn requests(config: &Config) -> Vec<Request> {
    let all = tokens(200, config);
    let lens = [5, 1, 19, 8, 3, 30, 2, 11, 4, 7];
    let starts = lens.iter().scan(0, |at, len| {
        *at += len;
        Some(*at - len)
    });
    let of = |(i, (start, len)): (usize, (usize, &usize))| Request {
        id: 100 + i as u64,
        prompt: all[start..start + len].to_vec(),
        max_tokens: 3 + 5 * (i % 4),
        seed: 77,
    };
    starts.zip(&lens).enumerate().map(of).collect()
}

fn answers(decoder: &Decoder, requests: Vec<Request>, settings: &Settings) -> Vec<Answer> {
    generate_all(decoder, &mut requests.into_iter(), settings, None).unwrap()
}

#[test]
fn continuous_batching_equals_one_at_a_time_bit_for_bit() {
    for (name, config) in families() {
        for precision in [Precision::F32, Precision::Bf16] {
            let decoder = load(&config, precision);
            let together = answers(
                &decoder,
                requests(&config),
                &Settings { recorded: Recorded::Answer { k: 5 }, ..settings(4) },
            );
            let mut alone = Vec::new();
            for request in requests(&config).into_iter().rev() {
                alone.extend(answers(
                    &decoder,
                    vec![request],
                    &Settings { recorded: Recorded::Answer { k: 5 }, ..settings(1) },
                ));
            }
            alone.reverse();
            assert_eq!(together, alone, "{name}");
        }
    }
}

#[test]
fn answers_come_in_order_and_say_why_they_ended() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let settings = settings(3);
    let mut streamed: Vec<(u64, u32)> = Vec::new();
    let mut answers = Vec::new();
    generate(&decoder, &mut requests(&config).into_iter(), &settings, None, &mut |event| {
        match event {
            Event::Token { id, choice } => streamed.push((id, choice.token)),
            Event::Answer(answer) => answers.push(answer),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let ids: Vec<_> = answers.iter().map(|answer| answer.id).collect();
    assert_eq!(ids, (100..110).collect::<Vec<u64>>());
    for (answer, request) in answers.iter().zip(requests(&config)) {
        let own: Vec<_> =
            streamed.iter().filter(|(id, _)| *id == answer.id).map(|(_, token)| *token).collect();
        assert_eq!(own, answer.tokens);
        let (last, before) = answer.tokens.split_last().unwrap();
        assert!(before.iter().all(|token| !settings.stop.contains(token)));
        match answer.finish {
            Finish::Stop => assert!(settings.stop.contains(last)),
            Finish::Length => assert_eq!(answer.tokens.len(), request.max_tokens),
        }
    }
    let stops = answers.iter().filter(|answer| answer.finish == Finish::Stop).count();
    assert!(0 < stops && stops < 10, "both ends are met: {stops}");
}

#[test]
fn greedy_answers_follow_the_full_forward_and_report_its_log_probabilities() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let settings = Settings {
        sampling: Sampling::GREEDY,
        stop: Vec::new(),
        recorded: Recorded::Answer { k: 4 },
        ..settings(4)
    };
    for (answer, request) in answers(&decoder, requests(&config), &settings).iter().zip(requests(&config)) {
        let all = [request.prompt.clone(), answer.tokens.clone()].concat();
        let logits = all_logits(&decoder, &all, std::slice::from_ref(&(0..all.len())));
        let rows = logits.chunks_exact(config.vocab_size).skip(request.prompt.len() - 1);
        assert_eq!(answer.top.rows(), answer.tokens.len());
        for (at, (row, token)) in rows.zip(&answer.tokens).enumerate() {
            assert_eq!(greatest(row), *token as usize);
            assert!((log_prob(row, *token) - answer.log_probs[at]).abs() < 1e-4);
            let (ids, log_probs) = answer.top.row(at);
            assert_eq!((ids[0], log_probs[0]), (*token, answer.log_probs[at]));
            let mass: f32 = log_probs.iter().map(|x| x.exp()).sum::<f32>() + answer.top.tails[at];
            assert!((mass - 1.0).abs() < 1e-4);
        }
    }
}

#[test]
fn what_is_recorded_everywhere_is_what_scoring_the_text_gives() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    for rows in [1, 3, 8] {
        let wanted = Settings { recorded: Recorded::Everywhere { k: 6 }, ..settings(rows) };
        let plain = answers(&decoder, requests(&config), &settings(2));
        let found = answers(&decoder, requests(&config), &wanted);
        for ((answer, plain), request) in found.iter().zip(plain).zip(requests(&config)) {
            assert_eq!(
                (&answer.tokens, answer.finish),
                (&plain.tokens, plain.finish),
                "recording changes no choice"
            );
            let all = [request.prompt.clone(), answer.tokens.clone()].concat();
            assert_eq!(answer.top.rows(), all.len());
            let segment = 0..all.len();
            let mut at = 0;
            score(&decoder, &all, std::slice::from_ref(&segment), 6, &mut |scores| {
                for row in 0..scores.top.rows() {
                    let ((ids, log_probs), (want_ids, want)) = (answer.top.row(at), scores.top.row(row));
                    assert_eq!(ids, want_ids, "position {at}");
                    let off = |(a, b): (&f32, &f32)| (a - b).abs();
                    assert!(log_probs.iter().zip(want).map(off).fold(0.0, f32::max) < 1e-4);
                    assert!((answer.top.tails[at] - scores.top.tails[row]).abs() < 1e-5);
                    at += 1;
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        }
    }
}

#[test]
fn an_answer_ends_where_the_context_does() {
    let config = Config { max_positions: 16, ..tiny() };
    let decoder = load(&config, Precision::F32);
    let request = Request { id: 1, prompt: tokens(12, &config), max_tokens: 50, seed: 0 };
    let settings = Settings { stop: Vec::new(), ..settings(2) };
    let found = answers(&decoder, vec![request.clone()], &settings);
    assert_eq!((found[0].tokens.len(), found[0].finish), (5, Finish::Length));
    let long = Request { prompt: tokens(17, &config), ..request };
    let error = generate_all(&decoder, &mut [long].into_iter(), &settings, None).unwrap_err();
    assert!(matches!(error, Error::Context { tokens: 17, limit: 16 }));
}

#[test]
fn generation_stops_when_told() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let mut seen = 0;
    generate(&decoder, &mut requests(&config).into_iter(), &settings(2), None, &mut |event| {
        seen += usize::from(matches!(event, Event::Token { .. }));
        if seen == 9 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, 9);
}

#[test]
fn choices_follow_the_filtered_distribution() {
    let logits: Vec<f32> = [0.4_f32, 0.3, 0.15, 0.1, 0.05].iter().map(|p| p.ln()).collect();
    let check = |sampling: Sampling, expected: [f64; 5]| {
        let mut counts = [0.0_f64; 5];
        let n = 20_000;
        for position in 0..n {
            counts[choose(&sampling, &logits, uniform(5, 1, position)).unwrap() as usize] += 1.0 / n as f64;
        }
        for (found, expected) in counts.iter().zip(expected) {
            // Five standard deviations; what is filtered out never comes.
            let spread = 5.0 * (expected * (1.0 - expected) / n as f64).sqrt();
            assert!((found - expected).abs() <= spread + 1e-9, "{sampling:?}: {counts:?}");
        }
    };
    let plain = Sampling { temperature: 1.0, ..WARM };
    check(plain, [0.4, 0.3, 0.15, 0.1, 0.05]);
    check(Sampling { top_k: Some(2), ..plain }, [4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0, 0.0]);
    check(Sampling { top_p: Some(0.8), ..plain }, [8.0 / 17.0, 6.0 / 17.0, 3.0 / 17.0, 0.0, 0.0]);
    check(Sampling { min_p: Some(0.3), ..plain }, [8.0 / 17.0, 6.0 / 17.0, 3.0 / 17.0, 0.0, 0.0]);
    check(
        Sampling { top_k: Some(3), top_p: Some(0.5), min_p: Some(0.9), ..plain },
        [1.0, 0.0, 0.0, 0.0, 0.0],
    );
    check(Sampling::GREEDY, [1.0, 0.0, 0.0, 0.0, 0.0]);
    let squares = [0.16, 0.09, 0.0225, 0.01, 0.0025].map(|x| x / 0.285);
    check(Sampling { temperature: 0.5, ..plain }, squares);
}

#[test]
fn the_nucleus_of_a_flat_distribution_is_found_too() {
    let logits = vec![0.0_f32; 5000];
    let sampling = Sampling { top_p: Some(0.5), temperature: 1.0, ..WARM };
    for position in 0..200 {
        assert!(
            choose(&sampling, &logits, uniform(1, 2, position)).unwrap() < 2501,
            "the lowest ids come first"
        );
    }
}

#[test]
fn draws_depend_on_each_number_and_fill_the_interval() {
    assert_eq!(uniform(0, 0, 0), uniform(0, 0, 0));
    let draws: Vec<f64> =
        (0..1000).flat_map(|i| [uniform(i, 0, 0), uniform(0, i + 1, 0), uniform(0, 0, i + 1)]).collect();
    let mut distinct: Vec<u64> = draws.iter().map(|u| u.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 3000);
    assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
    let mean = draws.iter().sum::<f64>() / 3000.0;
    assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12.0 / 3000.0_f64).sqrt(), "{mean}");
}

#[test]
fn logits_without_a_finite_best_give_no_choice() {
    assert_eq!(choose(&WARM, &[f32::NAN; 4], 0.5), None);
    assert_eq!(choose(&WARM, &[f32::INFINITY, 1.0], 0.5), None);
    assert_eq!(choose(&WARM, &[f32::NEG_INFINITY, 1.0], 0.999_999), Some(1));
}
