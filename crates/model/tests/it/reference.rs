//! Logits against transformers, on tiny models that both sides make by one formula.

use std::collections::BTreeMap;
use std::path::Path;

use stillmark_kernels::gemm::Precision;

use crate::decoder::{all_logits, families, greatest, load, tokens};

#[derive(serde::Deserialize)]
struct Expected {
    /// The first logits of some rows.
    rows: BTreeMap<usize, Vec<f32>>,
    /// The most probable token after each row.
    best: Vec<usize>,
}

#[test]
fn logits_equal_the_reference_for_every_family() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/logits.json");
    let mut expected: BTreeMap<String, Expected> =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for (name, config) in families() {
        let expected = expected.remove(name).unwrap();
        let decoder = load(&config, Precision::F32);
        let logits = all_logits(&decoder, &tokens(60, &config), std::slice::from_ref(&(0..60)));
        let rows: Vec<_> = logits.chunks_exact(config.vocab_size).collect();
        for (row, expected) in expected.rows {
            for (idx, (found, expected)) in rows[row].iter().zip(&expected).enumerate() {
                assert!(
                    (found - expected).abs() < 1e-3,
                    "{name}, row {row}, token {idx}: {found} for {expected}"
                );
            }
        }
        let best: Vec<_> = rows.iter().map(|row| greatest(row)).collect();
        assert_eq!(best, expected.best, "{name}");
    }
    assert!(expected.is_empty(), "every stored case was checked");
}
