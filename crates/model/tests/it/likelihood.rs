//! Log-likelihoods of continuations: what each would get alone, whatever is asked beside it.

use std::ops::ControlFlow;

use stillmark_kernels::gemm::Precision;
use stillmark_model::likelihood::{Likelihood, Query, likelihoods};
use stillmark_model::{Decoder, Error};

use crate::architecture::tiny;
use crate::decoder::{all_logits, families, load, tokens};

fn judged(decoder: &Decoder, queries: &[Query]) -> Result<Vec<Likelihood>, Error> {
    let mut all = vec![None; queries.len()];
    likelihoods(decoder, queries, &mut |batch| {
        for (idx, likelihood) in batch {
            all[*idx] = Some(likelihood.clone());
        }
        ControlFlow::Continue(())
    })?;
    Ok(all.into_iter().map(Option::unwrap).collect())
}

/// By the definitions, in doubles: log-probability, mean and variance of the log-probability, and the best token.
fn expected(logits: &[f32], token: u32) -> (f64, f64, f64, u32) {
    let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
    let logs: Vec<f64> = logits.iter().map(|logit| f64::from(*logit) - total.ln()).collect();
    let mean: f64 = logs.iter().map(|log| log.exp() * log).sum();
    let variance: f64 = logs.iter().map(|log| log.exp() * (log - mean).powi(2)).sum();
    let best = (0..logits.len()).fold(0, |best, idx| if logits[best] < logits[idx] { idx } else { best });
    (logs[token as usize], mean, variance, best as u32)
}

/// Queries whose texts begin alike in every way: the same context, a context within another, a few tokens, nothing.
fn queries(base: &[u32]) -> Vec<Query> {
    let query = |context: &[u32], continuation: &[u32]| Query {
        context: context.to_vec(),
        continuation: continuation.to_vec(),
    };
    let mut other = base[..20].to_vec();
    other.extend([5, 6, 7, 8]);
    vec![
        query(&base[..25], &[3]),
        query(&base[..25], &[4]),
        query(&base[..25], &[4, 9, 1]),
        query(&base[..25], &base[25..28]),
        query(&base[..12], &[2, 2]),
        query(&other, &[1, 2, 3, 4]),
        query(&other[..22], &[1]),
        query(&base[..3], &[7]),
        query(&[9], &[8, 7]),
        query(&base[..25], &[3]),
    ]
}

#[test]
fn each_token_is_judged_by_the_rows_of_the_full_forward() {
    for (name, config) in families() {
        let decoder = load(&config, Precision::F32);
        let queries = queries(&tokens(28, &config));
        for (query, likelihood) in queries.iter().zip(judged(&decoder, &queries).unwrap()) {
            let text = [query.context.as_slice(), &query.continuation].concat();
            let rows = all_logits(&decoder, &text, std::slice::from_ref(&(0..text.len())));
            assert_eq!(likelihood.tokens.len(), query.continuation.len(), "{name}");
            for (idx, token) in likelihood.tokens.iter().enumerate() {
                let place = query.context.len() + idx;
                let row = &rows[(place - 1) * config.vocab_size..place * config.vocab_size];
                let (log_prob, mean, variance, best) = expected(row, text[place]);
                assert!((token.log_prob - log_prob).abs() < 1e-4, "{name}: {} {log_prob}", token.log_prob);
                assert!((token.mean - mean).abs() < 1e-4, "{name}: {} {mean}", token.mean);
                assert!((token.variance - variance).abs() < 1e-3, "{name}: {} {variance}", token.variance);
                assert_eq!(token.is_greedy, best == text[place], "{name}");
            }
        }
    }
}

#[test]
fn the_same_questions_give_the_same_bits_and_a_break_ends_it() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let queries = queries(&tokens(28, &config));
    assert_eq!(judged(&decoder, &queries).unwrap(), judged(&decoder, &queries).unwrap());
    let mut batches = 0;
    likelihoods(&decoder, &queries, &mut |_| {
        batches += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(batches, 1);
    assert_eq!(judged(&decoder, &[]).unwrap(), []);
}

#[test]
fn long_contexts_are_cut_from_the_left_and_what_cannot_be_asked_is_an_error() {
    let config = tiny();
    let decoder = load(&config, Precision::F32);
    let limit = config.max_positions;
    let long = Query { context: vec![1; limit + 5], continuation: vec![2, 3] };
    let cut = Query { context: vec![1; limit - 1], continuation: vec![2, 3] };
    let both = judged(&decoder, &[long, cut]).unwrap();
    assert_eq!(both[0], both[1]);
    let refused =
        |context: Vec<u32>, continuation: Vec<u32>| judged(&decoder, &[Query { context, continuation }]);
    assert!(matches!(refused(vec![], vec![1]), Err(Error::Context { .. })));
    assert!(matches!(refused(vec![1], vec![1; limit + 1]), Err(Error::Context { .. })));
    assert!(refused(vec![1], vec![config.vocab_size as u32]).is_err());
}
