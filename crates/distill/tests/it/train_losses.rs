//! Every loss of a row against plain f64, value and gradient.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use stillmark_distill::train::Draws;
use stillmark_distill::train::loss::{Divergence, Loss, Missing, Row, Scratch, Teacher, Term, row_loss};

use crate::train_reference::{Target, row_value, softmax};

const VOCAB: usize = 37;

fn logits(seed: u64, spread: f64) -> Vec<f64> {
    // Rounded to f32 first, so that both sides start from the same numbers.
    (0..VOCAB as u64).map(|index| f64::from((spread * Draws::new(seed, 0).normal(index)) as f32)).collect()
}

fn check(loss: &Loss, dense: Option<&[f64]>, top: Option<(&[u32], &[f64], f64)>, logits: &[f64]) {
    let narrow = |row: &[f64]| row.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let dense_f32 = dense.map(narrow);
    let log_probs = top.map(|(_, probs, _)| probs.iter().map(|p| p.ln() as f32).collect::<Vec<f32>>());
    let teacher = match (&dense_f32, top) {
        (Some(logits), _) => Teacher::Logits(logits),
        (None, Some((ids, _, tail))) => {
            Teacher::Top { ids, log_probs: log_probs.as_deref().unwrap(), tail: tail as f32 }
        }
        (None, None) => Teacher::Silent,
    };
    let row = Row { next: Some(3), teacher, weight: 0.5 };
    let mut gradient = narrow(logits);
    let mut values = vec![0.0; loss.terms.len()];
    row_loss(loss, &row, &mut gradient, &mut values, &mut Scratch::default());

    let target = match (dense, top) {
        (Some(dense), _) => Some(Target::Logits(dense[..loss.shared_vocab].to_vec())),
        (None, Some((ids, probs, tail))) => Some(Target::Top {
            ids: ids.iter().map(|&id| id as usize).collect(),
            probs: probs.to_vec(),
            tail,
        }),
        (None, None) => None,
    };
    let at = |logits: &[f64]| row_value(loss, Some(3), target.as_ref(), logits);
    let value: f64 =
        values.iter().zip(&loss.terms).map(|(v, term)| f64::from(*v) * f64::from(term.weight)).sum();
    let expected = at(logits);
    // f32 logits know a divergence to about 1e-6, which the square of the temperature multiplies.
    let scale = loss.terms.iter().map(|term| term.temperature * term.temperature * term.weight).sum::<f32>();
    let tolerance = 1e-5 * expected.max(0.1 * f64::from(scale));
    assert!((value - expected).abs() < tolerance, "{loss:?}: {value}, expected {expected}");
    for index in 0..VOCAB {
        const STEP: f64 = 1e-5;
        let shifted = |shift: f64| {
            let mut logits = logits.to_vec();
            logits[index] += shift;
            at(&logits)
        };
        let expected = 0.5 * (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP);
        let found = f64::from(gradient[index]);
        assert!(
            (found - expected).abs() < 1e-4 * expected.abs() + 2e-6,
            "{loss:?}: slope {index}: {found}, expected {expected}"
        );
    }
}

fn divergences() -> [Divergence; 7] {
    [
        Divergence::CrossEntropy,
        Divergence::ForwardKl,
        Divergence::ReverseKl,
        Divergence::JensenShannon { beta: 0.0 },
        Divergence::JensenShannon { beta: 0.25 },
        Divergence::JensenShannon { beta: 1.0 },
        Divergence::TotalVariation,
    ]
}

#[test]
fn losses_against_full_distributions() {
    for divergence in divergences() {
        for temperature in [1.0, 0.7, 3.0] {
            for shared_vocab in [VOCAB, VOCAB - 5] {
                let terms = vec![Term { divergence, weight: 1.5, temperature }];
                let loss = Loss { terms, missing: Missing::Bucket, shared_vocab };
                for spread in [0.3, 3.0] {
                    check(&loss, Some(&logits(1, spread)), None, &logits(2, spread));
                }
            }
        }
    }
}

#[test]
fn losses_against_the_top_of_a_distribution() {
    let teacher = softmax(&logits(3, 2.0));
    let mut ids: Vec<u32> = (0..VOCAB as u32).collect();
    ids.sort_by(|&a, &b| teacher[b as usize].total_cmp(&teacher[a as usize]));
    for k in [1, 6, 30] {
        let probs: Vec<f64> = ids[..k].iter().map(|&id| teacher[id as usize]).collect();
        let tail = ids[k..].iter().map(|&id| teacher[id as usize]).sum();
        for divergence in divergences() {
            for temperature in [1.0, 2.0] {
                for missing in [Missing::Bucket, Missing::Zero, Missing::Uniform] {
                    let terms = vec![Term { divergence, weight: 1.0, temperature }];
                    let loss = Loss { terms, missing, shared_vocab: VOCAB };
                    if loss.check(VOCAB).is_err() {
                        assert_eq!(missing, Missing::Zero);
                        continue;
                    }
                    check(&loss, None, Some((&ids[..k], &probs, tail)), &logits(4, 2.0));
                }
            }
        }
    }
}

#[test]
fn equal_distributions_have_no_loss() {
    let row = logits(9, 2.0);
    for divergence in divergences().into_iter().filter(|divergence| divergence.needs_teacher()) {
        let terms = vec![Term { divergence, weight: 1.0, temperature: 2.0 }];
        let loss = Loss { terms, missing: Missing::Bucket, shared_vocab: VOCAB };
        let mut student: Vec<f32> = row.iter().map(|&x| x as f32).collect();
        let teacher: Vec<f32> = student.iter().map(|x| x + 5.0).collect();
        let target = Row { next: None, teacher: Teacher::Logits(&teacher), weight: 1.0 };
        let mut values = [0.0];
        row_loss(&loss, &target, &mut student, &mut values, &mut Scratch::default());
        assert!(values[0].abs() < 1e-5, "{divergence:?}: {}", values[0]);
        // The total variation has a kink there, where rounding decides each sign.
        let tolerance = if divergence == Divergence::TotalVariation { 0.5 } else { 1e-5 };
        assert!(student.iter().all(|slope| slope.abs() < tolerance), "{divergence:?}");
    }
}
