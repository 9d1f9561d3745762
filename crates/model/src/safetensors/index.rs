//! `model.safetensors.index.json`: which file holds which tensor.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// Which file of a folder holds which tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// File names by tensor names.
    pub files: BTreeMap<String, String>,
}

/// Reads the text of an index; `path` is for the errors.
pub fn parse_index(text: &str, path: &Path) -> Result<Index, Error> {
    parse(text).map_err(|detail| Error::Format { path: path.into(), detail })
}

fn parse(text: &str) -> Result<Index, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Some(Value::Object(map)) = value.get("weight_map") else {
        return Err("has no object `weight_map`".into());
    };
    let mut files = BTreeMap::new();
    for (tensor, file) in map {
        let Some(file) = file.as_str() else {
            return Err(format!("`weight_map.{tensor}`: `{file}` is not a string"));
        };
        // The files are beside the index: a name that leads elsewhere would make a model read what is not its own.
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', ':', '\0']) {
            return Err(format!("`weight_map.{tensor}`: `{file}` is not the plain name of a file"));
        }
        files.insert(tensor.clone(), file.to_owned());
    }
    if files.is_empty() {
        return Err("names no tensor".into());
    }
    Ok(Index { files })
}
