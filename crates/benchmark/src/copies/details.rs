//! Rows of Parquet as JSON Lines, for readers of logs.

use serde_json::{Map, Number, Value};

use super::json::{Field, Json};
use super::{literal, parquet};
use crate::Error;

/// The rows of a file, one a line; texts that are the list or table of a Python program become values.
pub(crate) fn json_lines(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for (_, fields) in parquet::rows(name, bytes)? {
        let row = fields.into_iter().map(|(key, cell)| (key.into_owned(), unquoted(cell))).collect();
        text.extend_from_slice(Value::Object(row).to_string().as_bytes());
        text.push(b'\n');
    }
    Ok(text)
}

/// A column of old versions holds texts of Python literals throughout.
fn unquoted(cell: Json<'_>) -> Value {
    if let Json::Text(text) = &cell
        && text.starts_with(['[', '{'])
        && let Some(value) = literal::parse(text)
    {
        return value;
    }
    value(cell)
}

fn value(cell: Json<'_>) -> Value {
    match cell {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Whole(number) => Value::Number(number.into()),
        // What is no number in JSON becomes nothing: no score follows from it.
        Json::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Json::Text(text) => Value::String(text.into_owned()),
        Json::List(items) => Value::Array(items.into_iter().map(value).collect()),
        Json::Object(fields) => Value::Object(object(fields)),
    }
}

fn object(fields: Vec<Field<'_>>) -> Map<String, Value> {
    fields.into_iter().map(|(key, cell)| (key.into_owned(), value(cell))).collect()
}
