//! Counts what a file of records holds, for whoever verifies its manifest.

use std::path::Path;

use stillmark_evidence::verify::{Received, RecordFacts, RecordReader};
use stillmark_evidence::{Finding, FindingKind};

use super::{Record, Shard};

/// Reads files of records for `verify`.
#[derive(Clone, Copy, Debug)]
pub struct Recount;

impl RecordReader for Recount {
    fn read(&self, file: &Path) -> Result<RecordFacts, Finding> {
        let malformed = |err: crate::Error| {
            Finding::new(FindingKind::Malformed, file.display().to_string(), err.to_string())
        };
        let shard = Shard::open(file).map_err(malformed)?;
        let mut facts = RecordFacts {
            row_groups: shard.groups(),
            teacher: Some(shard.meta().teacher.clone()),
            ..RecordFacts::default()
        };
        for idx in 0..shard.groups() {
            match shard.group(idx) {
                Ok(records) => records.into_iter().for_each(|record| count(&mut facts, record)),
                Err(_) => facts.broken_row_groups.push(idx),
            }
        }
        Ok(facts)
    }
}

fn count(facts: &mut RecordFacts, record: Record) {
    let tokens = record.input_ids.len() as u64;
    let counts = facts.sources.entry(record.source.clone()).or_default();
    counts.rows += 1;
    counts.tokens += tokens;
    *facts.taught.entry(record.source.clone()).or_default() +=
        tokens.saturating_sub(record.prompt_len as u64);
    match record.receipt {
        None => *facts.unreceived.entry(record.source).or_default() += 1,
        Some(receipt) => facts.received.push(Received {
            record: record.id,
            source: record.source,
            receipt,
            text: record.text.unwrap_or_default(),
        }),
    }
}
