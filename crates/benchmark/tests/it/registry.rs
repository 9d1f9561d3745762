//! The pins, made anew from the data that they were made of.

use std::fs;
use std::path::Path;

use stillmark_benchmark::record::Subset;
use stillmark_benchmark::registry::{self, Naming};

use crate::shared;

/// A pin, the data it is made of, and how its subset is called where the files do not say it.
struct Made {
    name: &'static str,
    title: &'static str,
    data: &'static str,
    extension: &'static str,
    subset: Option<&'static str>,
    split: &'static str,
}

const fn made(
    name: &'static str,
    title: &'static str,
    data: &'static str,
    subset: &'static str,
    split: &'static str,
) -> Made {
    Made { name, title, data, extension: "", subset: Some(subset), split }
}

const MADE: [Made; 11] = [
    made("arc_challenge", "ARC-Challenge, test", "arc/arc_challenge.jsonl", "arc_challenge", "test"),
    made("arc_easy", "ARC-Easy, test", "arc/arc_easy.jsonl", "arc_easy", "test"),
    Made {
        name: "bbh",
        title: "BIG-Bench Hard, 27 tasks",
        data: "bbh/bbh",
        extension: "json",
        subset: None,
        split: "test",
    },
    made("gsm8k", "GSM8K, test", "gsm8k/test.jsonl", "gsm8k", "test"),
    made("gsm8k-train", "GSM8K, train", "gsm8k/train.jsonl", "gsm8k", "train"),
    made(
        "hellaswag",
        "HellaSwag, validation",
        "hellaswag/hellaswag_val_full.txt.bz2",
        "hellaswag",
        "validation",
    ),
    made("humaneval", "HumanEval", "humaneval/HumanEval.jsonl.gz", "humaneval", "test"),
    Made {
        name: "mmlu",
        title: "MMLU, test, 57 subjects",
        data: "mmlu/test",
        extension: "csv",
        subset: None,
        split: "test",
    },
    Made {
        name: "mmlu-dev",
        title: "MMLU, dev, 57 subjects",
        data: "mmlu/dev",
        extension: "csv",
        subset: None,
        split: "dev",
    },
    Made {
        name: "truthfulqa",
        title: "TruthfulQA v1, 817 questions, multiple choice",
        data: "truthfulqa/data/v1/mc_task.json",
        extension: "",
        subset: None,
        split: "validation",
    },
    Made {
        name: "truthfulqa-2025",
        title: "TruthfulQA of 2025, 790 questions, multiple choice",
        data: "truthfulqa/data/mc_task.json",
        extension: "",
        subset: None,
        split: "validation",
    },
];

impl Made {
    fn subsets(&self) -> Option<Vec<Subset>> {
        let copy = shared::copy(self.data, self.extension)?;
        assert_eq!(copy.notes.first(), None, "{}", self.name);
        let rename = |subset: Subset| Subset {
            name: self.subset.map_or(subset.name, str::to_owned),
            split: self.split.to_owned(),
            records: subset.records,
        };
        Some(copy.subsets.into_iter().map(rename).collect())
    }
}

/// Made anew they are the same bytes; `STILLMARK_PIN=overwrite` writes them.
#[test]
fn pins_are_made_of_the_data() {
    for made in &MADE {
        let Some(subsets) = made.subsets() else { return };
        let naming = Naming { name: made.name.to_owned(), title: made.title.to_owned() };
        let bytes = registry::pin(&naming, &subsets).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry").join(format!("{}.pin", made.name));
        if std::env::var_os("STILLMARK_PIN").is_some_and(|word| word == "overwrite") {
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::read(&path).unwrap() == bytes, "{} was not made of the data", path.display());
        assert!(bytes.len() < 1_000_000, "{} is {} bytes", path.display(), bytes.len());
    }
}

#[test]
fn every_pin_can_be_read_and_has_the_known_number_of_records() {
    let counts = [1172, 2376, 6511, 1319, 7473, 10042, 164, 14042, 285, 2 * 817, 2 * 790];
    let found: Vec<usize> = registry::names().map(|name| registry::find(name).unwrap().n()).collect();
    assert_eq!(found, counts);
}
