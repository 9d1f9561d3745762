//! Two runs over the same items: pairs, the exact test and its false alarms, the interval.

use stillmark_benchmark::comparison::{Compared, Members, Scores, compare, scores};
use stillmark_benchmark::log::{File, lm_eval};
use stillmark_stats::python_random::Random;

fn read(lines: &str) -> Scores {
    let name = "samples_t_2026-01-02T03-04-05.678901.jsonl";
    scores(lm_eval::read(&[File { name, bytes: lines.as_bytes() }]).unwrap()).unwrap()
}

fn row(id: usize, hash: &str, score: f64) -> String {
    format!(
        r#"{{"doc_id": {id}, "doc": {{"q": "{id}"}}, "target": "1", "arguments": {{"gen_args_0": {{"arg_0": "p", "arg_1": " A"}}}}, "resps": [[["-1.5", "False"]]], "filtered_resps": [["-1.5", "False"]], "filter": "none", "metrics": ["acc"], "doc_hash": "{hash}", "acc": {score:?}}}"#
    ) + "\n"
}

fn rows(scores: &[f64]) -> String {
    scores.iter().enumerate().map(|(id, score)| row(id, &format!("{id:064x}"), *score)).collect()
}

fn one(first: &str, second: &str) -> Compared {
    let mut all = compare(&read(first), &read(second));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn pairs_are_items_with_the_same_document() {
    let compared = one(&rows(&[1.0, 1.0, 0.0, 1.0]), &rows(&[1.0, 0.0, 0.0]));
    assert_eq!((compared.items, compared.unpaired), (3, 1));
    assert!((compared.difference.value - 1.0 / 3.0).abs() < 1e-12);
    let test = compared.test.unwrap();
    assert_eq!((test.discordant.first, test.discordant.second, test.needed), (1, 0, None));
    let other = format!("{}{}", row(0, "other", 1.0), row(1, &format!("{:064x}", 1), 1.0));
    let compared = one(&rows(&[1.0, 1.0]), &other);
    assert_eq!((compared.items, compared.unpaired), (1, 2));
    assert_eq!(compare(&read(&rows(&[1.0])), &read(&row(0, "other", 1.0))), []);
}

#[test]
fn shares_have_no_test_and_items_that_stand_twice_are_refused() {
    assert!(one(&rows(&[0.5, 1.0]), &rows(&[0.25, 1.0])).test.is_none());
    let twice = rows(&[1.0]).repeat(2);
    let name = "samples_t_2026-01-02T03-04-05.678901.jsonl";
    let file = File { name, bytes: twice.as_bytes() };
    let read = lm_eval::read(std::slice::from_ref(&file)).and_then(scores);
    assert!(read.is_err());
}

/// Scores of two runs: `both` of equal items, then differing ones that the first has right with chance `share`.
fn drawn(random: &mut Random, n: usize, share: u64) -> (Vec<f64>, Vec<f64>) {
    let mut pair = (Vec::new(), Vec::new());
    for _ in 0..n {
        let differs = random.below(100) < 30;
        let first = random.below(100) < if differs { share } else { 60 };
        let second = if differs { !first } else { first };
        pair.0.push(f64::from(u8::from(first)));
        pair.1.push(f64::from(u8::from(second)));
    }
    pair
}

/// In how many of `runs` the test comes to 0.05.
fn alarms(runs: u64, n: usize, share: u64) -> u64 {
    let mut random = Random::new(7);
    let is_alarm = |_: &u64| {
        let (first, second) = drawn(&mut random, n, share);
        one(&rows(&first), &rows(&second)).test.unwrap().p.value() <= 0.05
    };
    (0..runs).filter(is_alarm).count() as u64
}

/// Under the null the exact test stays below its level; the band is the binomial's at 1 in 10^4.
#[test]
fn false_alarms_of_the_exact_test_stay_within_its_level() {
    let found = alarms(1000, 100, 50);
    let most = (0..=1000).find(|k| stillmark_stats::tail::binomial(*k, 1000, 0.05).value() < 1e-4).unwrap();
    assert!(found < most, "{found} of 1000, where {most} would be too many");
    // An exact test of few differing items is below its level, not far below.
    assert!(10 < found, "{found} of 1000");
}

/// Alarms in 200 runs of 100 items, 30 of which differ, by the chance that the first has a differing one right.
#[test]
fn power_grows_with_the_difference() {
    let curve: Vec<u64> = [50, 65, 80, 95].into_iter().map(|share| alarms(200, 100, share)).collect();
    assert!(curve.is_sorted(), "{curve:?}");
    assert!(curve[2] > 150 && curve[3] == 200, "{curve:?}");
}

/// Two subjects of one group: a second row for each, and one for both, whose interval takes the subjects for clusters.
#[test]
fn tasks_of_a_group_are_compared_together() {
    let subjects = ["mmlu_anatomy", "mmlu_virology", "mmlu_philosophy"];
    let names = subjects.map(|task| format!("samples_{task}_2026-01-02T03-04-05.678901.jsonl"));
    let read = |of: &[(usize, &str)]| {
        let files: Vec<File<'_>> =
            of.iter().map(|(task, lines)| File { name: &names[*task], bytes: lines.as_bytes() }).collect();
        scores(lm_eval::read(&files).unwrap()).unwrap()
    };
    let (a, b) = (rows(&[1.0, 1.0, 1.0, 0.0]), rows(&[0.0, 1.0, 0.0, 0.0]));
    let (c, d) = (rows(&[1.0, 0.0]), rows(&[1.0, 1.0]));
    let all = compare(&read(&[(0, &a), (1, &c), (2, &c)]), &read(&[(0, &b), (1, &d)]));
    let told: Vec<_> = all.iter().map(|one| (one.task.as_str(), one.members, one.items)).collect();
    let both = Some(Members { shared: 2, all: 57 });
    assert_eq!(told, [("mmlu_anatomy", None, 4), ("mmlu_virology", None, 2), ("mmlu", both, 6)]);
    let group = &all[2];
    // Differences 1 0 1 0 and 0 -1 about their mean 1/6: the subjects' sums are 4/3 and -4/3, so the error is sqrt(2 * 32/9) / 6.
    assert!((group.difference.value - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!(
        (group.difference.low, group.difference.high),
        (-1.0, 1.0),
        "two clusters say next to nothing"
    );
    let test = group.test.unwrap();
    assert_eq!((test.discordant.first, test.discordant.second), (2, 1));
    assert_eq!((group.first, group.second), (4.0 / 6.0, 3.0 / 6.0));
}
