//! Genuine logs, and forgeries made of them.

use std::path::Path;

use stillmark_benchmark::audit;
use stillmark_benchmark::log::{File, lm_eval};

#[test]
fn genuine() {
    let Some(logs) = std::env::var_os("STILLMARK_HARNESS_LOGS") else { return };
    for variant in std::fs::read_dir(&logs).unwrap() {
        let variant = variant.unwrap().path();
        if variant.ends_with("tasks") {
            continue;
        }
        let mut files = Vec::new();
        collect(&variant, &mut files);
        let files: Vec<File<'_>> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
        let parts = lm_eval::read(&files).unwrap().into_iter().map(|run| audit::run(run).unwrap()).collect();
        let audit = audit::joined(Vec::new(), parts);
        println!("{}: {:?} {}", variant.display(), audit.verdict, audit.findings.len());
        for found in audit.findings.iter().take(5) {
            println!("   {found:?}");
        }
        for found in audit.departures.iter().take(5) {
            println!("   D {found:?}");
        }
        for found in audit.not_checked.iter().take(15) {
            println!("   N {found:?}");
        }
        for found in audit.undecidable.iter().take(2) {
            println!("   U {found:?}");
        }
        for found in audit.scores.iter().take(25) {
            println!("   S {found:?}");
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files)
        } else {
            files.push((path.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()));
        }
    }
}
