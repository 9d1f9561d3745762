//! The tournament against the layers one by one in f64.

use stillmark_kernels::isa::Isa;
use stillmark_kernels::tournament::{logarithms_on, scores, two_leaf, two_leaf_on};

use crate::{noise, words};

fn plain_softmax(logits: &[f32]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|x| (f64::from(*x) - f64::from(most)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

fn plain_two_leaf(p: &mut [f64], g: &[u32], offset: usize, depth: u32) {
    for layer in 0..depth {
        let value = |token: usize| f64::from(g[(offset + token) % g.len()] >> layer & 1);
        let sum: f64 = p.iter().enumerate().map(|(token, p)| value(token) * p).sum();
        for (token, p) in p.iter_mut().enumerate() {
            *p *= 1.0 + value(token) - sum;
        }
    }
}

fn check(size: usize, table: usize, offset: usize, depth: u32) {
    let logits: Vec<f32> = noise(size, 3).iter().map(|x| x * 2.0).collect();
    let g = words(table, 8);
    let mut want = plain_softmax(&logits);
    let start: Vec<f32> = want.iter().map(|p| *p as f32).collect();
    plain_two_leaf(&mut want, &g, offset, depth);
    let close = |got: f32, want: f64| (f64::from(got) - want).abs() <= 1e-5 * want.abs();
    let mut paths = Vec::new();
    for isa in Isa::available() {
        let mut got = start.clone();
        two_leaf_on(isa, &mut got, &g, offset, depth);
        logarithms_on(isa, &mut got);
        for (got, want) in got.iter().zip(&want) {
            assert!(
                close(*got, want.ln()),
                "{isa:?} {size} {table} {offset} {depth}: {got} for {}",
                want.ln()
            );
        }
        paths.push(got);
    }
    assert!(paths.iter().all(|path| *path == paths[0]), "the sets differ");
    let mut got = logits;
    scores(&mut got, &g, offset, depth);
    assert!(got.iter().zip(&want).all(|(got, want)| close(*got, want.ln())));
}

#[test]
fn layers_over_places_of_the_table_are_the_layers_one_by_one() {
    for (size, table) in [(1, 1), (2, 8), (15, 64), (16, 16), (17, 16), (100, 32), (1000, 4096), (5001, 1024)]
    {
        for depth in [0, 1, 2, 7, 30, 32] {
            for offset in [0, 1, table - 1, 12_345] {
                // Many layers choose one of a few tokens, and 1 - Σ g p has no digits left in f32.
                check(size, table, offset, if size < 1000 { depth.min(4) } else { depth });
            }
        }
    }
    check(128_256, 65_536, 54_321, 30);
}

#[test]
fn tokens_that_are_out_stay_out_and_nothing_is_infinite() {
    let mut logits = noise(300, 4);
    logits.iter_mut().step_by(3).for_each(|x| *x = f32::NEG_INFINITY);
    scores(&mut logits, &words(64, 2), 5, 30);
    assert!(logits.iter().all(|x| x.is_finite()));
    assert!(logits.iter().step_by(3).all(|x| *x == f32::MIN));
    assert!(logits.iter().skip(1).step_by(3).all(|x| *x > f32::MIN));
}

#[test]
fn logarithms_of_what_has_none_are_the_least_number() {
    let subnormal = f32::from_bits(5);
    let mut values = [0.0, -1.0, f32::NAN, f32::INFINITY, subnormal, 1.0];
    logarithms_on(Isa::detected(), &mut values);
    assert_eq!(values, [f32::MIN, f32::MIN, f32::MIN, f32::MIN, subnormal.ln(), 0.0]);
}

#[test]
fn an_empty_table_or_vocabulary_changes_nothing() {
    let mut p = [0.25, 0.75];
    two_leaf(&mut p, &[], 3, 30);
    assert_eq!(p, [0.25, 0.75]);
    two_leaf(&mut [], &[1, 2], 3, 30);
}
