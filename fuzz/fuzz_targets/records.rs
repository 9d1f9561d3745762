//! A Parquet file of records, ours or `DistillKit`'s.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_distill::records::{Shard, import_distillkit};
use stillmark_fuzz::{in_file, let_panics_be_caught};

fuzz_target!(init: let_panics_be_caught(), |bytes: &[u8]| {
    in_file("records.parquet", bytes, |path| {
        if let Ok(shard) = Shard::open(path) {
            _ = shard.records();
        }
        _ = import_distillkit(path, "source");
    });
});
