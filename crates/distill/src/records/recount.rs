//! Counts what a file of records holds, for whoever verifies its manifest.

use std::collections::BTreeMap;
use std::path::Path;

use stillmark_evidence::manifest::Counts;
use stillmark_evidence::verify::{RecordFacts, RecordReader};
use stillmark_evidence::{Finding, FindingKind};

use super::Shard;

/// Reads files of records for `verify`.
#[derive(Clone, Copy, Debug)]
pub struct Recount;

impl RecordReader for Recount {
    fn read(&self, file: &Path) -> Result<RecordFacts, Finding> {
        let malformed = |err: crate::Error| {
            Finding::new(FindingKind::Malformed, file.display().to_string(), err.to_string())
        };
        let shard = Shard::open(file).map_err(malformed)?;
        let mut sources: BTreeMap<String, Counts> = BTreeMap::new();
        let mut broken_row_groups = Vec::new();
        for idx in 0..shard.groups() {
            let Ok(records) = shard.group(idx) else {
                broken_row_groups.push(idx);
                continue;
            };
            for record in records {
                let counts = sources.entry(record.source).or_default();
                counts.rows += 1;
                counts.tokens += record.input_ids.len() as u64;
            }
        }
        Ok(RecordFacts { sources, row_groups: shard.groups(), broken_row_groups })
    }
}
