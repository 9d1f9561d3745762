//! Archives of Inspect's logs: whatever the bytes, an error or a log whose rows can be read to the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_benchmark::log::{File, inspect, scorer::Scorers};

fuzz_target!(|bytes: &[u8]| {
    let unpacked = inspect::unpack("log.eval", bytes);
    let text = unpacked.as_deref().unwrap_or(bytes);
    let Ok(run) = inspect::read(File { name: "log.json", bytes: text }) else { return };
    for log in run.logs {
        let scorers = Scorers::of(&log.about);
        for sample in log.rows.into_iter().flatten().flatten() {
            let score = scorers.score(&sample, "accuracy");
            assert!(score.is_none_or(|score| score == 0.0 || score == 1.0));
        }
    }
});
