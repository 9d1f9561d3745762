//! The vectors of the formats of this crate.

use std::path::Path;

use stillmark_benchmark::audit;
use stillmark_benchmark::log::{File, lm_eval};
use stillmark_evidence::audit::{Audit, Verdict};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/vectors/benchmark-audit");

fn audited(results: &str, rows: &str) -> Result<Audit, stillmark_benchmark::Error> {
    let files = [
        File { name: "results_2026-01-02T03-04-05.678901.json", bytes: results.as_bytes() },
        File { name: "samples_log_2026-01-02T03-04-05.678901.jsonl", bytes: rows.as_bytes() },
    ];
    let runs = lm_eval::read(&files)?;
    let parts = runs.into_iter().map(|run| audit::run(run, None)).collect::<Result<_, _>>()?;
    Ok(audit::joined(Vec::new(), parts))
}

/// The one word that an audit comes to.
fn word(audit: &Audit) -> String {
    match (audit.findings.first(), audit.verdict) {
        (Some(found), _) => found.class.clone(),
        (None, Verdict::NothingFound) => "nothing-found".to_owned(),
        (None, Verdict::Departs) => "departs".to_owned(),
        (None, Verdict::Inconclusive) => "inconclusive".to_owned(),
        (None, Verdict::Altered) => "altered".to_owned(),
    }
}

#[test]
fn audits_come_to_what_the_vectors_expect() {
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(VECTORS)).unwrap() {
        let path = entry.unwrap().path();
        let vector: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let rows: Vec<&str> =
            vector["rows"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
        let found = match audited(vector["results"].as_str().unwrap(), &rows.join("\n")) {
            Ok(audit) => {
                assert!(
                    !audit.undecidable.is_empty(),
                    "{}: what no log decides is always told",
                    path.display()
                );
                let classes: Vec<&str> = audit.findings.iter().map(|found| found.class.as_str()).collect();
                assert!(classes.iter().all(|class| *class == classes[0]), "{}: {classes:?}", path.display());
                word(&audit)
            }
            Err(_) => "malformed".to_owned(),
        };
        assert_eq!(found, vector["expect"].as_str().unwrap(), "{}: {}", path.display(), vector["why"]);
        count += 1;
    }
    assert!(count >= 15, "{count} vectors");
}

/// Bytes changed at random places: an audit ends with an answer or an error, whatever it is given.
#[test]
fn damaged_logs_end_in_an_answer_or_an_error() {
    let mut random = stillmark_stats::mt19937::Mt19937::new(5);
    let (mut answers, mut errors) = (0, 0);
    for entry in std::fs::read_dir(Path::new(VECTORS)).unwrap() {
        let vector: serde_json::Value =
            serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        let rows: Vec<&str> =
            vector["rows"].as_array().unwrap().iter().map(|row| row.as_str().unwrap()).collect();
        let texts = [vector["results"].as_str().unwrap().to_owned(), rows.join("\n")];
        for _ in 0..200 {
            let mut bytes = texts.clone().map(String::into_bytes);
            let file = random.next_u32() as usize % 2;
            for _ in 0..=random.next_u32() % 4 {
                if bytes[file].len() < 2 {
                    break;
                }
                let at = random.next_u32() as usize % bytes[file].len();
                match random.next_u32() % 4 {
                    0 => bytes[file].truncate(at.max(1)),
                    1 => drop(bytes[file].remove(at)),
                    2 => bytes[file][at] = b"\"{}[]:,0-9e\\\0\xff\n"[random.next_u32() as usize % 15],
                    _ => bytes[file][at] = random.next_u32() as u8,
                }
            }
            let name = ["results.json", "samples_gsm8k.jsonl"];
            let files = [File { name: name[0], bytes: &bytes[0] }, File { name: name[1], bytes: &bytes[1] }];
            let parts = lm_eval::read(&files).and_then(|runs| {
                runs.into_iter().map(|run| audit::run(run, None)).collect::<Result<Vec<_>, _>>()
            });
            match parts {
                Ok(parts) => {
                    let audit = audit::joined(Vec::new(), parts);
                    audit.to_bytes().unwrap();
                    let _ = audit::sarif(&audit, "0");
                    answers += 1;
                }
                Err(err) => {
                    assert!(!err.to_string().contains('\n'), "{err}");
                    errors += 1;
                }
            }
        }
    }
    println!("{answers} answers, {errors} errors, no panic");
}
