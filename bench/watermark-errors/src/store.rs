//! What was made once and is kept.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/watermark-errors");

/// What is kept under a name; where there is none, `make` makes it.
pub(crate) fn kept(name: &str, make: &mut dyn FnMut() -> Result<Value, String>) -> Result<Value, String> {
    let path = PathBuf::from(FOLDER).join(format!("{name}.json"));
    let place = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    if let Ok(text) = fs::read_to_string(&path) {
        return serde_json::from_str(&text).map_err(|error| place(&error));
    }
    let value = make()?;
    fs::create_dir_all(FOLDER).map_err(|error| place(&error))?;
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, value.to_string()).map_err(|error| place(&error))?;
    fs::rename(&unfinished, &path).map_err(|error| place(&error))?;
    Ok(value)
}
