//! Marks in answers: what they see, what they may do, and what they leave alone.

use std::sync::Mutex;

use stillmark_kernels::gemm::Precision;
use stillmark_model::Error;
use stillmark_model::generate::{Answer, Recorded, Request, Settings, generate_all};
use stillmark_model::mark::{Mark, MarkState, Place};
use stillmark_model::sample::{Sampling, choose, draw, log_prob, uniform, warped};

use crate::architecture::tiny;
use crate::decoder::{all_logits, greatest, load, tokens};
use crate::generate::{WARM, requests, settings};

/// A mark without memory.
struct Plain<F>(F);

struct PlainState<'a, F>(&'a F, u64);

impl<F: Fn(u64, &Place<'_>, &mut [f32]) -> Option<u32> + Sync> Mark for Plain<F> {
    fn start(&self, id: u64) -> Box<dyn MarkState + '_> {
        Box::new(PlainState(&self.0, id))
    }
}

impl<F: Fn(u64, &Place<'_>, &mut [f32]) -> Option<u32> + Sync> MarkState for PlainState<'_, F> {
    fn choose(&mut self, place: &Place<'_>, logits: &mut [f32]) -> Option<u32> {
        (self.0)(self.1, place, logits)
    }
}

/// A toy Gumbel mark over warped scores: the last two tokens of the answer are the context, a repeated one is left alone.
struct Gumbel;

#[derive(Default)]
struct GumbelState {
    seen: Vec<Vec<u32>>,
    scores: Vec<f32>,
}

impl Mark for Gumbel {
    fn start(&self, _: u64) -> Box<dyn MarkState + '_> {
        Box::new(GumbelState::default())
    }
}

impl MarkState for GumbelState {
    fn choose(&mut self, place: &Place<'_>, logits: &mut [f32]) -> Option<u32> {
        let answer = place.answer();
        let context = answer[answer.len().saturating_sub(2)..].to_vec();
        if self.seen.contains(&context) {
            return None;
        }
        let key = context.iter().fold(7, |key, token| key * 1000 + u64::from(*token));
        self.seen.push(context);
        warped(place.sampling, logits, &mut self.scores);
        let noisy = |(token, score): (usize, &f32)| {
            f64::from(*score) - (-(uniform(key, 0, token as u64) + 1e-12).ln()).ln()
        };
        let marked: Vec<f64> = self.scores.iter().enumerate().map(noisy).collect();
        (0..marked.len()).max_by(|a, b| marked[*a].total_cmp(&marked[*b])).map(|token| token as u32)
    }
}

fn run(requests: Vec<Request>, settings: &Settings, mark: Option<&dyn Mark>) -> Result<Vec<Answer>, Error> {
    generate_all(&load(&tiny(), Precision::F32), &mut requests.into_iter(), settings, mark)
}

fn one(max_tokens: usize) -> Vec<Request> {
    vec![Request { id: 9, prompt: tokens(6, &tiny()), max_tokens, seed: 1 }]
}

#[test]
fn a_mark_sees_where_it_stands_and_the_model_s_own_logits() {
    let seen = Mutex::new(Vec::new());
    let mark = Plain(|id, place: &Place<'_>, logits: &mut [f32]| {
        let own = (id, place.prompt().to_vec(), place.answer().to_vec(), place.u, logits.to_vec());
        seen.lock().unwrap().push(own);
        assert_eq!(*place.sampling, WARM);
        None
    });
    let settings = Settings { stop: Vec::new(), ..settings(1) };
    let marked = run(one(4), &settings, Some(&mark)).unwrap();
    assert_eq!(marked, run(one(4), &settings, None).unwrap(), "what the mark leaves alone stays as it is");
    let decoder = load(&tiny(), Precision::F32);
    let all = [one(4)[0].prompt.clone(), marked[0].tokens.clone()].concat();
    let logits = all_logits(&decoder, &all, std::slice::from_ref(&(0..all.len())));
    for (at, (id, prompt, answer, u, own)) in seen.into_inner().unwrap().into_iter().enumerate() {
        assert_eq!((id, &prompt[..], &answer[..]), (9, &all[..6], &all[6..6 + at]));
        assert_eq!(u.to_bits(), uniform(1, 9, at as u64).to_bits());
        let want = &logits[(5 + at) * 96..(6 + at) * 96];
        let off = own.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-4, "position {at}: {off}");
    }
}

