//! Records for and from other trainers.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::{Meta, Record, columns, read, write};
use crate::Error;
use stillmark_evidence::whole_file;

/// Writes the columns that DistillKit's offline reader takes uncompressed (`input_ids`, `token_ids`, `top_values`) and no
/// others. Every position must hold the same number of tokens, as its collator makes one tensor of them.
pub fn write_distillkit(path: &Path, meta: &Meta, records: &[Record]) -> Result<(), Error> {
    let fault = |detail: String| Error::Records { path: path.to_owned(), detail };
    let k = records.first().map_or(0, |record| record.top.at(0).0.len());
    let ragged = records.iter().find(|record| record.top.iter().any(|(ids, _)| ids.len() != k));
    if let Some(record) = ragged {
        return Err(fault(format!("record `{}` does not hold {k} tokens at every position", record.id)));
    }
    let bytes = write::encode(meta, records, columns::DISTILLKIT_SCHEMA);
    whole_file::write(path, &bytes.map_err(|error| fault(error.to_string()))?).map_err(Error::io(path))
}

/// Reads a file in DistillKit's uncompressed form. The tail mass is what the stored probabilities leave of 1; nothing is known
/// of prompts, so all tokens are learned.
pub fn import_distillkit(path: &Path, source: &str) -> Result<Vec<Record>, Error> {
    let fault = |detail: String| Error::Records { path: path.to_owned(), detail };
    let file = File::open(path).map_err(Error::io(path))?;
    let reader =
        read::guarded(|| SerializedFileReader::new(file)).map_err(|error| fault(error.to_string()))?;
    let mut records: Vec<Record> = Vec::new();
    for idx in 0..reader.num_row_groups() {
        let group = reader.get_row_group(idx).map_err(|error| fault(error.to_string()))?;
        let signals = read::guarded(|| read::signals(group.as_ref()));
        let (ids, tops) = signals.map_err(|error| fault(error.to_string()))?;
        for (input_ids, top) in ids.into_iter().zip(tops) {
            let tail_logmass = top.iter().map(|(_, values)| tail(values)).collect();
            let id = format!("{source}/{}", records.len());
            let source = source.to_owned();
            records.push(Record { id, source, input_ids, top, tail_logmass, ..Record::default() });
        }
    }
    Ok(records)
}

/// ln(1 - sum of exp): minus infinity where nothing is left.
fn tail(values: &[f32]) -> f32 {
    let mass: f64 = values.iter().map(|value| f64::from(*value).exp()).sum();
    (-mass).ln_1p().max(f64::NEG_INFINITY) as f32
}

/// Writes prompt and response as JSON Lines, the form of TRL's prompt-completion data. `prompt` gives the text of a record's prompt.
pub fn write_prompt_response(
    path: &Path,
    records: &[Record],
    prompt: &mut dyn FnMut(&Record) -> Result<String, Error>,
) -> Result<(), Error> {
    let mut out = Vec::new();
    for record in records {
        let completion = record.text.as_deref().unwrap_or_default();
        let line = serde_json::json!({"completion": completion, "id": record.id, "prompt": prompt(record)?});
        out.extend(line.to_string().as_bytes());
        out.push(b'\n');
    }
    whole_file::write(path, &out).map_err(Error::io(path))
}
