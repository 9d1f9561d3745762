//! The real default model, where there is one, and files made for a test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The GGUF file of the default model, if `STILLMARK_TEST_MODEL` names it; else says that the test is skipped.
#[expect(clippy::disallowed_methods, reason = "the test model's place is the machine's to say")]
pub(crate) fn default_model() -> Option<PathBuf> {
    let path = std::env::var("STILLMARK_TEST_MODEL").ok().map(PathBuf::from);
    if path.is_none() {
        println!("skipped: STILLMARK_TEST_MODEL does not name the default model's .gguf file");
    }
    path
}

/// An error with its causes, without the folder's name.
pub(crate) fn told(error: &dyn std::error::Error, folder: &Path) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told.replace(&format!("{}/", folder.display()), "").replace(&folder.display().to_string(), "FOLDER")
}

/// Every vector of a specification, by file name.
pub(crate) fn vectors(name: &str) -> BTreeMap<String, serde_json::Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(name);
    let read = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), serde_json::from_str(&text).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}
