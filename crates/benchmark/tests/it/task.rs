//! Recipes, against what lm-evaluation-harness itself does (docs/spec/evaluation-recipe.md).

use std::path::Path;

use serde_json::Value;
use stillmark_benchmark::record::{Answer, Record, Subset};
use stillmark_benchmark::task::{self, Chat, Extract, Output, Setting, Shots};
use stillmark_stats::python_random::Random;

fn vectors(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/evaluation-recipe");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap();
    assert_eq!(vectors["expect"], "success", "{name}");
    vectors
}

fn open(question: &str, gold: &str) -> Record {
    Record { context: None, question: question.to_owned(), answer: Answer::Open { gold: gold.to_owned() } }
}

fn choice(question: &str, choices: [&str; 4], gold: usize) -> Record {
    let choices = choices.map(str::to_owned).to_vec();
    Record {
        context: None,
        question: question.to_owned(),
        answer: Answer::Choice { choices, gold: vec![gold] },
    }
}

#[test]
fn filters_and_exact_match_say_what_the_harness_says() {
    for entry in vectors("filters.json")["tasks"].as_array().unwrap() {
        let name = entry["task"].as_str().unwrap();
        let task = task::find(name).unwrap();
        let record = open(entry["question"].as_str().unwrap(), entry["gold"].as_str().unwrap());
        for case in entry["cases"].as_array().unwrap() {
            let answer = case["answer"].as_str().unwrap();
            let scores = task.score_text(&record, answer).unwrap();
            let ours: Vec<Value> =
                scores.iter().map(|s| serde_json::json!([s.filter, s.filtered, s.value])).collect();
            assert_eq!(&Value::Array(ours), &case["filtered"], "{name}: {answer:?}");
        }
    }
}

#[test]
fn samples_are_those_of_cpython() {
    for entry in vectors("samples.json")["samples"].as_array().unwrap() {
        let number = |field: &str| entry[field].as_u64().unwrap();
        let mut random = Random::new(number("seed"));
        for draw in entry["draws"].as_array().unwrap() {
            let ours = random.sample(number("n") as usize, number("k") as usize);
            assert_eq!(&serde_json::json!(ours), draw, "{entry}");
        }
    }
}

#[test]
fn every_task_is_found_its_patterns_compile_and_every_group_leads_to_tasks() {
    let names = task::names();
    assert_eq!(names.len(), 9 + 57 + 4 * 27);
    for name in names {
        let task = task::find(&name).unwrap();
        assert_eq!(task.name, name);
        let Output::Text { filters, .. } = &task.output else { continue };
        for filter in filters {
            match &filter.extract {
                Extract::Match(pattern, _) | Extract::Letter(pattern, _) | Extract::Number(pattern, _) => {
                    assert!(pattern.compiles(), "{name}: {}", pattern.source());
                }
                Extract::Mapped(whole, _, values) => {
                    assert!(
                        whole.compiles() && values.iter().all(|(pattern, _)| pattern.compiles()),
                        "{name}"
                    );
                }
                Extract::Whole | Extract::After { .. } | Extract::Words | Extract::Program => {}
            }
        }
    }
    let leads_to_tasks =
        |name: &str| task::group(name).unwrap().members.iter().all(|m| task::find(m).is_some());
    assert!(["mmlu_stem", "mmlu_other", "bbh", "bbh_zeroshot"].into_iter().all(leads_to_tasks));
    assert_eq!(task::group("mmlu").unwrap().members.len(), 4);
    assert!(task::find("mmlu_astrology").is_none() && task::group("gsm8k").is_none());
}

#[test]
fn choices_are_scored_as_the_harness_scores_them() {
    let task = task::find("arc_challenge").unwrap();
    let record = choice("Which?", ["a", "a long answer", "bb", "cc"], 1);
    let score = |lls: &[f64]| -> Vec<f64> {
        task.score_choices(&record, lls).unwrap().iter().filter_map(|score| score.value).collect()
    };
    assert_eq!(score(&[-2.0, -4.0, -3.0, -3.0]), [0.0, 1.0]);
    assert_eq!(score(&[-5.0, -1.0, -1.0, -9.0]), [1.0, 1.0]);
    // Of equals the first is taken, and what is no number counts as the largest.
    assert_eq!(score(&[-1.0, -1.0, -1.0, -1.0]), [0.0, 1.0]);
    assert_eq!(score(&[-1.0, f64::NAN, -1.0, -1.0]), [1.0, 1.0]);
    assert!(task.score_choices(&record, &[-1.0]).is_err());
}

