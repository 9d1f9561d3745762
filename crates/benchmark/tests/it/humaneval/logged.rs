//! Programs in a log that lm-evaluation-harness 0.4.13 wrote over five problems of ours (`tests/cli/benchmark-code.in`).

use std::fs;
use std::path::Path;

use stillmark_benchmark::audit::Class;
use stillmark_benchmark::humaneval::logged::{Answers, Ended, answers, judge};
use stillmark_benchmark::log::{self, File};

const STAMP: &str = "2026-11-27T18-46-08.588984";

/// The answers in the log, with its samples changed.
fn with(edit: &dyn Fn(String) -> String) -> Answers {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/benchmark-code.in");
    let names = [format!("results_{STAMP}.json"), format!("samples_humaneval_{STAMP}.jsonl")];
    let texts = names.each_ref().map(|name| fs::read_to_string(folder.join(name)).unwrap());
    let samples = edit(texts[1].clone());
    let bytes = [texts[0].as_bytes(), samples.as_bytes()];
    let files = [0, 1].map(|idx| File { name: &names[idx], bytes: bytes[idx] });
    let logs = log::read(&files).unwrap().into_iter().flat_map(|run| run.logs);
    let mut found: Vec<Answers> = logs.filter_map(|log| answers(log).unwrap()).collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// What running the programs comes to: the second and the fifth are wrong.
const TRUE: [Ended; 5] = [Ended::Passed, Ended::Failed, Ended::Passed, Ended::Passed, Ended::Failed];

/// The classes of what is found, where the programs end so.
fn found(answers: &Answers, ended: [Ended; 5]) -> Vec<String> {
    let judged = judge(answers, &ended.map(|ended| vec![ended]));
    judged.findings.into_iter().map(|found| found.class).collect()
}

#[test]
fn a_genuine_log_holds_what_its_programs_do() {
    let answers = with(&|text| text);
    assert_eq!(answers.trials.len(), 5);
    assert!(answers.trials.iter().all(|trial| trial.broken.is_empty() && trial.recorded.len() == 1));
    let [program] = answers.trials[0].programs("nonce").try_into().unwrap();
    assert!(program.starts_with("def add(a, b):") && program.contains("\ncheck(add)\n"), "{program}");
    let judged = judge(&answers, &TRUE.map(|ended| vec![ended]));
    assert!(judged.findings.is_empty() && judged.not_checked.is_empty(), "{:?}", judged.findings);
    let [score] = judged.scores.as_slice() else { panic!("one score") };
    assert_eq!((score.metric.as_str(), score.claimed, score.recomputed), ("pass@1", Some(0.6), Some(0.6)));
}

#[test]
fn what_does_not_follow_from_running_is_found() {
    let genuine = with(&|text| text);
    let others = [Ended::Failed, Ended::Failed, Ended::Passed, Ended::Passed, Ended::Failed];
    assert_eq!(found(&genuine, others), ["score-forged"]);
    let raised = with(&|text| text.replace("\"pass@1\": 0.0", "\"pass@1\": 1.0"));
    assert_eq!(found(&raised, TRUE), ["score-forged", "score-forged"]);
    let all_raised = with(&|text| text.replace("\"pass@1\": 0.0", "\"pass@1\": 1.0"));
    assert_eq!(found(&all_raised, [Ended::Passed; 5]), ["aggregate-forged"]);
    let swapped = with(&|text| {
        text.replacen("\"filtered_resps\": [[\"def first", "\"filtered_resps\": [[\"def second", 1)
    });
    assert_eq!(found(&swapped, TRUE), [Class::AnswerForged.code()]);
    let other_test = with(&|text| {
        text.replacen("\"target\": \"def check(candidate):", "\"target\": \"def check(any):", 1)
    });
    assert_eq!(found(&other_test, TRUE), [Class::GoldFlipped.code()]);
}

#[test]
fn a_program_whose_time_was_over_accuses_nobody() {
    let genuine = with(&|text| text);
    let mut late = TRUE;
    late[0] = Ended::TimedOut;
    let judged = judge(&genuine, &late.map(|ended| vec![ended]));
    assert!(judged.findings.is_empty(), "{:?}", judged.findings);
    assert_eq!((judged.not_checked.len(), judged.scores[0].recomputed), (1, None));
}
