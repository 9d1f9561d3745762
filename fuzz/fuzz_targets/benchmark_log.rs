//! A results file and a samples file of lm-evaluation-harness, read and audited.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_benchmark::audit;
use stillmark_benchmark::log::{self, File};

fuzz_target!(|bytes: &[u8]| {
    // One input holds both files, parted by a zero byte.
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (results, rows) = (&bytes[..cut], bytes.get(cut + 1..).unwrap_or_default());
    let files =
        [File { name: "results.json", bytes: results }, File { name: "samples_gsm8k.jsonl", bytes: rows }];
    let Ok(runs) = log::read(&files) else { return };
    let parts: Result<Vec<_>, _> = runs.into_iter().map(|run| audit::run(run, None)).collect();
    let Ok(parts) = parts else { return };
    let audit = audit::joined(Vec::new(), parts);
    audit.to_bytes().expect("what was found can be written");
    _ = audit::sarif(&audit, "0");
});