#[test]
fn what_a_task_cannot_ask_is_an_error() {
    let open = open("How many?", "#### 3");
    assert!(task::find("mmlu_anatomy").unwrap().prompt(&open, &[]).is_err());
    let three = Record {
        answer: Answer::Choice { choices: vec!["a".into(), "b".into(), "c".into()], gold: vec![0] },
        ..open.clone()
    };
    assert!(task::find("mmlu_anatomy").unwrap().prompt(&three, &[]).is_err());
    assert!(task::find("arc_easy").unwrap().prompt(&three, &[]).is_ok());
    let gsm8k = task::find("gsm8k").unwrap();
    assert!(Shots::new(&gsm8k, std::slice::from_ref(&open), 5, 1234).is_err());
    assert!(Shots::new(&gsm8k, &[], 0, 1234).is_ok());
    assert!(task::shots_of_cot_prompts(&task::find("bbh_fewshot_navigate").unwrap(), "no line").is_err());
}

#[test]
fn a_recipe_changes_with_everything_that_decides_a_score() {
    let task = task::find("mmlu_anatomy").unwrap();
    let plain = Setting {
        shots: 1,
        shot_leaves: vec!["a".into(), "b".into()],
        seed: 1234,
        limit: None,
        chat: Chat::No,
    };
    let digest = plain.digest(&task);
    let chat = Chat::Template { template_sha256: "00".into(), system: None };
    let told = Chat::Template { template_sha256: "00".into(), system: Some("Be brief.".into()) };
    for other in [
        Setting { shots: 2, ..plain.clone() },
        Setting { shot_leaves: vec!["b".into(), "b".into()], ..plain.clone() },
        Setting { seed: 1, ..plain.clone() },
        Setting { limit: Some(10), ..plain.clone() },
        Setting { chat, ..plain.clone() },
        Setting { chat: told, ..plain.clone() },
    ] {
        assert_ne!(other.digest(&task), digest, "{other:?}");
    }
    assert_ne!(plain.digest(&task::find("mmlu_virology").unwrap()), digest);
    // An example that is never shown decides nothing.
    assert_eq!(Setting { shot_leaves: vec!["a".into(), "c".into()], ..plain }.digest(&task), digest);
}

/// The files of the data that hold what a task asks and shows.
fn files(task: &str) -> Vec<(String, &'static str)> {
    let of = |name: &str, extension| (name.to_owned(), extension);
    match task {
        "gsm8k" | "gsm8k_cot" => vec![of("gsm8k", "jsonl")],
        "hellaswag" => vec![of("hellaswag/hellaswag_val_full.txt.bz2", "bz2")],
        _ if task.starts_with("arc_") => vec![(format!("arc/{task}.jsonl"), "jsonl")],
        _ if task.starts_with("truthfulqa") => vec![of("truthfulqa/data/v1/mc_task.json", "json")],
        _ => {
            if let Some(subject) = task.strip_prefix("mmlu_") {
                let file = |split| (format!("mmlu/{split}/{subject}_{split}.csv"), "csv");
                return ["test", "dev"].map(file).to_vec();
            }
            vec![(format!("bbh/bbh/{}.json", task::find(task).unwrap().subset), "json")]
        }
    }
}

