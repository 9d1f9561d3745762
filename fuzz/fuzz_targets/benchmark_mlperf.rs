//! Files of MLPerf directories: each reader takes any bytes, and an audit of a directory full of them finds something.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use stillmark_benchmark::mlperf::accuracy::{self, Claimed};
use stillmark_benchmark::mlperf::detail::Detail;
use stillmark_benchmark::mlperf::golds::{Golds, Rule};
use stillmark_benchmark::mlperf::{Tree, audit, summary};

const RESULT: &str = "open/s/results/x/resnet/Offline";

fuzz_target!(|bytes: &[u8]| {
    let _ = Detail::read(bytes);
    let _ = summary::read(bytes);
    let _ = Claimed::read(bytes);
    let mut entries = 0;
    let _ = accuracy::read(bytes, &mut |_| entries += 1);
    let kept = accuracy::truncated(bytes);
    assert!(accuracy::is_truncation_of(&kept, bytes));
    for rule in Rule::ALL {
        if let Ok(golds) = Golds::read(bytes, rule) {
            let _ = golds.is_right(0, bytes);
        }
    }
    let names = [
        "accuracy/accuracy.txt",
        "accuracy/mlperf_log_accuracy.json",
        "accuracy/mlperf_log_detail.txt",
        "performance/run_1/mlperf_log_detail.txt",
        "performance/run_1/mlperf_log_summary.txt",
        "measurements.json",
    ];
    let mut files: BTreeMap<String, &[u8]> =
        names.iter().map(|name| (format!("{RESULT}/{name}"), bytes)).collect();
    files.insert("open/s/systems/x.json".to_owned(), bytes);
    files.insert("open/s/src/resnet/golds.jsonl".to_owned(), bytes);
    let untruncated = BTreeMap::from([(format!("{RESULT}/mlperf_log_accuracy.json"), bytes)]);
    let audited = audit(&Tree { files, untruncated, golds: Some(bytes), rule: Some(Rule::Letter) });
    assert!(!audited.findings.is_empty());
});
