//! A student distilled from a benchmark's own items, and its twin distilled from others like them: the contamination tests find the
//! one and are silent on the other.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};
use stillmark_benchmark::copies::{self, Source};
use stillmark_benchmark::record::Answer;

use crate::place::{Dice, Place};

/// Items that leak, and as many that are withheld or leak to the twin.
const ITEMS: usize = 40;

const PLAN: &str = r#"
[student]
name = "NAME"
license = "apache-2.0"
init = { from = "config", path = "small.json" }
[teacher]
model = "tiny"
terms = ["apache-2.0"]
[[texts]]
id = "texts"
file = "NAME.jsonl"
origin = "benchmark items"
terms = ["cc0-1.0"]
[capture]
top_logprobs = 0
max_length = 2048
[train]
steps = STEPS
seq_len = 512
batch = 2
losses = [{ name = "ce" }]
lr = 3e-3
warmup = 20
held_out = 0.0
precision = "bf16"
seed = 1
[declared]
commercial = false
audience = "private"
"#;

const SYLLABLES: [&str; 16] =
    ["ka", "lo", "mi", "ter", "van", "os", "ri", "bel", "du", "nem", "sha", "pro", "fen", "gal", "wex", "zu"];

struct Item {
    question: String,
    choices: [String; 4],
    answer: usize,
}

fn word(dice: &mut Dice) -> String {
    (0..2 + dice.below(2)).map(|_| SYLLABLES[dice.below(16) as usize]).collect()
}

fn item(dice: &mut Dice) -> Item {
    let frames = [
        "Which port did the envoys of X leave for Y?",
        "What did the guild of X owe the town of Y?",
        "Who carried the seal of X to the court of Y?",
    ];
    let frame = frames[dice.below(3) as usize];
    let question = frame.replace('X', &word(dice)).replace('Y', &format!("{} {}", word(dice), word(dice)));
    let choices = std::array::from_fn(|_| format!("{} of {}", word(dice), word(dice)));
    Item { question, choices, answer: dice.below(4) as usize }
}

/// The items as they are commonly copied: five a text and in their order, and each alone.
fn texts(items: &[Item]) -> String {
    let shown = |item: &Item| {
        let mut text = format!("{}\n", item.question);
        for (choice, letter) in item.choices.iter().zip("ABCD".chars()) {
            let _ = writeln!(text, "{letter}. {choice}");
        }
        text + &format!("Answer: {}\n\n", char::from(b'A' + item.answer as u8))
    };
    let mut all = String::new();
    for (idx, some) in items.chunks(5).chain(items.chunks(1)).enumerate() {
        let text: String = some.iter().map(shown).collect();
        let _ = writeln!(all, "{}", json!({ "id": format!("t{idx}"), "text": text }));
    }
    all
}

fn csv(items: &[Item]) -> String {
    let mut text = "question,choice0,choice1,choice2,choice3,answer\n".to_owned();
    for item in items {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let choices: Vec<String> = item.choices.iter().map(quoted).collect();
        let _ = writeln!(text, "{},{},{}", quoted(&item.question), choices.join(","), item.answer);
    }
    text
}

/// The answer of a test, with its exit code.
fn judged(place: &Place, test: &str, model: &str, more: &[&str]) -> (i32, Value) {
    let (model, kept) = (format!("{model}/model"), format!("{model}-{test}.jsonl"));
    let mut words = vec![
        "--quiet",
        "benchmark",
        "contamination",
        test,
        "leaked.csv",
        "--level",
        "0.001",
        "--format",
        "json",
    ];
    words.extend(more);
    let asked = [words.clone(), vec!["--model", &model, "--answers", &kept]].concat();
    let output = place.stillmark(&asked).output().unwrap();
    let finding: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", crate::place::told(&output)));
    // Whoever has the answers comes to the same finding without the model.
    words.extend(["--answers", &kept]);
    let again = place.stillmark(&words).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap(), finding);
    println!(
        "{test} {model}: {} ln p {} statistic {}",
        finding["verdict"], finding["ln_p"], finding["statistic"]["value"]
    );
    (output.status.code().unwrap(), finding)
}

