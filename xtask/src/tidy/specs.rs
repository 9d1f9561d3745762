//! Each format has a page, each page has vectors, and each vector is read by a test.

use std::collections::{BTreeMap, BTreeSet};

use super::Breach;
use super::tree::Tree;

const PAGES: &str = "docs/spec/";
const VECTORS: &str = "docs/spec/vectors/";

/// Pages without vectors, vectors without a page, and vectors that nothing reads.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let folders = folders(tree);
    let pages: BTreeMap<&str, &str> = tree
        .texts(PAGES, ".md")
        .filter_map(|(path, text)| Some((path.strip_prefix(PAGES)?.strip_suffix(".md")?, text)))
        .filter(|(name, _)| !name.contains('/'))
        .collect();
    let mut found = Vec::new();
    for (name, text) in &pages {
        let place = format!("{PAGES}{name}.md");
        if !folders.contains_key(*name) {
            found.push(Breach::new(place, format!("has no vectors in {VECTORS}{name}/")));
        } else if !text.contains(&format!("vectors/{name}")) {
            found.push(Breach::new(place, format!("does not name its vectors, `vectors/{name}`")));
        }
    }
    for (name, files) in &folders {
        let place = format!("{VECTORS}{name}/");
        if !pages.contains_key(name.as_str()) {
            found.push(Breach::new(&place, "belongs to no page of docs/spec"));
        }
        if !is_read(tree, name) {
            found.push(Breach::new(
                &place,
                "is read by no test (one that lists the folder and reads all of it)",
            ));
        }
        found.extend(files.iter().filter_map(|(path, text)| vector(path, text)));
    }
    found
}

/// The JSON vectors by folder.
fn folders(tree: &Tree) -> BTreeMap<String, BTreeSet<(&str, &str)>> {
    let mut folders: BTreeMap<String, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (path, text) in tree.texts(VECTORS, ".json") {
        if let Some((name, _)) = path[VECTORS.len()..].split_once('/') {
            folders.entry(name.to_owned()).or_default().insert((path, text));
        }
    }
    folders
}

/// Whether some test names the folder and lists a directory, as reading all of it demands.
fn is_read(tree: &Tree, name: &str) -> bool {
    let mut tests = tree.texts("crates/", ".rs").filter(|(path, _)| path.contains("/tests/"));
    let listed = tree.texts("crates/", ".rs").any(|(path, text)| {
        path.contains("/tests/") && text.contains("read_dir") && text.contains("spec/vectors")
    });
    let (direct, bare) = (format!("spec/vectors/{name}"), format!("\"{name}\""));
    listed && tests.any(|(_, text)| text.contains(&direct) || text.contains(&bare))
}

fn vector(path: &str, text: &str) -> Option<Breach> {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        return Some(Breach::new(path, "is not JSON"));
    };
    let says = |value: &serde_json::Value| value.get("expect").is_some_and(serde_json::Value::is_string);
    let fine = match &value {
        serde_json::Value::Array(cases) => !cases.is_empty() && cases.iter().all(says),
        other => says(other),
    };
    (!fine).then(|| Breach::new(path, "a vector says what is expected of it in `expect`, one word"))
}
