//! Reading what harnesses left.

use stillmark_benchmark::json;
use stillmark_benchmark::log::{File, Response, lm_eval};

const RESULTS: &str = r#"{"results": {"t": {"alias": "t", "acc,none": 0.5, "acc_stderr,none": 0.5, "f1,none": NaN}},
 "group_subtasks": {"t": []}, "configs": {"t": {"num_fewshot": 2}}, "n-shot": {"t": 2},
 "n-samples": {"t": {"original": 9, "effective": 2}}, "config": {"limit": 2, "fewshot_seed": 1234}, "lm_eval_version": "0.4.9"}"#;

fn row(id: u64, rest: &str) -> String {
    format!(
        r#"{{"doc_id": {id}, "doc": {{"q": "é\n", "n": [1.0, 2e-5]}}, "target": "1", "resps": [[["-1.5", "False"]], [["-0.5", "True"]]], "filtered_resps": [["-1.5", "False"], ["-0.5", "True"]], "acc": 1.0{rest}}}"#
    )
}

#[test]
fn a_pair_is_found_by_folder_and_stamp() {
    let new = row(
        0,
        r#", "metrics": ["acc"], "filter": "none", "arguments": {"gen_args_0": {"arg_0": "p", "arg_1": " A"}, "gen_args_1": {"arg_0": ["p"], "arg_1": " B"}}"#,
    );
    let old = row(1, r#", "arguments": [["p", " A"], ["p", " B"]]"#);
    let samples = format!("{new}\n{old}\n");
    let files = [
        File { name: "x/samples_t_2026-01-02T03-04-05.678901.jsonl", bytes: samples.as_bytes() },
        File { name: "x/results_2026-01-02T03-04-05.678901.json", bytes: RESULTS.as_bytes() },
    ];
    let runs = lm_eval::read(&files).unwrap();
    assert_eq!(runs.len(), 1);
    let log = runs.into_iter().next().unwrap().logs.remove(0);
    assert_eq!(log.about.task, "t");
    assert_eq!(log.about.setup.shots, Some(2));
    assert_eq!(log.about.setup.limit, Some(2.0));
    assert_eq!(log.about.counts.unwrap().original, 9);
    assert_eq!(log.about.claims[0].stderr, Some(0.5));
    assert!(log.about.claims[1].value.is_nan());
    let rows: Vec<_> = log.rows.unwrap().map(Result::unwrap).collect();
    for row in &rows {
        assert_eq!(row.scores.len(), 1, "{row:?}");
        assert_eq!(row.score("acc"), Some(1.0));
        assert_eq!(row.requests.len(), 2);
        assert_eq!(row.requests[1].prompt.get(), "p");
        assert!(row.requests[1].continuation.as_ref().unwrap().is(" B"));
        assert!(matches!(row.filtered[1], Response::Likelihood { ln: -0.5, greedy: Some(true) }));
    }
    let mut spelled = String::new();
    rows[0].doc.as_ref().unwrap().write_indented(&mut spelled);
    assert_eq!(spelled, "{\n  \"q\": \"é\\n\",\n  \"n\": [\n    1.0,\n    2e-5\n  ]\n}");
}

#[test]
fn damage_is_told_with_its_place() {
    let check = |text: &str, expected: &str| {
        let files = [File { name: "samples_t.jsonl", bytes: text.as_bytes() }];
        let found = lm_eval::read(&files).and_then(|mut runs| {
            runs.remove(0).logs.remove(0).rows.unwrap().collect::<Result<Vec<_>, _>>().map(drop)
        });
        assert_eq!(found.unwrap_err().to_string(), expected);
    };
    let good = row(0, "");
    check(
        &format!("{good}\n{{\"doc_id\": 1, \"target\": \"abc"),
        "lm-eval samples, samples_t.jsonl, line 2, byte 29: it ends within a string",
    );
    check(
        "{\"doc_id\": 1, \"doc_id\": 2}",
        "lm-eval samples, samples_t.jsonl, line 1, byte 15: the same key stands twice in one object",
    );
    check("[[", "lm-eval samples, samples_t.jsonl, line 1, byte 3: it ends where a value was expected");
    check("3", "lm-eval samples, samples_t.jsonl, line 1: a sample must be one JSON object");
    check("{}", "lm-eval samples, samples_t.jsonl, line 1: no field `doc_id`");
    let deep = format!("{{\"doc_id\": {}", "[".repeat(100_000));
    check(&deep, "lm-eval samples, samples_t.jsonl, line 1, byte 76: values lie too deep within one another");
    let files = [File { name: "a.jsonl", bytes: b"{}\n\xff{}\n" }];
    let rows = lm_eval::read(&files).unwrap().remove(0).logs.remove(0).rows.unwrap();
    let last = rows.last().unwrap().unwrap_err().to_string();
    assert_eq!(last, "lm-eval samples, a.jsonl, line 2: it is not text in UTF-8");
}

#[test]
fn strings_are_read_and_spelled_as_python_does() {
    for (raw, plain, spelled) in [
        (r#""\u00e9\ud83d\ude00\/\t\u0001""#, "é😀/\t\u{1}", r#""é😀/\t\u0001""#),
        (r#""a\"\\b\b\f\r\n\u007f""#, "a\"\\b\u{8}\u{c}\r\n\u{7f}", "\"a\\\"\\\\b\\b\\f\\r\\n\u{7f}\""),
        ("\"\"", "", "\"\""),
    ] {
        let value = json::parse(raw).unwrap();
        assert_eq!(value.string().unwrap(), plain);
        let mut out = String::new();
        value.write_indented(&mut out);
        assert_eq!(out, spelled);
    }
    for broken in
        [r#""\ud83d""#, r#""\x""#, r#""\u12g4""#, "01", "1.", "-", "nul", "[1,]", "{\"a\" 1}", "1 2", ""]
    {
        assert!(json::parse(broken).is_err(), "{broken}");
    }
    assert!(json::parse("[NaN, -Infinity, Infinity]").unwrap().items()[1].number().unwrap().is_infinite());
}

#[test]
fn a_line_longer_than_any_row_is_told_before_it_is_read() {
    let long = format!("{}\n[{}", row(0, ""), "1,".repeat(33 << 20));
    let file = File { name: "samples_a.jsonl", bytes: long.as_bytes() };
    let mut lines = file.lines("a log");
    assert!(lines.next().unwrap().is_ok());
    let told = lines.next().unwrap().unwrap_err().to_string();
    assert!(told.contains("samples_a.jsonl, line 2") && told.contains("64 MiB"), "{told}");
}
