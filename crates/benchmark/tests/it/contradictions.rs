//! Logs that contradict themselves, beside twins that do not.

use std::collections::BTreeSet;

use stillmark_benchmark::audit::Class;
use stillmark_benchmark::json::{self, Value};
use stillmark_benchmark::log::packed;
use stillmark_evidence::audit::{Audit, Verdict};

use crate::audit::{audited, logs};
use crate::forge::{Log, gold, quoted, with};

const MMLU: &str = "mmlu_anatomy";
const GSM8K: &str = "gsm8k";

fn opened(task: &'static str) -> Option<Log> {
    Some(Log::of(&logs()?, if task == GSM8K { "generated" } else { "full" }, task))
}

/// Audits a changed log, naively and with every digest made to fit.
fn check(
    what: &str,
    task: &'static str,
    change: impl Fn(&mut Log),
    expected: Option<Class>,
) -> Option<Audit> {
    let mut log = opened(task)?;
    change(&mut log);
    let naive = audited(&log.into_files());
    let mut log = opened(task)?;
    change(&mut log);
    log.rehash();
    let audit = audited(&log.into_files());
    let found: BTreeSet<&str> = audit.findings.iter().map(|found| found.class.as_str()).collect();
    let expected: BTreeSet<&str> = expected.iter().map(|class| class.code()).collect();
    assert_eq!(found, expected, "{what}: {:?}", audit.findings.first());
    let of_naive: BTreeSet<&str> = naive.findings.iter().map(|found| found.class.as_str()).collect();
    assert!(of_naive.is_superset(&expected), "{what}, naively: {of_naive:?}");
    Some(audit)
}

/// A row whose settings beside the request are changed.
fn set_beside(row: &Value<'_>, settings: &str) -> String {
    let arguments = row.get("arguments").unwrap();
    let call = |(key, call): &(json::Text<'_>, Value<'_>)| {
        format!("{}: {}", quoted(&key.get()), with(call.raw, &[("arg_1", settings.to_owned())]))
    };
    let calls = arguments.members().iter().map(call).collect::<Vec<_>>().join(", ");
    with(row.raw, &[("arguments", format!("{{{calls}}}"))])
}

fn answered(row: &Value<'_>, times: usize) -> String {
    let said = row.get("resps").unwrap().items()[0].items()[0].raw;
    with(row.raw, &[("resps", format!("[[{}]]", vec![said; times].join(", ")))])
}

