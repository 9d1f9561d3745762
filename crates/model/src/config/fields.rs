//! Fields of a JSON object, read with errors that name them.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;

/// A JSON object whose fields are read with errors that name them.
pub(super) struct Fields<'a> {
    pub(super) path: &'a Path,
    pub(super) object: &'a Map<String, Value>,
    /// What the object is called in the errors, with a point at its end; empty for the whole file.
    pub(super) prefix: &'a str,
}

impl Fields<'_> {
    pub(super) fn refuse<T>(&self, field: &str, detail: impl Into<String>) -> Result<T, Error> {
        let field = format!("{}{field}", self.prefix);
        Err(Error::Config { path: self.path.into(), field, detail: detail.into() })
    }

    /// The value, unless it is absent or null.
    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<&str>, Error> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => self.refuse(field, format!("`{other}` is not a string")),
        }
    }

    pub(super) fn float(&self, field: &str) -> Result<Option<f64>, Error> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if number.is_finite() => Ok(Some(number)),
                _ => self.refuse(field, format!("`{value}` is not a number")),
            },
        }
    }

    pub(super) fn positive(&self, field: &str) -> Result<Option<f64>, Error> {
        match self.float(field)? {
            Some(number) if number <= 0.0 => self.refuse(field, format!("is {number}; it must be positive")),
            other => Ok(other),
        }
    }

    pub(super) fn size(&self, field: &str) -> Result<Option<usize>, Error> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
                Some(number) => Ok(Some(number)),
                None => self.refuse(field, format!("`{value}` is not a whole number")),
            },
        }
    }

    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, Error> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => self.refuse(field, format!("`{other}` is neither true nor false")),
        }
    }

    pub(super) fn required<T>(&self, field: &str, value: Option<T>) -> Result<T, Error> {
        value.map_or_else(|| self.refuse(field, "is missing"), Ok)
    }

    pub(super) fn required_size(&self, field: &str) -> Result<usize, Error> {
        self.required(field, self.size(field)?)
    }

    /// One token id or a list of them.
    pub(super) fn tokens(&self, field: &str) -> Result<Vec<u32>, Error> {
        let one = |value: &Value| match value.as_u64().and_then(|id| u32::try_from(id).ok()) {
            Some(id) => Ok(id),
            None => self.refuse(field, format!("`{value}` is not a token id")),
        };
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(one).collect(),
            Some(value) => Ok(vec![one(value)?]),
        }
    }
}