#[test]
fn prompts_are_those_that_the_harness_logs() {
    let hash = |text: &str| stillmark_evidence::Digest::of(text.as_bytes()).to_string();
    for entry in vectors("prompts.json")["prompts"].as_array().unwrap() {
        let (name, count) = (entry["task"].as_str().unwrap(), entry["shots"].as_u64().unwrap() as usize);
        let task = task::find(name).unwrap();
        let copies: Option<Vec<_>> =
            files(name).iter().map(|(file, extension)| crate::shared::copy(file, extension)).collect();
        let Some(copies) = copies else { continue };
        let subsets: Vec<_> = copies.into_iter().flat_map(|copy| copy.subsets).collect();
        let of = |part: &str| {
            let is_named = |subset: &&Subset| subset.name == task.subset;
            let any_is = subsets.iter().any(|subset| is_named(&subset));
            let named = subsets.iter().filter(|subset| !any_is || is_named(subset));
            named.clone().find(|subset| subset.split == part).or_else(|| named.clone().next()).unwrap()
        };
        let pool = match &task.shot_source {
            task::ShotSource::Fixed(records) => records.clone(),
            task::ShotSource::Split(split) => of(split).records.clone(),
            task::ShotSource::CotPrompts => {
                let place = crate::shared::data(&format!("bbh/{}", task::cot_prompts(&task.subset))).unwrap();
                task::shots_of_cot_prompts(&task, &std::fs::read_to_string(place).unwrap()).unwrap()
            }
        };
        let mut shots = Shots::new(&task, &pool, count, 1234).unwrap();
        for (idx, row) in entry["rows"].as_array().unwrap().iter().enumerate() {
            let record = &of(task.split).records[idx];
            let shown: Vec<&Record> = shots.next_for(record).into_iter().map(|idx| &pool[idx]).collect();
            let prompt = task.prompt(record, &shown).unwrap();
            assert_eq!(
                hash(&prompt.context),
                row[0].as_str().unwrap(),
                "{name}, {count} shots, record {idx}"
            );
            assert_eq!(
                hash(&task.template.target(record).unwrap()),
                row[1].as_str().unwrap(),
                "{name} {idx}"
            );
            if let Some(choices) = row[2].as_str() {
                assert_eq!(hash(&prompt.continuations.join("\n")), choices, "{name} {idx}");
            }
        }
    }
}

/// What `lm_eval.api.metrics` 0.4.13 makes of the same three tasks: `aggregate_subtask_metrics` and `pooled_sample_stderr`.
#[test]
fn averages_are_those_of_the_harness_and_their_intervals_take_tasks_for_clusters() {
    let values: Vec<Vec<f64>> = [(40, 135), (60, 166), (100, 306)]
        .map(|(right, n)| (0..n).map(|idx| f64::from(u8::from(idx < right))).collect())
        .to_vec();
    let tasks = ["mmlu_anatomy", "mmlu_virology", "mmlu_nutrition"];
    let scored: Vec<task::Scored<'_>> = tasks
        .iter()
        .zip(&values)
        .map(|(task, values)| task::Scored { task, metric: "acc", filter: "none", values })
        .collect();
    let group = task::group("mmlu").unwrap();
    let found = task::averages(&group, tasks.map(str::to_owned).to_vec(), &scored).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} against {b}");
    assert_eq!(found.records, 607);
    close(found.micro.mean, 0.329_489_291_598_023_04);
    close(found.by_task.mean, 0.328_179_821_683_247_16);
    close(found.pooled_stderr, 0.019_102_292_006_964_24);
    close(found.micro.stderr, 0.014_109_352_253_087_546);
    close(found.micro.degrees, 2.0);
    close(found.by_task.stderr, 0.018_819_734_817_968_6);
    assert_eq!(task::averages(&group, vec!["mmlu_astronomy".to_owned()], &scored), None);
    assert_eq!(task::averages(&group, Vec::new(), &scored), None);
}

#[test]
fn a_group_holds_what_the_harness_lists_in_its_order() {
    let mmlu = task::group("mmlu").unwrap();
    let names: Vec<String> = task::within("mmlu").into_iter().map(|group| group.name).collect();
    let categories = ["mmlu_stem", "mmlu_other", "mmlu_social_sciences", "mmlu_humanities"];
    assert_eq!(names, [&categories[..], &["mmlu"]].concat());
    let leaves = task::leaves(&mmlu);
    assert_eq!((leaves.len(), leaves[0].as_str()), (57, "mmlu_abstract_algebra"));
    assert_eq!(task::within("mmlu_anatomy"), []);
    for name in task::group_names() {
        let group = task::group(name).unwrap();
        assert!(task::leaves(&group).iter().all(|task| task::find(task).is_some()), "{name}");
    }
}
