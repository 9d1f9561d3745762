//! Looking for benchmarks in a training corpus, beside lm-evaluation-harness's own decontamination and datatrove's.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use serde_json::json;
use stillmark_benchmark::Record;
use stillmark_benchmark::contamination::scan::{self, GramLength, Index, Reader};
use stillmark_benchmark::copies::{self, Source};
use stillmark_stats::draws::Draws;

use crate::files;
use crate::measure::{Bounds, median_cpu, peak_mb};
use crate::table::{self, Figure};

const TIMES: usize = 5;
/// The peers are given this much of the corpus.
const PEER_MB: usize = 4;
/// One document in so many holds a question word for word.
const LEAKED: usize = 500;
/// Words of a document.
const WORDS: usize = 500;

/// Prints the table.
pub(crate) fn print(
    folder: &Path,
    mb: usize,
    janitor: Option<&str>,
    datatrove: Option<&str>,
) -> Result<(), String> {
    let records = records(folder)?;
    let index = indexed(&records);
    let building = median_cpu(1, || drop(black_box(indexed(&records))))?;
    println!(
        "{} items, {} runs of {} words, index {:.1} MB ({building:.2} s to make)",
        index.items(),
        index.grams(),
        GramLength::USUAL.words(),
        index.size_bytes() as f64 * 1e-6
    );
    let texts = texts(&records, mb << 20);
    let lines: String =
        texts.iter().map(|text| json!({ "id": 1, "text": text }).to_string() + "\n").collect();
    let (mut figures, by_lines) = ours(&index, &texts, &lines)?;
    let shared = Shared::write(&records, &texts)?;
    for (python, mode) in [(janitor, "janitor"), (datatrove, "datatrove")] {
        if let Some(python) = python {
            figures.extend(table::peer(python, &[mode, &shared.items(), &shared.corpus()])?);
        }
    }
    println!(
        "{} documents, {:.0} MB of JSON Lines; medians of {TIMES}, CPU time; peers: {PEER_MB} MB of it",
        texts.len(),
        lines.len() as f64 * 1e-6
    );
    table::print(&figures);
    let bounds = Bounds::measure()?;
    bounds.print();
    println!(
        "the scan of JSON Lines goes at {:.1} % of the speed of copying, {:.1} % of that of looking for one byte",
        lines.len() as f64 / by_lines / bounds.copy * 100.0,
        lines.len() as f64 / by_lines / bounds.memchr * 100.0
    );
    Ok(())
}

fn indexed(records: &[Record]) -> Index {
    let mut index = Index::new(GramLength::USUAL, 8);
    for record in records {
        index.push_record(record);
    }
    index.finish();
    index
}

/// Our figures, and the seconds for JSON Lines.
fn ours(index: &Index, texts: &[String], lines: &str) -> Result<(Vec<Figure>, f64), String> {
    let mut reader = Reader::new(index, "text");
    reader.json_lines(lines.as_bytes()).map_err(|err| err.to_string())?;
    let tally = reader.take();
    let hits = || scan::found(index, &tally).filter(scan::Found::is_hit).count();
    let found = hits();
    let telling = median_cpu(TIMES, || _ = black_box(hits()))?;
    println!("telling what was found of every item: {telling:.2} s, once a scan");
    let figure = |name: &str, bytes: f64, seconds: f64| Figure {
        name: name.to_owned(),
        seconds,
        bytes,
        rows: texts.len() as f64,
        peak_mb: peak_mb(),
        found: format!("{found} items"),
    };
    let by_lines = median_cpu(TIMES, || {
        let mut reader = Reader::new(index, "text");
        _ = black_box(reader.json_lines(lines.as_bytes()));
        black_box(reader.take());
    })?;
    let by_rows = median_cpu(TIMES, || {
        let mut reader = Reader::new(index, "text");
        for text in texts {
            reader.row(text.as_bytes());
        }
        black_box(reader.take());
    })?;
    let plain: f64 = texts.iter().map(|text| text.len() as f64).sum();
    let rows = figure("the texts alone, as rows of a table give them", plain, by_rows);
    Ok((vec![figure("JSON Lines", lines.len() as f64, by_lines), rows], by_lines))
}

/// The records of all benchmarks below a folder, each file read by itself.
fn records(folder: &Path) -> Result<Vec<Record>, String> {
    let held = files::read(folder, &files::is_data)?;
    let mut records = Vec::new();
    for (name, bytes) in &held {
        // What is no copy of a benchmark (a prompt, a list of names) is passed over.
        if let Ok(copy) = copies::read(&[Source { name, bytes }]) {
            records.extend(copy.subsets.into_iter().flat_map(|subset| subset.records));
        }
    }
    if records.is_empty() {
        return Err(format!("{} holds no benchmark", folder.display()));
    }
    Ok(records)
}

/// Documents of the benchmarks' own words in another order, one, two or three in a row, so that few runs of 13 words are any item's; some
/// hold a question.
fn texts(records: &[Record], bytes: usize) -> Vec<String> {
    let words: Vec<&str> = records.iter().flat_map(|record| record.question.split(' ')).collect();
    let mut draws = Draws::new(1);
    let (mut texts, mut total) = (Vec::new(), 0);
    while total < bytes {
        let mut text = String::new();
        let mut count = 0;
        while count < WORDS {
            let (from, length) = (draws.below(words.len() - 3), 1 + draws.below(3));
            words[from..from + length].iter().for_each(|word| text.extend([*word, " "]));
            count += length;
            if draws.below(40) == 0 {
                text.push_str("\n\n");
            }
        }
        if texts.len() % LEAKED == 0 {
            text += &records[draws.below(records.len())].question;
        }
        total += text.len();
        texts.push(text);
    }
    texts
}

/// Files that the peers read: the items, and the beginning of the corpus.
struct Shared {
    folder: PathBuf,
}

impl Shared {
    fn write(records: &[Record], texts: &[String]) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("stillmark-bench-{}", std::process::id()));
        let cannot = |err: std::io::Error| format!("{}: {err}", folder.display());
        fs::create_dir_all(&folder).map_err(cannot)?;
        let shared = Self { folder: folder.clone() };
        let items: String = records
            .iter()
            .map(|record| {
                let question =
                    format!("{}\n{}", record.context.as_deref().unwrap_or_default(), record.question);
                json!({ "question": question, "others": record.choices() }).to_string() + "\n"
            })
            .collect();
        let mut length = 0;
        let some = texts.iter().take_while(|text| {
            length += text.len();
            length <= PEER_MB << 20
        });
        let corpus: String = some.map(|text| json!({ "text": text }).to_string() + "\n").collect();
        fs::write(shared.items(), items).map_err(cannot)?;
        fs::write(shared.corpus(), corpus).map_err(cannot)?;
        Ok(shared)
    }

    fn items(&self) -> String {
        self.folder.join("items.jsonl").to_string_lossy().into_owned()
    }

    fn corpus(&self) -> String {
        self.folder.join("corpus.jsonl").to_string_lossy().into_owned()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}
