//! Parquet to records, each row group checked against the digest of its content.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use stillmark_evidence::Digest;

use super::columns::{Column, read_column};
use super::meta::{Footer, KEY, SCHEMA};
use super::{Meta, Record, TopLogprobs, content_digest};
use crate::Error;

/// An open file of records.
pub struct Shard {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    footer: Footer,
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard")
            .field("path", &self.path)
            .field("footer", &self.footer)
            .finish_non_exhaustive()
    }
}

impl Shard {
    /// Opens a file, refusing what is not a file of our records.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let fault = |detail: String| Error::Records { path: path.to_owned(), detail };
        let file = File::open(path).map_err(Error::io(path))?;
        let reader = guarded(|| SerializedFileReader::new(file)).map_err(|error| fault(error.to_string()))?;
        let entries = reader.metadata().file_metadata().key_value_metadata();
        let footer = entries.and_then(|entries| entries.iter().find(|entry| entry.key == KEY));
        let footer = footer.and_then(|entry| entry.value.as_deref());
        let footer = footer.ok_or_else(|| fault(format!("has no `{KEY}` metadata")))?;
        let footer: Footer =
            serde_json::from_str(footer).map_err(|error| fault(format!("metadata: {error}")))?;
        if footer.schema != SCHEMA {
            return Err(fault(format!("is of schema `{}`, not `{SCHEMA}`", footer.schema)));
        }
        let (groups, digests) = (reader.num_row_groups(), footer.row_groups_sha256.len());
        if groups != digests {
            return Err(fault(format!("has {groups} row groups but {digests} digests")));
        }
        Ok(Self { path: path.to_owned(), reader, footer })
    }

    /// What the file says about itself.
    pub fn meta(&self) -> &Meta {
        &self.footer.meta
    }

    /// The digest of each row group's content, as the footer has them.
    pub fn row_group_digests(&self) -> &[Digest] {
        &self.footer.row_groups_sha256
    }

    /// How many row groups there are.
    pub fn groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// The records of one row group, checked.
    pub fn group(&self, idx: usize) -> Result<Vec<Record>, Error> {
        let fault = |detail: String| Error::Records {
            path: self.path.clone(),
            detail: format!("row group {idx}: {detail}"),
        };
        let expected = self.footer.row_groups_sha256.get(idx);
        let expected = expected.ok_or_else(|| fault("is not there".to_owned()))?;
        let group = self.reader.get_row_group(idx).map_err(|error| fault(error.to_string()))?;
        let records = guarded(|| records(group.as_ref())).map_err(|error| fault(error.to_string()))?;
        let found = content_digest(&records);
        if found != *expected {
            return Err(fault(format!("content digest is {found}, not {expected}")));
        }
        for record in &records {
            if let Some(flaw) = record.flaw(self.footer.meta.vocab_size) {
                return Err(fault(format!("record `{}`: {flaw}", record.id)));
            }
        }
        Ok(records)
    }

    /// All records, checked.
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        let mut all = Vec::new();
        for idx in 0..self.groups() {
            all.extend(self.group(idx)?);
        }
        Ok(all)
    }
}

/// Runs a decoding of foreign bytes. Some decoders of the Parquet crate index beyond damaged pages: that is an error about the file,
/// not the end of the process.
pub(super) fn guarded<T>(decode: impl FnOnce() -> ParquetResult<T>) -> ParquetResult<T> {
    let panicked = |_| Err(ParquetError::General("the pages are damaged".to_owned()));
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(panicked)
}

