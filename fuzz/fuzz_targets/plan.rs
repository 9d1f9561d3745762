//! `plan.toml`: what is read has one canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_distill::Plan;

fuzz_target!(|text: &str| {
    let Ok(plan) = Plan::parse(text) else { return };
    // After the text, not before it: a byte order mark is one only at the start.
    let again = Plan::parse(&format!("{text}\n\n# a comment")).expect("comments change nothing");
    assert_eq!(plan.digest(), again.digest());
    let total: f64 = plan.sources().iter().map(|source| source.share).sum();
    assert!((total - 1.0).abs() < 1e-3, "the shares sum to {total}");
});
