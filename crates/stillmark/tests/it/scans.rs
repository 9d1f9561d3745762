//! Scans of corpora of several kinds of files: the same answer for any number of threads, and from one that was killed and goes on.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use crate::place::{Dice, Place};

/// Questions of one benchmark.
const ITEMS: usize = 40;

fn question(number: usize) -> String {
    let trades = ["baker", "carter", "dyer", "glazier", "joiner"];
    let trade = trades[number % trades.len()];
    format!(
        "A {trade} of the {number} houses by the old mill counts {} steps to the well and back; how many are that in a week of market days?",
        17 * number + 3
    )
}

/// A document, and now and then a question in it.
fn document(dice: &mut Dice) -> String {
    let words = ["mill", "well", "the", "Steps,", "old", "house.", "week", "market\n", "\"days\"", "größer"];
    let mut text = String::new();
    for _ in 0..120 {
        text.push_str(words[dice.below(words.len() as u64) as usize]);
        text.push(' ');
    }
    if dice.below(60) == 0 {
        text.push_str(&question(dice.below(ITEMS as u64) as usize).to_uppercase());
    }
    text
}

fn lines(dice: &mut Dice, documents: usize) -> String {
    (0..documents)
        .map(|id| serde_json::json!({ "id": id, "text": document(dice) }).to_string() + "\n")
        .collect()
}

/// A benchmark, and a corpus of plain and packed lines, a table and a text.
fn prepared() -> Place {
    let (place, mut dice) = (Place::bare(), Dice::of(5));
    let items: String = (0..ITEMS).fold(String::new(), |mut all, number| {
        let item = serde_json::json!({ "question": question(number), "answer": format!("#### {number}") });
        writeln!(all, "{item}").unwrap();
        all
    });
    fs::write(place.path("items.jsonl"), items).unwrap();
    fs::create_dir(place.path("corpus")).unwrap();
    fs::write(place.path("corpus/a.jsonl"), lines(&mut dice, 6_000)).unwrap();
    let packed = zstd::encode_all(lines(&mut dice, 3_000).as_bytes(), 1).unwrap();
    fs::write(place.path("corpus/b.jsonl.zst"), packed).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines(&mut dice, 3_000).as_bytes()).unwrap();
    fs::write(place.path("corpus/c.jsonl.gz"), gzip.finish().unwrap()).unwrap();
    let text: String = (0..500).map(|_| document(&mut dice) + "\n").collect();
    fs::write(place.path("corpus/d.txt"), text).unwrap();
    fs::write(place.path("corpus/e.parquet"), table(&mut dice, 3, 700)).unwrap();
    place
}

/// A table with a column that is none of the scan's business; every seventh text is missing.
fn table(dice: &mut Dice, groups: usize, rows: usize) -> Vec<u8> {
    let schema = "message corpus { required int64 id; optional binary text (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        let mut ids = group.next_column().unwrap().unwrap();
        let numbers: Vec<i64> = (0..rows as i64).collect();
        ids.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
        ids.close().unwrap();
        let filled: Vec<i16> = (0..rows).map(|row| i16::from(row % 7 != 0)).collect();
        let texts: Vec<ByteArray> = (0..rows)
            .filter(|row| row % 7 != 0)
            .map(|_| ByteArray::from(document(dice).into_bytes()))
            .collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts, Some(&filled), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

const SCAN: [&str; 9] = [
    "--quiet",
    "benchmark",
    "contamination",
    "scan",
    "corpus",
    "--benchmark",
    "items.jsonl",
    "--format",
    "json",
];

fn answer(place: &Place, words: &[&str]) -> Value {
    let output = place.stillmark(&[&SCAN[..], words].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let place = prepared();
    let one = answer(&place, &["--dirty", "one.jsonl"]);
    assert!(one["items_hit"].as_u64().unwrap() > 30, "{one}");
    assert_eq!(one["documents"], 6_000 + 3_000 + 3_000 + 1 + 3 * 700);
    for threads in ["2", "7"] {
        assert_eq!(answer(&place, &["--threads", threads, "--dirty", "several.jsonl"]), one);
        let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
        assert_eq!(read("several.jsonl"), read("one.jsonl"));
    }
    // Of several bad lines the first is told, whoever comes upon one first.
    let bad = format!("{}{{\"text\":\n", "{\"text\":\"a\"}\n".repeat(200_000));
    fs::write(place.path("corpus/a.jsonl"), bad.repeat(2)).unwrap();
    for threads in ["1", "4"] {
        let said = place.ends(2, &[&SCAN[..], &["--threads", threads]].concat());
        assert!(said.contains("line 200001"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_killed_scan_goes_on_where_it_stood() {
    let place = prepared();
    let whole = answer(&place, &[]);
    let words = [&SCAN[..], &["--state", "state.json", "--save-every", "0"]].concat();
    let (mut kills, mut dice) = (0, Dice::of(9));
    loop {
        let mut scan = place.stillmark(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_millis(20 + dice.below(60));
        let ended = loop {
            if let Some(status) = scan.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() >= until && place.path("state.json").exists() {
                break None;
            }
            std::thread::yield_now();
        };
        if let Some(status) = ended {
            assert_eq!(status.code(), Some(1));
            break;
        }
        scan.kill().unwrap();
        scan.wait().unwrap();
        kills += 1;
        // A slow machine would never come to the end within the time that a kill leaves.
        if kills == 6 {
            break;
        }
    }
    assert_eq!(answer(&place, &words[SCAN.len()..]), whole);
    // The state of a finished scan answers at once, and no other scan takes it.
    assert_eq!(answer(&place, &words[SCAN.len()..]), whole);
    let said = place.ends(2, &[&words[..], &["--n", "12"]].concat());
    assert!(said.contains("the state of another scan"), "{said}");
    fs::write(place.path("corpus/f.txt"), "more").unwrap();
    assert!(place.ends(2, &words).contains("the state of another scan"));
    fs::write(place.path("state.json"), "{}").unwrap();
    assert!(place.ends(2, &words).contains("is no state of a scan"));
}
