//! Marked text under attack: what a mark survives, scheme by scheme.
//!
//! `run` has the default teacher write texts under each scheme's mark, attacks them as text, tokenizes them anew and detects;
//! it prints the tables and keeps the figures in `results.json`. `plot` draws the curves from that file. What the model wrote
//! lies in `target/watermark-attacks`, so that a second run takes only the time of detection. The model is the file that
//! `--model` or `STILLMARK_TEST_MODEL` names, or the default teacher where `stillmark model fetch` put it; prompts are those
//! of `STILLMARK_SHARED`, or of `../shared` beside the repository.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its table")]

mod attack;
mod judge;
mod model;
mod plot;
mod results;
mod schemes;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use judge::Texts;
use model::{TOKENS, Writer};
use results::Results;

const USAGE: &str = "usage: stillmark-bench-watermark-attacks run [--texts N] [--scheme S] [--model GGUF]
       stillmark-bench-watermark-attacks plot";

const MODEL: &str = ".cache/stillmark/models/smollm2-135m-instruct/pypi/SmolLM2-135M-Instruct.Q4_1.gguf";

const PROMPTS: &str = "data/traffic/arena-hard-v0.1.jsonl";

/// Texts a scheme, where nothing else is said.
const TEXTS: usize = 50;

/// Texts a scheme that the model rewrites.
const REWRITTEN: usize = 12;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("results.json");
    match words.as_slice() {
        ["run", rest @ ..] => measure(rest, here, &file)?,
        ["plot"] => plot::write(&Results::read(&file)?, here)?,
        _ => return Err(USAGE.into()),
    }
    let results = Results::read(&file)?;
    println!(
        "{}\n{}\n{}",
        table::detection(&results),
        table::stretches(&results),
        table::rewritten(&results)
    );
    Ok(())
}

fn measure(words: &[&str], here: &Path, file: &Path) -> Result<(), String> {
    let texts = option(words, "--texts").map_or(Ok(TEXTS), |count| {
        count.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("`{count}` is no number above 0"))
    })?;
    let chosen = option(words, "--scheme");
    let root = here.join("../..");
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let model = option(words, "--model").map(PathBuf::from).or_else(|| set("STILLMARK_TEST_MODEL"));
    let model = model.unwrap_or_else(|| set("HOME").unwrap_or_default().join(MODEL));
    let prompts = set("STILLMARK_SHARED").unwrap_or_else(|| root.join("../shared")).join(PROMPTS);
    let mut writer = Writer::open(&model, &prompts, root.join("target/watermark-attacks"))?;
    let unmarked = writer.texts(None, texts)?;
    let unmarked = writer.decoded(&unmarked)?;
    let mut results = Results::read(file).unwrap_or_else(|_| Results {
        model: model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        tokens: TOKENS,
        level: judge::LEVEL,
        decoys: judge::DECOYS,
        cells: Vec::new(),
    });
    let entries =
        schemes::ALL.iter().filter(|entry| chosen.is_none_or(|chosen| entry.name.starts_with(chosen)));
    let mut found = 0;
    for entry in entries {
        found += 1;
        let start = Instant::now();
        let ids = writer.texts(Some(entry), (texts as f64 * entry.share).ceil() as usize)?;
        let texts = writer.decoded(&ids)?;
        let rewritten = writer.rewritten(&entry.file()?, &texts[..REWRITTEN.min(texts.len())])?;
        let written = start.elapsed();
        let texts = Texts { ids: &ids, marked: &texts, unmarked: &unmarked, rewritten: &rewritten };
        results.replace(judge::judge(entry, &texts, writer.tokenizer()?)?, file)?;
        eprintln!(
            "{}: written in {written:.0?}, judged in {:.0?}",
            entry.name,
            start.elapsed().saturating_sub(written)
        );
    }
    if found == 0 {
        let names: Vec<&str> = schemes::ALL.iter().map(|entry| entry.name).collect();
        return Err(format!("no scheme of that name; there are: {}", names.join(", ")));
    }
    Ok(())
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1])
}