#[test]
fn a_mark_decides_by_bias_by_choice_or_by_scores_and_reports_stay_the_model_s_own() {
    let check = |sampling: Sampling, mark: &dyn Mark, expected: u32| {
        let recorded = Recorded::Everywhere { k: 96 };
        let settings = Settings { sampling, recorded, stop: Vec::new(), ..settings(1) };
        let found = run(one(4), &settings, Some(mark)).unwrap().remove(0);
        assert_eq!(found.tokens, [expected; 4]);
        let raw =
            all_logits(&load(&tiny(), Precision::F32), &one(4)[0].prompt, std::slice::from_ref(&(0..6)));
        let raw = log_prob(&raw[5 * 96..], expected);
        assert!(raw < -0.1 && (found.log_probs[0] - raw).abs() < 1e-4);
        for (at, log_prob) in found.log_probs.iter().enumerate() {
            let (ids, log_probs) = found.top.row(5 + at);
            let of = ids.iter().position(|id| *id == expected).unwrap();
            assert_eq!(log_probs[of], *log_prob, "what is recorded is the model's own, too");
        }
    };
    let bias = Plain(|_, _: &Place<'_>, logits: &mut [f32]| {
        logits[50] += 100.0;
        None
    });
    let choice = Plain(|_, _: &Place<'_>, _: &mut [f32]| Some(50));
    let scores = Plain(|_, place: &Place<'_>, logits: &mut [f32]| {
        let mut scores = Vec::new();
        warped(place.sampling, logits, &mut scores);
        scores[50] = 100.0;
        draw(&scores, place.u)
    });
    for sampling in [WARM, Sampling::GREEDY, Sampling { top_k: Some(3), ..WARM }] {
        check(sampling, &bias, 50);
        check(sampling, &choice, 50);
        check(sampling, &scores, 50);
    }
}

#[test]
fn marked_answers_do_not_depend_on_their_neighbors() {
    let together = run(requests(&tiny()), &settings(4), Some(&Gumbel)).unwrap();
    let alone: Vec<_> = requests(&tiny())
        .into_iter()
        .flat_map(|request| run(vec![request], &settings(1), Some(&Gumbel)).unwrap())
        .collect();
    assert_eq!(together, alone);
    let plain = run(requests(&tiny()), &settings(4), None).unwrap();
    let differing = together.iter().zip(&plain).filter(|(a, b)| a.tokens != b.tokens).count();
    assert!(differing >= 8, "{differing} of 10");
}

#[test]
fn at_temperature_0_a_gumbel_mark_has_no_room() {
    let settings = Settings { sampling: Sampling::GREEDY, ..settings(2) };
    let marked = run(requests(&tiny()), &settings, Some(&Gumbel)).unwrap();
    assert_eq!(marked, run(requests(&tiny()), &settings, None).unwrap());
}

#[test]
fn a_mark_that_names_no_possible_token_is_refused() {
    let check = |mark: &dyn Mark| {
        let error = run(one(4), &settings(1), Some(mark)).unwrap_err();
        assert!(matches!(error, Error::NotFinite { row: 9 }), "{error}");
    };
    check(&Plain(|_, _: &Place<'_>, _: &mut [f32]| Some(96)));
    check(&Plain(|_, _: &Place<'_>, logits: &mut [f32]| {
        logits.fill(f32::NAN);
        None
    }));
    check(&Plain(|_, _: &Place<'_>, logits: &mut [f32]| {
        logits.fill(f32::NEG_INFINITY);
        None
    }));
}

