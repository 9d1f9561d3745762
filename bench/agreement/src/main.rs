//! How long the terms take to answer: reading the pack, judging a plan of twenty sources, recognizing a license.
//!
//! With the path of a built `stillmark` as argument, also the whole command, from its start to its end.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::Instant;

use stillmark_agreement::{Answer, Date, Pack, Provenance, Recognizer, evaluate};

/// Runs of each figure, of which the median counts.
const RUNS: usize = 41;

/// Terms of the twenty sources, of services, weights and data.
const SOURCES: [(&str, &str); 20] = [
    ("api", "openai-services-agreement"),
    ("api", "deepseek-api"),
    ("api", "mistral-terms"),
    ("api", "google-gemini-api"),
    ("weights", "llama3.1"),
    ("weights", "llama3.3"),
    ("weights", "gemma-2025-03"),
    ("weights", "qwen-2024"),
    ("weights", "deepseek-1.0"),
    ("weights", "deepseek-r1-mit"),
    ("weights", "apache-2.0"),
    ("weights", "mit"),
    ("weights", "bigcode-openrail-m-v1"),
    ("weights", "nvidia-open-model-2025"),
    ("weights", "kimi-k2.5-modified-mit"),
    ("dataset", "cc-by-4.0"),
    ("dataset", "cc-by-sa-4.0"),
    ("dataset", "cdla-permissive-2.0"),
    ("dataset", "cc0-1.0"),
    ("dataset", "sharegpt-type"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let text = plan();
    let day: Date = "2026-11-01".parse()?;
    let pack = Pack::shipped()?;
    let provenance = Provenance::parse(&text)?;
    let license = include_str!("../../../LICENSE");
    let recognizer = Recognizer::shipped()?;
    println!("| figure | median of {RUNS} |\n|---|---|");
    row("the pack, read", || Ok(Pack::shipped()?.entries().count()))?;
    row("a plan of 20 sources, read", || Ok(Provenance::parse(&text)?.edges().len()))?;
    row("the same, judged", || Ok(evaluate(&pack, &provenance, &day)?.reasons.len()))?;
    row("pack and plan read, judged, answered as JSON", || {
        let ruling = evaluate(&Pack::shipped()?, &Provenance::parse(&text)?, &day)?;
        Ok(serde_json::to_string(&Answer::of(&ruling))?.len())
    })?;
    row("the fingerprints, read", || Ok(Recognizer::shipped()?.known().len()))?;
    row("a license of 1,400 words, recognized", || Ok(recognizer.recognize(license).candidates.len()))?;
    let Some(program) = std::env::args().nth(1) else { return Ok(()) };
    let file = std::env::temp_dir().join(format!("stillmark-bench-{}.toml", std::process::id()));
    std::fs::write(&file, &text)?;
    let whole = row("`stillmark agreement check`, the whole process", || {
        let mut command = Command::new(&program);
        command.args(["agreement", "check", "--format", "json"]).arg(&file);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        // Such a plan is for a person to review.
        if status.code() == Some(3) { Ok(0) } else { Err(format!("ended with {status}").into()) }
    });
    std::fs::remove_file(&file)?;
    whole
}

/// Runs one figure several times and prints the median.
fn row(name: &str, mut job: impl FnMut() -> Result<usize, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut times_ms = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        std::hint::black_box(job()?);
        times_ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times_ms.sort_by(f64::total_cmp);
    println!("| {name} | {:.2} ms |", times_ms[RUNS / 2]);
    Ok(())
}

/// A provenance file: each model writes a dataset, and all datasets make one student.
fn plan() -> String {
    let asset =
        |id: &str, kind: &str, more: &str| format!("[[asset]]\nid = \"{id}\"\nkind = \"{kind}\"\n{more}");
    let edge = |from: &str, to: &str, action: &str| {
        format!("[[edge]]\nfrom = \"{from}\"\nto = \"{to}\"\naction = \"{action}\"\ntokens = 1000\n")
    };
    let mut parts = vec!["target = \"student\"\non = 2026-11-01\n".to_owned()];
    parts.push(asset("student", "weights", "name = \"Llama-tern\"\nfamily = \"tern\"\n"));
    for (position, (kind, terms)) in SOURCES.iter().enumerate() {
        let (source, data) = (format!("s{position}"), format!("d{position}"));
        parts.push(asset(&source, kind, &format!("terms = [\"{terms}\"]\n")));
        if *kind == "dataset" {
            parts.push(edge(&source, "student", "train-on-outputs"));
            continue;
        }
        parts.push(asset(&data, "dataset", ""));
        parts.push(edge(&source, &data, "generate"));
        parts.push(edge(&data, "student", "train-on-outputs"));
    }
    parts.push("[declared]\ncommercial = false\naudience = \"distributed\"\ncompetes = false\n".to_owned());
    parts.push(
        "monthly_active_users = 1000\nrevenue_usd_per_year = 0\nprivate_classifier = false\n".to_owned(),
    );
    parts.concat()
}