#[test]
fn generation_settings_that_do_not_stand_beside_the_answers_are_told() {
    const WHOLE: &str =
        r#"{"until": ["Question:", "</s>", "<|im_end|>"], "do_sample": false, "temperature": 0.0}"#;
    const SAMPLED: &str =
        r#"{"until": ["Question:", "</s>", "<|im_end|>"], "do_sample": true, "temperature": 0.9}"#;
    const BEST_OF: &str = r#"{"until": ["Question:", "</s>", "<|im_end|>"], "do_sample": false, "temperature": 0.0, "best_of": 16}"#;
    let changed = Some(Class::SettingsChanged);
    let beside =
        |settings: &'static str| move |log: &mut Log| log.rewrite(|_, row| Some(set_beside(row, settings)));
    check("emptied beside every answer", GSM8K, beside("{}"), changed);
    check("one is gone", GSM8K, beside(r#"{"do_sample": false, "temperature": 0.0}"#), changed);
    check("none at all", GSM8K, beside("null"), changed);
    check(
        "emptied where the score is 1",
        GSM8K,
        |log| {
            log.rewrite(|_, row| {
                (row.get("exact_match")?.number() == Some(1.0)).then(|| set_beside(row, "{}"))
            });
        },
        changed,
    );
    check(
        "gone from the configuration",
        GSM8K,
        |log| {
            beside(SAMPLED)(log);
            log.set(&["configs", GSM8K, "generation_kwargs"], "{}");
        },
        changed,
    );
    check(
        "one more, in both",
        GSM8K,
        |log| {
            beside(BEST_OF)(log);
            log.set(&["configs", GSM8K, "generation_kwargs"], BEST_OF);
        },
        changed,
    );
    check(
        "one more, as the command line says",
        GSM8K,
        |log| {
            beside(BEST_OF)(log);
            log.set(&["configs", GSM8K, "generation_kwargs"], BEST_OF);
            log.set(&["config", "gen_kwargs"], r#"{"best_of": 16}"#);
        },
        None,
    );
    check("the twin", GSM8K, beside(WHOLE), None);
    // The first 0.4 versions put a temperature of 0 beside requests to some interfaces.
    check(
        "a temperature that was assumed",
        GSM8K,
        |log| {
            const UNTIL: &str = r#"{"until": ["Question:", "</s>", "<|im_end|>"], "do_sample": false}"#;
            log.set(&["configs", GSM8K, "generation_kwargs"], UNTIL);
            beside(WHOLE)(log);
        },
        None,
    );
}

#[test]
fn another_number_of_answers_than_is_said_is_told() {
    let changed = Some(Class::SettingsChanged);
    let eight = |log: &mut Log| log.rewrite(|_, row| Some(answered(row, 8)));
    check("eight answers, of which nothing says anything", GSM8K, eight, changed);
    check(
        "one answer where eight are said",
        GSM8K,
        |log| log.set(&["configs", GSM8K, "repeats"], "8"),
        changed,
    );
    let audit = check(
        "eight answers, as is said",
        GSM8K,
        |log| {
            eight(log);
            log.set(&["configs", GSM8K, "repeats"], "8");
        },
        None,
    );
    if let Some(audit) = audit {
        assert!(
            audit.departures.iter().any(|found| found.detail.contains("several times")),
            "{:?}",
            audit.departures
        );
    }
    // A process that has fewer questions than another asks its last one again.
    check(
        "a few more answers in the last row",
        GSM8K,
        |log| {
            log.rewrite(|idx, row| (idx == 59).then(|| answered(row, 3)));
        },
        None,
    );
}

#[test]
fn a_score_of_what_is_no_log_likelihood_is_not_derived() {
    for value in ["5.0", "nan", "inf"] {
        let audit = check(
            value,
            MMLU,
            |log| {
                log.rewrite(|idx, row| {
                    let pair = format!("[\"{value}\", \"True\"]");
                    let gold: usize = gold(row).parse().unwrap();
                    let kept = row.get("filtered_resps").unwrap().items();
                    let kept: Vec<&str> = kept
                        .iter()
                        .enumerate()
                        .map(|(at, kept)| if at == gold { pair.as_str() } else { kept.raw })
                        .collect();
                    let said: Vec<String> = kept.iter().map(|pair| format!("[{pair}]")).collect();
                    let changes = [
                        ("resps", format!("[{}]", said.join(", "))),
                        ("filtered_resps", format!("[{}]", kept.join(", "))),
                        ("acc", "1.0".to_owned()),
                    ];
                    (idx % 10 == 0).then(|| with(row.raw, &changes))
                });
                log.total();
            },
            None,
        );
        let Some(audit) = audit else { return };
        assert_eq!(audit.verdict, Verdict::Inconclusive, "{value}");
        assert!(audit.not_checked.iter().any(|open| open.why.contains("which no model gives")), "{value}");
        assert!(audit.scores.iter().all(|score| score.recomputed.is_none()), "{value}");
    }
}

#[test]
fn results_that_say_two_things_of_one_matter_are_told() {
    check("a version", MMLU, |log| log.set(&["versions", MMLU], "3.0"), Some(Class::MetricChanged));
    check("the same version", MMLU, |log| log.set(&["versions", MMLU], "1"), None);
    check("a version that is a word", MMLU, |log| log.set(&["versions", MMLU], "\"Yaml\""), None);
    check(
        "worked examples",
        GSM8K,
        |log| log.set(&["configs", GSM8K, "num_fewshot"], "8"),
        Some(Class::ShotsChanged),
    );
    check(
        "worked examples within the prompts",
        GSM8K,
        |log| {
            log.set(&["configs", GSM8K, "num_fewshot"], "0");
            log.set(&["configs", GSM8K, "metadata"], r#"{"version": 3.0, "num_fewshot": 5}"#);
        },
        None,
    );
    check(
        "a direction",
        MMLU,
        |log| log.set(&["higher_is_better", MMLU, "acc"], "false"),
        Some(Class::MetricChanged),
    );
    check(
        "a number of items",
        MMLU,
        |log| log.set(&["results", MMLU, "sample_len"], "99"),
        Some(Class::AggregateForged),
    );
    check(
        "a standard error",
        MMLU,
        |log| {
            log.set(&["results", MMLU, "acc_stderr,none"], "\"N/A\"");
        },
        Some(Class::AggregateForged),
    );
    check(
        "a standard error that was not asked for",
        MMLU,
        |log| {
            log.set(&["results", MMLU, "acc_stderr,none"], "\"N/A\"");
            log.set(&["config", "bootstrap_iters"], "0");
        },
        None,
    );
    check("the twin", MMLU, |_| (), None);
}

/// A row whose question is changed, in the item and in the prompts.
fn requestioned(row: &Value<'_>, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let question = row.get("doc").unwrap().get("question").unwrap().raw;
    let question = question[1..question.len() - 1].trim();
    Some(row.raw.replace(question, &change(question)?))
}

#[test]
fn a_fold_that_changes_a_number_is_an_edit_and_another_encoding_is_none() {
    let raised = |text: &str| text.contains('2').then(|| text.replacen('2', "²", 1));
    let quoted = |text: &str| text.contains('\'').then(|| text.replace('\'', "’"));
    check(
        "a superscript",
        GSM8K,
        |log| log.rewrite(|_, row| requestioned(row, raised)),
        Some(Class::SampleEdited),
    );
    check(
        "a superscript beside other quotation marks",
        GSM8K,
        |log| {
            log.rewrite(|_, row| requestioned(row, |text| quoted(text).and_then(|text| raised(&text))));
        },
        Some(Class::SampleEdited),
    );
    check("other quotation marks", GSM8K, |log| log.rewrite(|_, row| requestioned(row, quoted)), None);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let Some(log) = opened(MMLU) else { return };
    let files = log.into_files();
    let marked: Vec<(String, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.clone(), [&b"\xef\xbb\xbf"[..], bytes].concat())).collect();
    let (plain, marked) = (audited(&files), audited(&marked));
    assert_eq!(marked.findings, []);
    assert_eq!(marked.scores, plain.scores);
    assert!(!marked.scores.is_empty());
}

#[test]
fn what_unpacks_to_more_than_a_log_is_refused() {
    use std::io::Write as _;
    let packed = |text: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    };
    let name = "run/samples_gsm8k_2026-01-02T03-04-05.678901.jsonl.gz";
    assert_eq!(packed::plain_name(name), name.strip_suffix(".gz"));
    assert_eq!(packed::plain_name("weights.json.gz"), None);
    assert_eq!(packed::unpack(name, &packed(b"{}\n")).unwrap(), b"{}\n");
    let bomb = packed(&vec![b' '; 80 << 20]);
    let err = packed::unpack(name, &bomb).unwrap_err().to_string();
    assert!(err.contains("more than 64 MB"), "{err}");
    let cut = packed(b"{\"a\": 1}\n");
    assert!(packed::unpack(name, &cut[..cut.len() - 4]).is_err());
}

#[test]
fn the_first_items_without_a_score_of_the_whole_are_no_finding() {
    let rows_alone = |keep: &dyn Fn(usize) -> bool| {
        let mut log = opened(MMLU)?;
        log.keep(keep);
        Some(audited(&log.into_files()[1..]))
    };
    let Some(head) = rows_alone(&|idx| idx < 20) else { return };
    assert!(head.findings.is_empty(), "{:?}", head.findings);
    let gap = rows_alone(&|idx| idx < 20 && idx != 7).unwrap();
    assert_eq!(gap.findings[0].class, Class::SampleDropped.code());
    let tail = rows_alone(&|idx| 20 <= idx).unwrap();
    assert_eq!(tail.findings[0].class, Class::SampleDropped.code());
}
