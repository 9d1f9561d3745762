//! A copy of a benchmark in any format: tables, JSON, Parquet, compressed or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_benchmark::copies::{self, Source};
use stillmark_benchmark::diff::diff;
use stillmark_benchmark::registry;
use stillmark_fuzz::let_panics_be_caught;

fuzz_target!(init: let_panics_be_caught(), |bytes: &[u8]| {
    for name in ["test/a_test.csv", "a.jsonl"] {
        let Ok(copy) = copies::read(&[Source { name, bytes }]) else { continue };
        _ = registry::recognize(&copy.subsets);
        let same = diff(&copy, &copy);
        let is_plain = copy.notes.iter().all(|note| note.kind == copies::NoteKind::File);
        assert!(same.is_identical() || !is_plain);
    }
});
