//! Logs in the layout of older versions of the harness, and forgeries of them.

use std::collections::BTreeSet;

use stillmark_benchmark::audit::Class;
use stillmark_benchmark::json::Value;
use stillmark_evidence::audit::{Audit, Verdict};

use crate::audit::{audited, logs};
use crate::forge::{Log, gold};

const TASK: &str = "mmlu_anatomy";

/// A log with worked examples as lm-evaluation-harness 0.4.2 writes it: no version, no counts, and Jinja dropped the description's last line
/// feed. Its fraction of the items was made a number at another task: 17.
fn of_0_4_2(change: impl Fn(&Value<'_>, String) -> String) -> Option<Log> {
    let mut log = Log::of(&logs()?, "shots", TASK);
    log.set(&["lm_eval_version"], "null");
    log.set(&["n-samples"], "null");
    log.set(&["config", "limit"], "0.02");
    log.keep(|idx| idx < 17);
    log.reprompt(|_, row, prompt| change(row, prompt.replacen("\n\n", "\n", 1)));
    log.total();
    log.rehash();
    Some(log)
}

fn classes(audit: &Audit) -> BTreeSet<&str> {
    audit.findings.iter().map(|found| found.class.as_str()).collect()
}

#[test]
fn a_log_of_0_4_2_with_worked_examples_and_a_fraction_gives_no_finding() {
    let Some(log) = of_0_4_2(|_, prompt| prompt) else { return };
    let audit = audited(&log.into_files());
    assert_eq!(audit.findings, []);
    assert_eq!(audit.verdict, Verdict::Departs);
    assert!(audit.scores.iter().all(|score| score.n == 17 && score.recomputed.is_some()));
}

#[test]
fn what_is_put_into_a_prompt_of_0_4_2_is_told() {
    let letter = |row: &Value<'_>| ["A", "B", "C", "D"][gold(row).parse::<usize>().unwrap()];
    let leaked = of_0_4_2(|row, prompt| prompt.replacen('\n', &format!(" ({})\n", letter(row)), 1));
    let Some(leaked) = leaked else { return };
    assert_eq!(classes(&audited(&leaked.into_files())), BTreeSet::from([Class::KeyLeaked.code()]));
    let fewer = of_0_4_2(|_, prompt| {
        let [description, rest] = [0, 1].map(|part| prompt.splitn(2, '\n').nth(part).unwrap());
        format!("{description}\n{}", rest.split_once("\n\n").unwrap().1)
    });
    assert_eq!(classes(&audited(&fewer.unwrap().into_files())), BTreeSet::from([Class::ShotsChanged.code()]));
}

#[test]
fn items_picked_under_a_fraction_are_told() {
    let Some(mut log) = of_0_4_2(|_, prompt| prompt) else { return };
    log.keep(|idx| idx != 1);
    log.total();
    log.rehash();
    assert_eq!(classes(&audited(&log.into_files())), BTreeSet::from([Class::SamplePicked.code()]));
}
