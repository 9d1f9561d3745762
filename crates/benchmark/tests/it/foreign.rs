//! Logs of other harnesses: Inspect's own (0.3.285 wrote those in `foreign/`, with a mock model), HELM's and OpenAI-style ones.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use stillmark_benchmark::log::scorer::Scorers;
use stillmark_benchmark::log::{File, Harness, Log, Response, Run, helm, inspect, openai};
use stillmark_benchmark::{Answer, Error};

fn eval(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/foreign").join(name)).unwrap()
}

fn only(mut run: Run<'_>) -> Log<'_> {
    assert_eq!(run.logs.len(), 1);
    run.logs.remove(0)
}

/// Reads all rows, and takes the mean and the scores anew; returns how many were.
fn derived(log: Log<'_>) -> (usize, usize) {
    let scorers = Scorers::of(&log.about);
    let (mut rows, mut checked) = (0, 0);
    let mut sums = vec![0.0; log.about.claims.len()];
    let mut counts = vec![0_u32; log.about.claims.len()];
    for sample in log.rows.unwrap() {
        let sample = sample.unwrap();
        rows += 1;
        for (at, claim) in
            log.about.claims.iter().enumerate().filter(|(_, claim)| claim.filter == sample.filter)
        {
            let stated = sample.score(&claim.metric).unwrap();
            sums[at] += stated;
            counts[at] += 1;
            if let Some(score) = scorers.score(&sample, &claim.metric) {
                assert_eq!(score, stated, "{} {}: {:?}", log.about.task, sample.id, sample.requests);
                checked += 1;
            }
        }
    }
    for ((claim, sum), count) in log.about.claims.iter().zip(sums).zip(counts) {
        assert!((claim.value - sum / f64::from(count)).abs() < 1e-12, "{claim:?}");
    }
    (rows, checked)
}

#[test]
fn every_mean_of_inspect_and_every_known_score_follows() {
    // Rows (one a scorer and epoch), and how many of their scores follow from the answer alone.
    for (name, rows, checked) in [
        ("anatomy.eval", 12, 12),
        ("sums-match.eval", 8, 8),
        ("sums-includes.eval", 24, 24),
        ("sums-numeric.eval", 8, 8),
        ("sums-pattern.eval", 8, 8),
        ("sums-exact.eval", 16, 1),
    ] {
        let text = inspect::unpack(name, &eval(name)).unwrap();
        let file = File { name, bytes: &text };
        assert!(inspect::is_ours(&file), "{name}");
        let log = only(inspect::read(file).unwrap());
        assert_eq!(log.about.harness, Harness::Inspect);
        assert_eq!(log.about.model.as_deref(), Some("mockllm/model"));
        assert_eq!(log.about.version.as_deref(), Some("0.3.285"));
        assert_eq!(derived(log), (rows, checked), "{name}");
    }
}

#[test]
fn an_item_of_inspect_is_whole() {
    let text = inspect::unpack("a", &eval("anatomy.eval")).unwrap();
    let log = only(inspect::read(File { name: "a", bytes: &text }).unwrap());
    assert_eq!(log.about.counts.unwrap().original, 12);
    let first = log.rows.unwrap().next().unwrap().unwrap();
    let item = first.item.as_ref().unwrap();
    assert!(item.question.starts_with("A lesion causing compression"));
    let Answer::Choice { choices, gold } = &item.answer else { panic!("choices") };
    assert_eq!((choices.len(), gold.as_slice()), (4, &[0][..]));
    let Response::Text(said) = &first.requests[0].responses[0] else { panic!("text") };
    assert!(said.is("ANSWER: A"));
}

#[test]
fn a_forged_score_of_inspect_does_not_follow() {
    let text = inspect::unpack("a", &eval("sums-match.eval")).unwrap();
    let text = String::from_utf8(text).unwrap();
    let at = text.find(r#""value":"I""#).or_else(|| text.find(r#""value": "I""#)).unwrap();
    let forged = format!("{}{}", &text[..at], text[at..].replacen("\"I\"", "\"C\"", 1));
    let log = only(inspect::read(File { name: "a", bytes: forged.as_bytes() }).unwrap());
    let scorers = Scorers::of(&log.about);
    let differ = log.rows.unwrap().map(Result::unwrap).filter(|sample| {
        scorers.score(sample, "accuracy").is_some_and(|score| Some(score) != sample.score("accuracy"))
    });
    assert_eq!(differ.count(), 1);
}

fn archive(entries: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn said(result: Result<Vec<u8>, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn archives_that_are_none_are_refused_with_a_reason() {
    use zip::CompressionMethod::{Deflated, Stored};
    let header: &[u8] = br#"{"status":"success","eval":{"task":"t"}}"#;
    let bomb = vec![b' '; 64 << 20];
    let unpack = |bytes: &[u8]| inspect::unpack("log.eval", bytes);
    assert!(said(unpack(b"PK\x03\x04 and no more")).contains("log.eval"));
    assert!(said(unpack(&archive(&[("samples/1.json", b"{}")], Stored))).contains("did not finish"));
    let bombs = archive(&[("header.json", header), ("samples/1.json", &bomb)], Deflated);
    assert!(said(unpack(&bombs)).contains("bomb"));
    let twice = archive(&[("header.json", header), ("header.jsoo", header)], Stored);
    let at: Vec<usize> = (0..twice.len() - 4).filter(|&at| &twice[at..at + 4] == b"jsoo").collect();
    let mut twice = twice;
    for at in at {
        twice[at + 3] = b'n';
    }
    assert!(said(unpack(&twice)).contains("twice"));
    for bad in [&b"[]"[..], b"{", b"nothing"] {
        let text = unpack(&archive(&[("header.json", bad)], Deflated));
        assert!(text.is_err() || inspect::read(File { name: "x", bytes: &text.unwrap() }).is_err());
    }
    // Any byte may be another: an error or a log, never a panic.
    let sound = eval("sums-match.eval");
    for at in (0..sound.len()).step_by(61) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        if let Ok(text) = unpack(&bytes) {
            let logs = inspect::read(File { name: "x", bytes: &text }).map(|run| run.logs);
            for rows in logs.into_iter().flatten().filter_map(|log| log.rows) {
                let _ = rows.count();
            }
        }
        let _ = unpack(&sound[..at]);
    }
}

const STATE: &str = r#"{"adapter_spec":{"method":"multiple_choice_joint","model":"m/x","max_train_instances":5},"request_states":[
{"instance":{"input":{"text":"2+2?"},"references":[{"output":{"text":"3"},"tags":[]},{"output":{"text":"The four."},"tags":["correct"]}],"split":"test","id":"id1"},
 "request_mode":null,"train_trial_index":0,"output_mapping":{"A":"3","B":"The four."},"request":{"prompt":"2+2?\nA. 3\nB. The four.\nAnswer:"},
 "result":{"success":true,"completions":[{"text":" B","logprob":-0.1,"tokens":[]}]}},
{"instance":{"input":{"text":"Capital?"},"references":[{"output":{"text":"the Paris"},"tags":["correct"]}],"split":"test","id":"id2"},
 "train_trial_index":0,"request":{"prompt":"Capital?"},"result":{"success":true,"completions":[{"text":" paris.","logprob":-0.1,"tokens":[]}]}}]}"#;

const STATS: &str = r#"[{"instance_id":"id1","train_trial_index":0,"stats":[{"name":{"name":"exact_match","split":"test"},"count":1,"sum":1,"mean":1.0},{"name":{"name":"quasi_exact_match","split":"test"},"mean":1.0},{"name":{"name":"num_prompt_tokens","split":"test"},"mean":9}]},
{"instance_id":"id2","train_trial_index":0,"stats":[{"name":{"name":"exact_match","split":"test"},"mean":0.0},{"name":{"name":"quasi_exact_match","split":"test"},"mean":1.0}]}]"#;

