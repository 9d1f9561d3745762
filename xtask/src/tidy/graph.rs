//! The crate graph: arrows point down only, and some libraries live in one room.

use serde_json::Value;

use super::Breach;
use crate::shell::Workspace;

/// What each room may use of ours (ARCHITECTURE.md draws it).
const ROOMS: [(&str, &[&str]); 15] = [
    ("ledger", &[]),
    ("stats", &[]),
    ("kernels", &[]),
    ("evidence", &["ledger", "stats"]),
    ("watermark", &["stats", "evidence", "kernels"]),
    ("extraction", &["stats", "evidence"]),
    ("agreement", &["evidence"]),
    ("model", &["kernels", "evidence"]),
    ("report", &["evidence"]),
    ("benchmark", &["stats", "evidence", "ledger"]),
    ("distill", &["model", "agreement", "kernels", "evidence"]),
    ("lineage", &["watermark", "stats", "evidence", "kernels"]),
    ("gateway", &["watermark", "agreement", "extraction", "evidence", "ledger"]),
    ("python", &["watermark", "lineage", "benchmark", "evidence"]),
    ("stillmark", &["*"]),
];

/// Packages that only the named rooms may link, and nobody where the list is empty.
const CONFINED: [(&str, &[&str]); 12] = [
    ("tokenizers", &["model"]),
    ("safetensors", &["model", "distill"]),
    ("clap", &["stillmark"]),
    ("indicatif", &["stillmark"]),
    ("tokio", &["gateway", "model", "stillmark"]),
    ("hyper", &["gateway"]),
    ("ring", &["evidence"]),
    ("candle-core", &[]),
    ("burn", &[]),
    ("tch", &[]),
    ("anyhow", &[]),
    ("rand", &[]),
];

/// The edges of the crate graph that the house does not allow.
pub(crate) fn breaches(metadata: &Value) -> Vec<Breach> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        // Benchmarks and examples stand outside the house and look in.
        if name == "xtask" || name == "stillmark-examples" || name.starts_with("stillmark-bench-") {
            continue;
        }
        let room = room(name);
        let Some((_, allowed)) = ROOMS.iter().find(|(known, _)| *known == room) else {
            found.push(Breach::new(
                name,
                "is no room of the house: add it to the table in xtask and ARCHITECTURE.md",
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // What only tests use is no arrow of the house.
            if dependency["kind"] == "dev" {
                continue;
            }
            let used = dependency["name"].as_str().unwrap_or_default();
            found.extend(edge(name, allowed, used));
        }
    }
    found
}

fn edge(name: &str, allowed: &[&str], used: &str) -> Option<Breach> {
    if used == "xtask" || used == "stillmark-examples" {
        return Some(Breach::new(name, format!("depends on `{used}`, which no product crate may")));
    }
    if used == "stillmark" || used.starts_with("stillmark-") {
        let fine = allowed.contains(&"*") || allowed.contains(&room(used));
        return (!fine).then(|| Breach::new(name, format!("depends on `{used}`: arrows point down only")));
    }
    let (_, rooms) = CONFINED.iter().find(|(package, _)| *package == used)?;
    let fine = rooms.contains(&room(name));
    (!fine).then(|| Breach::new(name, format!("links `{used}`, which may stand only in {rooms:?}")))
}

/// The folder's name of a package.
fn room(package: &str) -> &str {
    package.strip_prefix("stillmark-").unwrap_or(package)
}

/// Whether any library of the workspace has its doc tests switched on.
pub(crate) fn has_doc_tests(workspace: &Workspace) -> bool {
    let packages = workspace.metadata["packages"].as_array().into_iter().flatten();
    let mut targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    targets.any(|target| {
        let is_library = target["kind"].as_array().into_iter().flatten().any(|kind| kind == "lib");
        is_library && target["doctest"] == true
    })
}
