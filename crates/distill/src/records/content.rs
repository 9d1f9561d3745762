//! One canonical encoding of records, whose digest survives another compression or another Parquet writer.

use stillmark_evidence::Digest;

use super::Record;

const DOMAIN: &[u8] = b"stillmark/records/v1\n";

/// The digest of the content of `records` (docs/spec/records.md, "Content digest").
pub fn content_digest(records: &[Record]) -> Digest {
    let mut bytes = DOMAIN.to_vec();
    count(&mut bytes, records.len());
    for record in records {
        encode(&mut bytes, record);
    }
    Digest::of(&bytes)
}

fn encode(out: &mut Vec<u8>, record: &Record) {
    text(out, &record.id);
    text(out, &record.source);
    count(out, record.prompt_len);
    count(out, record.input_ids.len());
    for id in &record.input_ids {
        out.extend(id.to_le_bytes());
    }
    for (ids, values) in record.top.iter() {
        count(out, ids.len());
        for (id, value) in ids.iter().zip(values) {
            out.extend(id.to_le_bytes());
            out.extend(value.to_bits().to_le_bytes());
        }
    }
    for mass in &record.tail_logmass {
        out.extend(mass.to_bits().to_le_bytes());
    }
    optional(out, record.text.as_deref());
    optional(out, record.receipt.as_deref());
}

fn optional(out: &mut Vec<u8>, value: Option<&str>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(out, value);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    count(out, text.len());
    out.extend(text.as_bytes());
}

fn count(out: &mut Vec<u8>, count: usize) {
    out.extend((count as u64).to_le_bytes());
}
