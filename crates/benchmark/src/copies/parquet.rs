//! Rows of Parquet, as dataset hubs keep them.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field as Cell, Row};

use super::Contents;
use super::json::{Field, Json};
use super::rows::{self, Placed};
use super::text::{check_size, malformed};
use crate::Error;

/// What a Parquet file holds.
pub(super) fn contents(name: &str, bytes: &[u8]) -> Result<Contents, Error> {
    rows::items(name, "Parquet", rows(name, bytes)?)
}

/// The rows of a Parquet file.
pub(super) fn rows(name: &str, bytes: &[u8]) -> Result<Vec<Placed<'static>>, Error> {
    let bytes = Bytes::copy_from_slice(bytes);
    // The reader below panics on some files that lie about themselves.
    catch_unwind(AssertUnwindSafe(|| read(name, bytes)))
        .unwrap_or_else(|_| Err(malformed("Parquet", name, "its pages contradict each other".to_owned())))
}

fn read(name: &str, bytes: Bytes) -> Result<Vec<Placed<'static>>, Error> {
    let broken = |err: ParquetError| malformed("Parquet", name, err.to_string());
    let reader = SerializedFileReader::new(bytes).map_err(broken)?;
    let groups = reader.metadata().row_groups().iter();
    let size_bytes: i64 = groups.map(|group| group.total_byte_size().max(0)).fold(0, i64::saturating_add);
    check_size(name, size_bytes.unsigned_abs(), "what it decompresses to")?;
    let mut read_bytes = 0;
    let mut rows = Vec::new();
    for (idx, row) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        let fields = fields(&row.map_err(broken)?);
        // A few bytes may stand for any number of equal rows.
        read_bytes += fields.iter().map(|(_, value)| weight(value)).sum::<u64>() + 64;
        check_size(name, read_bytes, "what it decompresses to")?;
        rows.push((idx + 1, fields));
    }
    Ok(rows)
}

fn fields(row: &Row) -> Vec<Field<'static>> {
    row.get_column_iter().map(|(name, cell)| (Cow::Owned(name.clone()), value(cell))).collect()
}

fn value(cell: &Cell) -> Json<'static> {
    match cell {
        Cell::Bool(truth) => Json::Bool(*truth),
        Cell::Byte(number) => Json::Whole(i64::from(*number)),
        Cell::Short(number) => Json::Whole(i64::from(*number)),
        Cell::Int(number) => Json::Whole(i64::from(*number)),
        Cell::Long(number) => Json::Whole(*number),
        Cell::UByte(number) => Json::Whole(i64::from(*number)),
        Cell::UShort(number) => Json::Whole(i64::from(*number)),
        Cell::UInt(number) => Json::Whole(i64::from(*number)),
        Cell::ULong(number) => i64::try_from(*number).map_or(Json::Null, Json::Whole),
        Cell::Float(number) => Json::Real(f64::from(*number)),
        Cell::Double(number) => Json::Real(*number),
        Cell::Str(text) => Json::Text(Cow::Owned(text.clone())),
        Cell::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Json::Text(Cow::Owned(text.to_owned())),
            Err(_) => Json::Null,
        },
        Cell::ListInternal(list) => Json::List(list.elements().iter().map(value).collect()),
        Cell::Group(row) => Json::Object(fields(row)),
        // Nulls; dates, decimals and maps are part of no item.
        _ => Json::Null,
    }
}

fn weight(value: &Json<'_>) -> u64 {
    match value {
        Json::Text(text) => text.len() as u64 + 24,
        Json::List(items) => items.iter().map(weight).sum(),
        Json::Object(fields) => fields.iter().map(|(_, value)| weight(value)).sum(),
        _ => 8,
    }
}
