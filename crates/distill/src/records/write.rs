//! Records to Parquet: the same records give the same bytes.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::columns::{self, Column};
use super::meta::{Footer, KEY, SCHEMA};
use super::{Meta, Record, content_digest};
use crate::Error;
use stillmark_evidence::whole_file;

/// Rows of a row group: small enough that a reader holds one easily, large enough to compress.
const ROW_GROUP: usize = 64;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// How many records.
    pub rows: usize,
    /// Their tokens.
    pub tokens: usize,
    /// The file's bytes.
    pub size_bytes: usize,
}

/// Writes `records` whole to `path`, refusing any that is flawed.
pub fn write(path: &Path, meta: &Meta, records: &[Record]) -> Result<Written, Error> {
    let fault = |detail: String| Error::Records { path: path.to_owned(), detail };
    for record in records {
        if let Some(flaw) = record.flaw(meta.vocab_size) {
            return Err(fault(format!("record `{}`: {flaw}", record.id)));
        }
    }
    let bytes = encode(meta, records, columns::SCHEMA).map_err(|error| fault(error.to_string()))?;
    whole_file::write(path, &bytes).map_err(Error::io(path))?;
    let tokens = records.iter().map(|record| record.input_ids.len()).sum();
    Ok(Written { rows: records.len(), tokens, size_bytes: bytes.len() })
}

/// The bytes of a Parquet file of `records` with the columns of `schema`.
pub(super) fn encode(meta: &Meta, records: &[Record], schema: &str) -> ParquetResult<Vec<u8>> {
    let schema = Arc::new(parse_message_type(schema)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties()?))?;
    let leaves: Vec<String> = writer
        .schema_descr()
        .columns()
        .iter()
        .filter_map(|leaf| leaf.path().parts().first().cloned())
        .collect();
    let mut digests = Vec::new();
    for group in records.chunks(ROW_GROUP) {
        write_group(writer.next_row_group()?, &leaves, group)?;
        digests.push(content_digest(group));
    }
    let footer = Footer { schema: SCHEMA.to_owned(), meta: meta.clone(), row_groups_sha256: digests };
    let footer = serde_json::to_string(&footer).map_err(|error| ParquetError::General(error.to_string()))?;
    writer.append_key_value_metadata(KeyValue::new(KEY.to_owned(), footer));
    writer.into_inner()
}

fn properties() -> ParquetResult<WriterProperties> {
    let leaf = |name: &str, depth: usize| {
        let inner = ["list", "element"].repeat(depth);
        ColumnPath::new([name].iter().chain(&inner).map(ToString::to_string).collect())
    };
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("stillmark version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    // Floats repeat seldom, so a dictionary of them is dead weight.
    for column in [leaf("top_values", 2), leaf("tail_logmass", 1)] {
        builder = builder.set_column_dictionary_enabled(column, false);
    }
    Ok(builder.build())
}

type RowGroup<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn write_group(mut group: RowGroup<'_>, leaves: &[String], records: &[Record]) -> ParquetResult<()> {
    for leaf in leaves {
        match leaf.as_str() {
            "id" => put::<ByteArrayType>(&mut group, &flat(records, |record| bytes(&record.id)))?,
            "source" => put::<ByteArrayType>(&mut group, &flat(records, |record| bytes(&record.source)))?,
            "prompt_len" => put::<Int64Type>(&mut group, &flat(records, |record| record.prompt_len as i64))?,
            "input_ids" => {
                put::<Int64Type>(&mut group, &lists(records, |record| widened(&record.input_ids)))?;
            }
            "token_ids" => put::<Int64Type>(&mut group, &nested(records, |(ids, _)| widened(ids)))?,
            "top_values" => put::<FloatType>(&mut group, &nested(records, |(_, values)| values.to_vec()))?,
            "tail_logmass" => put::<FloatType>(&mut group, &lists(records, |r| r.tail_logmass.clone()))?,
            "text" => put::<ByteArrayType>(&mut group, &optional(records, |record| record.text.as_deref()))?,
            "receipt" => {
                put::<ByteArrayType>(&mut group, &optional(records, |record| record.receipt.as_deref()))?;
            }
            leaf => return Err(ParquetError::General(format!("column `{leaf}` has no content"))),
        }
    }
    group.close()?;
    Ok(())
}

fn put<T: DataType>(group: &mut RowGroup<'_>, column: &Column<T::T>) -> ParquetResult<()> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("the row group has no more columns".to_owned()));
    };
    let levels = |levels: &'_ [i16]| (!levels.is_empty()).then(|| levels.to_vec());
    let (definition, repetition) = (levels(&column.definition), levels(&column.repetition));
    writer.typed::<T>().write_batch(&column.values, definition.as_deref(), repetition.as_deref())?;
    writer.close()
}

fn flat<T>(records: &[Record], value: impl Fn(&Record) -> T) -> Column<T> {
    let mut column = Column::default();
    for record in records {
        column.push_value(value(record));
    }
    column
}

fn optional(records: &[Record], value: impl Fn(&Record) -> Option<&str>) -> Column<ByteArray> {
    let mut column = Column::default();
    for record in records {
        column.push_option(value(record).map(bytes));
    }
    column
}

fn lists<T>(records: &[Record], row: impl Fn(&Record) -> Vec<T>) -> Column<T> {
    let mut column = Column::default();
    for record in records {
        column.push_list(row(record));
    }
    column
}

fn nested<T>(records: &[Record], inner: impl Fn((&[u32], &[f32])) -> Vec<T>) -> Column<T> {
    let mut column = Column::default();
    for record in records {
        column.push_lists(record.top.iter().map(&inner));
    }
    column
}

fn widened(ids: &[u32]) -> Vec<i64> {
    ids.iter().map(|id| i64::from(*id)).collect()
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}