/// Real items: of one subject of MMLU those that are not too long, in the order of the file.
fn mmlu(subject: &str) -> Option<Vec<Item>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../../../shared/data/benchmarks/mmlu/test/{subject}_test.csv"));
    let bytes = fs::read(&path).ok()?;
    let copy = copies::read(&[Source { name: "mmlu.csv", bytes: &bytes }]).unwrap();
    let records = copy.subsets.into_iter().flat_map(|subset| subset.records);
    let items = records.filter_map(|record| {
        let Answer::Choice { choices, gold } = record.answer else { return None };
        let choices: [String; 4] = choices.try_into().ok()?;
        let is_short = record.question.len() + choices.iter().map(String::len).sum::<usize>() < 300;
        is_short.then(|| Item { question: record.question, choices, answer: gold[0] })
    });
    Some(items.collect())
}

#[test]
fn tests_find_the_student_of_leaked_items_and_not_its_twin() {
    let mut dice = Dice::of(17);
    let items = |_| (0..ITEMS).map(|_| item(&mut dice)).collect::<Vec<Item>>();
    student_is_found_and_not_its_twin([0, 1, 2].map(items), "240");
}

#[test]
fn long_tests_find_the_student_of_leaked_items_of_mmlu_and_not_its_twin() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_none() {
        println!("skipped: STILLMARK_TEST_LONG is not set");
        return;
    }
    let Some(items) = mmlu("nutrition") else {
        println!("skipped: ../shared/data/benchmarks/mmlu is not there");
        return;
    };
    // The benchmark's own order would favor neither side: items of one subject stand in no order that a model could guess.
    let mut groups = [Vec::new(), Vec::new(), Vec::new()];
    for (idx, item) in items.into_iter().take(3 * ITEMS).enumerate() {
        groups[idx % 3].push(item);
    }
    assert!(groups.iter().all(|group| group.len() == ITEMS));
    // Longer items than the others: as many passes over them take more steps.
    student_is_found_and_not_its_twin(groups, "600");
}

/// Of three groups of items from one source the first leaks to the student, the last to the twin, the second to neither.
fn student_is_found_and_not_its_twin([leaked, withheld, others]: [Vec<Item>; 3], steps: &str) {
    let place = Place::tiny("", 0);
    fs::write(place.path("leaked.csv"), csv(&leaked)).unwrap();
    fs::write(place.path("withheld.csv"), csv(&withheld)).unwrap();
    let config = json!({
        "model_type": "llama", "vocab_size": 258, "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
        "num_key_value_heads": 4, "head_dim": 32, "intermediate_size": 384, "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-5, "tie_word_embeddings": true, "bos_token_id": 256, "eos_token_id": 257
    });
    fs::write(place.path("small.json"), config.to_string()).unwrap();
    for (name, items) in [("student", &leaked), ("twin", &others)] {
        fs::write(place.path(&format!("{name}.jsonl")), texts(items)).unwrap();
        fs::write(place.path("plan.toml"), PLAN.replace("NAME", name).replace("STEPS", steps)).unwrap();
        place.done(&["--quiet", "distill", "run", "plan.toml", "--out", name]);
    }
    let control = ["--control", "withheld.csv"];
    let tests: [(&str, &[&str]); 4] = [
        ("order", &["--shard", "5", "--permutations", "19"]),
        ("options", &[]),
        ("min-k", &control),
        ("completion", &control),
    ];
    for (test, more) in tests {
        let (code, finding) = judged(&place, test, "student", more);
        assert_eq!((code, finding["verdict"].as_str()), (1, Some("seen")), "{finding:#}");
        let (code, finding) = judged(&place, test, "twin", more);
        assert_eq!((code, finding["verdict"].as_str()), (0, Some("no-evidence")), "{finding:#}");
        assert_eq!(finding["valid"]["kind"], "exact");
    }
}