fn samplings() -> Vec<Sampling> {
    let mut all = vec![Sampling::GREEDY];
    for temperature in [0.3, 1.0, 1.7] {
        for top_k in [None, Some(1), Some(7), Some(1000)] {
            for top_p in [None, Some(0.01), Some(0.6), Some(0.999)] {
                for min_p in [None, Some(0.02), Some(0.5), Some(1.0)] {
                    all.push(Sampling { temperature, top_k, top_p, min_p });
                }
            }
        }
    }
    all
}

/// The tokens that pass the filters, by the definitions of the filters and nothing else.
fn kept(sampling: &Sampling, logits: &[f32]) -> Vec<u32> {
    if sampling.temperature == 0.0 {
        return vec![greatest(logits) as u32];
    }
    let weight = |token: &u32| (f64::from(logits[*token as usize]) / f64::from(sampling.temperature)).exp();
    let mut tokens: Vec<u32> = (0..logits.len() as u32).collect();
    tokens.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
    tokens.truncate(sampling.top_k.unwrap_or(logits.len()));
    if let Some(p) = sampling.top_p {
        let total: f64 = tokens.iter().map(weight).sum();
        let mut sum = 0.0;
        let reached = tokens.iter().position(|token| {
            sum += weight(token);
            sum >= total * f64::from(p)
        });
        tokens.truncate(reached.map_or(tokens.len(), |idx| idx + 1));
    }
    let floor = f64::from(sampling.min_p.unwrap_or(0.0)) * weight(&tokens[0]);
    tokens.retain(|token| weight(token) >= floor * (1.0 - 1e-6));
    tokens.sort_unstable();
    tokens
}

#[test]
fn warped_scores_keep_the_tokens_that_the_sampler_may_choose() {
    for row in 0..3 {
        let logits: Vec<f32> = (0..120).map(|token| 9.0 * uniform(row, 3, token) as f32).collect();
        let mut scores = vec![1.0; 7];
        for sampling in samplings() {
            warped(&sampling, &logits, &mut scores);
            let expected = kept(&sampling, &logits);
            let finite = |token: &u32| scores[*token as usize].is_finite();
            let found: Vec<u32> = (0..scores.len() as u32).filter(finite).collect();
            assert_eq!(found, expected, "{sampling:?}");
            for token in found {
                let by = if sampling.temperature == 0.0 { 1.0 } else { sampling.temperature };
                assert_eq!(scores[token as usize], logits[token as usize] / by);
            }
            for position in 0..50 {
                let u = uniform(9, row, position);
                assert!(expected.contains(&choose(&sampling, &logits, u).unwrap()), "{sampling:?}");
                assert!(expected.contains(&draw(&scores, u).unwrap()), "{sampling:?}");
            }
        }
    }
}

#[test]
fn draws_from_unchanged_scores_follow_the_sampler() {
    let logits: Vec<f32> = (0..40).map(|token| 6.0 * uniform(4, 1, token) as f32).collect();
    let mut scores = Vec::new();
    warped(&WARM, &logits, &mut scores);
    for position in 0..2000 {
        let u = uniform(2, 2, position);
        assert_eq!(draw(&scores, u), choose(&WARM, &logits, u), "no filter: the same order, the same token");
    }
}

#[test]
fn scores_without_a_finite_best_give_no_choice() {
    let mut scores = Vec::new();
    for logits in [[f32::NAN; 4], [f32::NEG_INFINITY; 4], [f32::INFINITY, 0.0, 1.0, 2.0]] {
        warped(&WARM, &logits, &mut scores);
        assert_eq!(scores, [f32::NEG_INFINITY; 4]);
        assert_eq!(draw(&scores, 0.5), None);
    }
    warped(&WARM, &[f32::NAN, 1.3, f32::NEG_INFINITY], &mut scores);
    assert_eq!(scores, [f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY]);
    assert_eq!(draw(&scores, 0.999_999), Some(1));
}
