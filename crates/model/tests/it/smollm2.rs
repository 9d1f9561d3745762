//! The default teacher's logits against transformers; where `STILLMARK_TEST_MODEL` names its file.

use std::path::Path;

use stillmark_kernels::gemm::Precision;
use stillmark_model::Decoder;
use stillmark_model::gguf::GgufFile;

use crate::decoder::all_logits;

#[derive(serde::Deserialize)]
struct Expected {
    tokens: Vec<u32>,
    rows: Vec<Row>,
}

#[derive(serde::Deserialize)]
struct Row {
    #[serde(rename = "row")]
    at: usize,
    ids: Vec<usize>,
    logits: Vec<f32>,
    log_sum: f64,
}

#[test]
fn logits_of_the_default_teacher_equal_the_reference() {
    let Some(path) = std::env::var_os("STILLMARK_TEST_MODEL") else {
        println!("skipped: STILLMARK_TEST_MODEL does not name the default teacher's GGUF file");
        return;
    };
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/smollm2.json");
    let expected: Expected = serde_json::from_slice(&std::fs::read(stored).unwrap()).unwrap();
    let file = GgufFile::open(Path::new(&path)).unwrap();
    let n = expected.tokens.len();
    for (precision, tolerance) in [(Precision::F32, 1e-3), (Precision::Bf16, 0.5)] {
        let decoder = Decoder::load(file.config(), &file, precision).unwrap();
        let logits = all_logits(&decoder, &expected.tokens, std::slice::from_ref(&(0..n)));
        let rows: Vec<_> = logits.chunks_exact(decoder.config().vocab_size).collect();
        for Row { at, ids, logits, log_sum } in &expected.rows {
            for (id, expected) in ids.iter().zip(logits) {
                let found = rows[*at][*id];
                assert!(
                    (found - expected).abs() < tolerance,
                    "{precision:?}, row {at}, token {id}: {found} for {expected}"
                );
            }
            let found = rows[*at].iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
            assert!(
                (found - log_sum).abs() < f64::from(tolerance),
                "{precision:?}, row {at}: {found} for {log_sum}"
            );
        }
    }
}