const TOTALS: &str = r#"[{"name":{"name":"exact_match","split":"test"},"mean":0.5},{"name":{"name":"exact_match","split":"test","perturbation":{"name":"typos"}},"mean":0.1},{"name":{"name":"quasi_exact_match","split":"test"},"mean":1.0}]"#;

#[test]
fn a_run_of_helm_follows_from_its_answers() {
    let files = [
        ("runs/a/scenario_state.json", STATE),
        ("runs/a/per_instance_stats.json", STATS),
        ("runs/a/stats.json", TOTALS),
        ("runs/a/run_spec.json", r#"{"name":"mmlu:subject=anatomy,model=m_x"}"#),
    ];
    let files: Vec<File<'_>> =
        files.iter().map(|(name, text)| File { name, bytes: text.as_bytes() }).collect();
    assert!(files.iter().all(helm::is_ours));
    let mut runs = helm::read(&files).unwrap();
    let log = only(runs.remove(0));
    assert_eq!((log.about.task.as_str(), log.about.setup.shots), ("mmlu:subject=anatomy,model=m_x", Some(5)));
    assert_eq!(log.about.claims.len(), 2);
    assert_eq!(derived(log), (2, 4));
    let broken =
        [File { name: "scenario_state.json", bytes: br#"{"adapter_spec":{},"request_states":[{}]}"# }];
    let log = only(helm::read(&broken).unwrap().remove(0));
    assert!(log.rows.unwrap().next().unwrap().unwrap_err().to_string().contains("request 1"));
}

#[test]
fn records_and_lines_in_openai_style_are_read() {
    let records = concat!(
        r#"{"spec":{"completion_fns":["gpt-x"],"eval_name":"sums.test.v0","run_id":"r"}}"#,
        "\n",
        r#"{"run_id":"r","event_id":0,"sample_id":"sums.0","type":"sampling","data":{"prompt":"1+1?","sampled":["2"]}}"#,
        "\n",
        r#"{"run_id":"r","event_id":1,"sample_id":"sums.0","type":"match","data":{"correct":true,"expected":"2","picked":"2","sampled":"2"}}"#,
        "\n",
        r#"{"run_id":"r","event_id":2,"sample_id":"sums.1","type":"match","data":{"correct":false,"expected":"4","picked":null,"sampled":"5"}}"#,
        "\n",
        r#"{"final_report":{"accuracy":0.5,"boostrap_std":0.2}}"#,
        "\n",
    );
    let lines = "{\"id\":7,\"messages\":[{\"role\":\"user\",\"content\":\"1+1?\"}],\"response\":\"2\",\"target\":\"2\",\"score\":1}\n\n{\"question\":\"2+2?\",\"completion\":\"5\",\"gold\":4,\"correct\":false}\n";
    let file = |bytes: &'static str| File { name: "logs/sums.jsonl", bytes: bytes.as_bytes() };
    assert!(openai::is_ours(&file(records)) && openai::is_ours(&file(lines)));
    let log = only(openai::read(file(records)).unwrap());
    assert_eq!((log.about.task.as_str(), log.about.model.as_deref()), ("sums.test.v0", Some("gpt-x")));
    assert_eq!(derived(log), (2, 0));
    let log = only(openai::read(file(lines)).unwrap());
    assert_eq!(log.about.task, "sums");
    let samples: Vec<_> = log.rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(samples.iter().map(|sample| sample.line).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(samples[0].item.as_ref().unwrap().question, "1+1?");
    assert_eq!((samples[0].id.as_ref(), samples[1].id.as_ref()), ("7", "2"));
    assert!(samples[1].target.as_ref().unwrap().is("4"));
    // A key that stands there twice, and a line that says too little.
    assert!(openai::read(file("{\"response\":\"2\",\"target\":\"2\",\"target\":\"3\"}\n")).is_err());
    let log = only(openai::read(file("{\"response\":\"x\"}\n")).unwrap());
    assert!(log.rows.unwrap().next().unwrap().unwrap_err().to_string().contains("line 1"));
    assert!(!openai::is_ours(&file("not json\n")) && !openai::is_ours(&file("{\"text\":\"x\"}\n")));
}

/// Error findings of an audit of one file, by class.
fn errors(name: &str, text: &[u8]) -> Vec<String> {
    let file = File { name, bytes: text };
    assert!(stillmark_benchmark::log::recognize(&file).is_some(), "{name}");
    let runs = stillmark_benchmark::log::read(&[file]).unwrap();
    let parts = runs.into_iter().map(|run| stillmark_benchmark::audit::run(run, None).unwrap()).collect();
    let audit = stillmark_benchmark::audit::joined(Vec::new(), parts);
    let errors =
        audit.findings.iter().filter(|found| found.severity == stillmark_evidence::audit::Severity::Error);
    errors.map(|found| format!("{}: {}", found.class, found.detail)).collect()
}

#[test]
fn audits_of_genuine_logs_find_nothing_and_of_forged_ones_the_forgery() {
    for name in ["sums-match", "sums-includes", "sums-numeric", "sums-pattern", "sums-exact", "anatomy"] {
        let text = inspect::unpack(name, &eval(&format!("{name}.eval"))).unwrap();
        assert_eq!(errors(&format!("{name}.json"), &text), Vec::<String>::new(), "{name}");
        let text = String::from_utf8(text).unwrap();
        if name == "sums-match" {
            let scores = text.rfind(r#""match":"#).unwrap();
            let forged = format!("{}{}", &text[..scores], text[scores..].replacen("\"C\"", "\"I\"", 1));
            let found = errors("forged.json", forged.as_bytes());
            assert!(found.iter().any(|found| found.starts_with("score-forged")), "{found:?}");
            let results = text.find("\"results\"").unwrap();
            let claimed = format!("{}{}", &text[..results], text[results..].replacen("0.75", "0.875", 1));
            assert_ne!(claimed, text);
            assert!(!errors("claimed.json", claimed.as_bytes()).is_empty());
        }
    }
}