fn records(group: &dyn RowGroupReader) -> ParquetResult<Vec<Record>> {
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let id = texts(group, "id")?;
    let source = texts(group, "source")?;
    let prompt_len = required::<Int64Type>(group, "prompt_len")?.0.values;
    let (input_ids, tops) = signals(group)?;
    let (tail, depth) = required::<FloatType>(group, "tail_logmass.list.element")?;
    let tail = tail.into_lists(depth);
    let (text, receipt) = (texts(group, "text")?, texts(group, "receipt")?);
    let lengths =
        [id.len(), source.len(), prompt_len.len(), input_ids.len(), tops.len(), tail.len(), text.len()];
    if lengths.iter().any(|length| *length != rows) || receipt.len() != rows {
        return Err(ParquetError::General(format!("columns are of {lengths:?} rows, not all of {rows}")));
    }
    let flat = id.into_iter().zip(source).zip(prompt_len).zip(text).zip(receipt);
    let lists = input_ids.into_iter().zip(tops).zip(tail);
    let mut records = Vec::new();
    for (((((id, source), prompt_len), text), receipt), ((input_ids, top), tail_logmass)) in flat.zip(lists) {
        let prompt_len = usize::try_from(prompt_len).map_err(|_| negative("prompt_len"))?;
        let (Some(id), Some(source)) = (id, source) else { return Err(negative("id")) };
        records.push(Record { id, source, prompt_len, input_ids, top, tail_logmass, text, receipt });
    }
    Ok(records)
}

/// The columns that DistillKit shares: token ids, and the top log-probabilities of each position.
pub(super) fn signals(group: &dyn RowGroupReader) -> ParquetResult<(Vec<Vec<u32>>, Vec<TopLogprobs>)> {
    let (ids, depth) = required::<Int64Type>(group, &leaf(group, "input_ids"))?;
    let ids = ids.into_lists(depth).iter().map(|row| narrowed(row)).collect::<ParquetResult<_>>()?;
    let (token_ids, depth) = required::<Int64Type>(group, &leaf(group, "token_ids"))?;
    let token_ids = token_ids.into_nested(depth, inner_levels(depth));
    let (values, depth) = required::<FloatType>(group, &leaf(group, "top_values"))?;
    let values = values.into_nested(depth, inner_levels(depth));
    if token_ids.len() != values.len() {
        return Err(ParquetError::General("`token_ids` and `top_values` differ in rows".to_owned()));
    }
    let mut tops = Vec::new();
    for (ids, values) in token_ids.iter().zip(values) {
        let mut top = TopLogprobs::new();
        if ids.len() != values.len() {
            return Err(ParquetError::General("`token_ids` and `top_values` differ in positions".to_owned()));
        }
        for (ids, values) in ids.iter().zip(values) {
            if ids.len() != values.len() {
                return Err(ParquetError::General(
                    "`token_ids` and `top_values` differ at a position".to_owned(),
                ));
            }
            top.push(narrowed(ids)?.into_iter().zip(values));
        }
        tops.push(top);
    }
    Ok((ids, tops))
}

/// Path of the only leaf under the column `name`, whatever its lists' inner groups are called.
fn leaf(group: &dyn RowGroupReader, name: &str) -> String {
    let schema = group.metadata().schema_descr();
    let leaf =
        schema.columns().iter().find(|leaf| leaf.path().parts().first().is_some_and(|part| part == name));
    leaf.map_or_else(|| name.to_owned(), |leaf| leaf.path().string())
}

/// How many definition levels the innermost list adds: its own, and one more where its elements may be null.
fn inner_levels(depth: i16) -> i16 {
    if depth > 2 { 2 } else { 1 }
}

fn required<T: DataType>(group: &dyn RowGroupReader, path: &str) -> ParquetResult<(Column<T::T>, i16)> {
    let missing = || ParquetError::General(format!("column `{path}` is missing"));
    read_column::<T>(group, path)?.ok_or_else(missing)
}

fn texts(group: &dyn RowGroupReader, path: &str) -> ParquetResult<Vec<Option<String>>> {
    let (column, depth) = required::<ByteArrayType>(group, path)?;
    let mut values = column.values.into_iter();
    let text = |value: ByteArray| value.as_utf8().map(str::to_owned);
    if depth == 0 {
        return values.map(|value| text(value).map(Some)).collect();
    }
    let row = |definition: &i16| match (*definition == depth).then(|| values.next()).flatten() {
        Some(value) => text(value).map(Some),
        None => Ok(None),
    };
    column.definition.iter().map(row).collect()
}

fn narrowed(ids: &[i64]) -> ParquetResult<Vec<u32>> {
    ids.iter().map(|id| u32::try_from(*id).map_err(|_| negative("token id"))).collect()
}

fn negative(what: &str) -> ParquetError {
    ParquetError::General(format!("a {what} is missing, negative or too large"))
}
