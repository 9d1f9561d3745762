//! MLPerf directories, from logs that LoadGen 6.0.17 wrote: a run of 600 s over 43 samples (`tests/cli/benchmark-mlperf.in`, a SYNTHETIC one).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stillmark_benchmark::mlperf::accuracy::{is_truncation_of, truncated};
use stillmark_benchmark::mlperf::golds::{Golds, Rule};
use stillmark_benchmark::mlperf::rules::{CLASSES, SYSTEM_MEANINGFUL, find};
use stillmark_benchmark::mlperf::{
    About, Audited, Bare, Inputs, Label, Packed, Run, Tree, audit, bare, is_accuracy_log, pack,
};
use stillmark_evidence::Digest;
use stillmark_evidence::audit::Verdict;

mod checker;

const RESULT: &str = "open/tern/results/box/3d-unet-99/SingleStream";

fn logs(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/benchmark-mlperf.in");
    fs::read(folder.join(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
}

struct Kept {
    files: BTreeMap<&'static str, Vec<u8>>,
}

impl Kept {
    fn new() -> Self {
        let names = [
            "accuracy/mlperf_log_detail.txt",
            "accuracy/mlperf_log_summary.txt",
            "accuracy/mlperf_log_accuracy.json",
            "performance/mlperf_log_detail.txt",
            "performance/mlperf_log_summary.txt",
            "performance/mlperf_log_accuracy.json",
            "golds.jsonl",
            "accuracy/user.conf",
        ];
        Self { files: names.into_iter().map(|name| (name, logs(name))).collect() }
    }

    fn run(&self, mode: &str) -> Run<'_> {
        let file = |name: &str| self.files[format!("{mode}/{name}").as_str()].as_slice();
        Run {
            detail: file("mlperf_log_detail.txt"),
            summary: file("mlperf_log_summary.txt"),
            accuracy: file("mlperf_log_accuracy.json"),
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            about: about(),
            accuracy: self.run("accuracy"),
            performance: self.run("performance"),
            user_conf: &self.files["accuracy/user.conf"],
            golds: &self.files["golds.jsonl"],
            rule: Rule::Letter,
        }
    }
}

fn about() -> About {
    let mut description: Map<String, Value> =
        SYSTEM_MEANINGFUL.iter().map(|name| ((*name).to_owned(), json!("N/A"))).collect();
    for (name, value) in [
        ("status", "available"),
        ("system_type", "edge"),
        ("number_of_nodes", "1"),
        ("accelerators_per_node", "0"),
    ] {
        description.insert(name.to_owned(), json!(value));
    }
    let measurements = json!({
        "input_data_types": "fp32",
        "retraining": "no",
        "starting_weights_filename": "model.gguf",
        "weight_data_types": "int4",
        "weight_transformations": "none",
    });
    About {
        submitter: "tern".to_owned(),
        system: "box".to_owned(),
        name: "3d-unet-99".to_owned(),
        benchmark: "3d-unet-99".to_owned(),
        label: Label::Synthetic,
        description,
        measurements: measurements.as_object().unwrap().clone(),
    }
}

fn audited(packed: &Packed<'_>) -> Audited {
    fn slices<'a>(files: &'a BTreeMap<String, Cow<'_, [u8]>>) -> BTreeMap<String, &'a [u8]> {
        files.iter().map(|(name, bytes)| (name.clone(), bytes.as_ref())).collect()
    }
    let (files, untruncated) = (slices(&packed.files), slices(&packed.untruncated));
    audit(&Tree { files, untruncated, golds: None, rule: None })
}

fn classes(audited: &Audited) -> BTreeSet<String> {
    audited.findings.iter().map(|found| found.class.clone()).collect()
}

#[test]
fn a_packed_directory_holds_and_says_that_it_is_synthetic() {
    let kept = Kept::new();
    let packed = pack(&kept.inputs()).unwrap();
    let audited = audited(&packed);
    assert!(audited.findings.is_empty(), "{:?}", audited.findings);
    assert_eq!(audited.verdict, Verdict::NothingFound);
    let [score] = audited.scores.as_slice() else { panic!("one score") };
    assert_eq!((score.n, score.claimed.is_some(), score.interval.is_some()), (43, true, true));
    assert!((score.claimed.unwrap() - score.recomputed.unwrap()).abs() < 1e-6);
    let text = |name: &str| String::from_utf8(packed.files[name].to_vec()).unwrap();
    assert!(text("open/tern/systems/box.json").contains("SYNTHETIC test run, not a submission."));
    assert!(text(&format!("{RESULT}/README.md")).contains("SYNTHETIC"));
    let hash = Digest::of(&kept.files["accuracy/mlperf_log_accuracy.json"]);
    assert!(text(&format!("{RESULT}/accuracy/accuracy.txt")).contains(&format!("\nhash={hash}\n")));
    assert_eq!(packed.files.len(), 15);
    assert!(!packed.files.keys().any(|name| name.contains("trace")));
    let certified = packed.files.values().any(|bytes| String::from_utf8_lossy(bytes).contains("ertified"));
    assert!(!certified, "nothing here certifies anything");
}

#[derive(Deserialize)]
struct Vector {
    /// What is done to the directory, for readers.
    #[expect(dead_code, reason = "for people who read the vectors")]
    note: String,
    #[serde(default)]
    edits: Vec<Edit>,
    /// `success`, `inconclusive` or `refused`.
    expect: String,
    /// What must be found, and nothing else.
    classes: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Edit {
    /// Relative to the result's folder, or from the root with a leading `/`; `untruncated` is the log kept beside.
    file: String,
    /// What is replaced, by what; without it the file is removed.
    replace: Option<(String, String)>,
}

fn apply(packed: &mut Packed<'_>, edit: &Edit) {
    let (files, name) = match edit.file.strip_prefix('/') {
        Some(path) => (&mut packed.files, path.to_owned()),
        None if edit.file == "untruncated" => {
            let name = format!("{RESULT}/mlperf_log_accuracy.json");
            (&mut packed.untruncated, name)
        }
        None => (&mut packed.files, format!("{RESULT}/{}", edit.file)),
    };
    let Some((from, to)) = &edit.replace else {
        files.remove(&name).unwrap_or_else(|| panic!("{name} is not there"));
        return;
    };
    let text = files.get(&name).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).unwrap_or_default();
    assert!(text.contains(from.as_str()), "{name} does not hold `{from}`");
    files.insert(name, Cow::Owned(text.replacen(from.as_str(), to, 1).into_bytes()));
}

/// Every vector with the directory that it makes.
fn vectors(kept: &Kept) -> Vec<(PathBuf, Vector, Packed<'_>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/mlperf-directory");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let vector: Vector = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut packed = pack(&kept.inputs()).unwrap();
        for edit in &vector.edits {
            apply(&mut packed, edit);
        }
        (path, vector, packed)
    };
    fs::read_dir(folder).unwrap().map(read).collect()
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let kept = Kept::new();
    let mut read = 0;
    for (path, vector, packed) in vectors(&kept) {
        let audited = audited(&packed);
        let found = classes(&audited);
        let verdict = match vector.expect.as_str() {
            "success" => Verdict::NothingFound,
            "inconclusive" => Verdict::Inconclusive,
            "refused" => Verdict::Altered,
            other => unreachable!("{other}"),
        };
        assert_eq!(audited.verdict, verdict, "{}: {:?}", path.display(), audited.findings);
        assert_eq!(found, vector.classes, "{}: {:?}", path.display(), audited.findings);
        assert!(found.iter().all(|class| CLASSES.contains(&class.as_str())));
        read += 1;
    }
    assert!(read >= 20, "only {read} vectors");
}

#[test]
fn every_byte_of_the_kept_log_counts() {
    let kept = Kept::new();
    let whole = pack(&kept.inputs()).unwrap();
    let name = format!("{RESULT}/mlperf_log_accuracy.json");
    let length = whole.untruncated[&name].len();
    for at in (0..length).step_by(37) {
        let mut packed = whole.clone();
        let mut bytes = packed.untruncated[&name].to_vec();
        bytes[at] ^= 1;
        packed.untruncated.insert(name.clone(), Cow::Owned(bytes));
        assert!(classes(&audited(&packed)).contains("mlperf-hash"), "byte {at}");
    }
}

#[test]
fn logs_are_truncated_as_the_official_tool_does() {
    let long: Vec<u8> = (0..20_000_u32).map(|byte| b'a' + (byte % 26) as u8).collect();
    let kept = truncated(&long);
    assert_eq!(kept.len(), 4096 + 7 + 4096);
    assert_eq!(&kept[4096..4103], b"\n\n...\n\n");
    assert!(is_truncation_of(&kept, &long) && is_truncation_of(&long, &long));
    assert_eq!(truncated(&long[..10_240]), &long[..10_240]);
    let mut other = long.clone();
    other[19_999] ^= 1;
    assert!(!is_truncation_of(&kept, &other) && !is_truncation_of(b"", &long));
}

#[test]
fn answers_are_held_against_golds_by_rule() {
    let right = |rule: Rule, gold: &str, answer: &str| {
        let line = json!({"index": 0, "gold": gold}).to_string();
        Golds::read(line.as_bytes(), rule).unwrap().is_right(0, answer.as_bytes()).unwrap()
    };
    for (gold, answer, is) in [
        ("B", " B).", true),
        ("B", "The answer is (B)", true),
        ("B", "Bob", false),
        ("B", "A or B", false),
        ("B", "", false),
    ] {
        assert_eq!(right(Rule::Letter, gold, answer), is, "{answer}");
    }
    for (gold, answer, is) in [
        ("#### 1,024", "so it is $1024.", true),
        ("18", "18.00", true),
        ("-3", "it is -3", true),
        ("18", "18 and 19", false),
        ("18", "none", false),
        ("none", "none", false),
    ] {
        assert_eq!(right(Rule::Number, gold, answer), is, "{answer}");
    }
    assert!(right(Rule::Exact, "yes", " yes\n") && !right(Rule::Exact, "yes", "Yes"));
    for bad in [
        "",
        "{",
        r#"{"index":1,"gold":"A"}"#,
        "{\"index\":0,\"gold\":\"A\"}\n{\"index\":0,\"gold\":\"B\"}",
        r#"{"index":0}"#,
    ] {
        assert!(Golds::read(bad.as_bytes(), Rule::Exact).is_err(), "{bad}");
    }
}

#[test]
fn what_cannot_be_packed_is_said() {
    let kept = Kept::new();
    let refused = |change: &dyn Fn(&mut Inputs<'_>), says: &str| {
        let mut inputs = kept.inputs();
        change(&mut inputs);
        let said = pack(&inputs).unwrap_err().to_string();
        assert!(said.contains(says), "{said}");
    };
    refused(&|inputs| inputs.about.benchmark = "mmlu".to_owned(), "`mmlu` is no benchmark of v6.1");
    refused(&|inputs| inputs.about.submitter = "../x".to_owned(), "is no name of a folder");
    refused(&|inputs| drop(inputs.about.description.remove("cooling")), "cooling");
    refused(&|inputs| drop(inputs.about.measurements.remove("retraining")), "retraining");
    refused(&|inputs| inputs.accuracy.accuracy = b"[\n]\n", "holds no answers");
    refused(&|inputs| inputs.accuracy.accuracy = br#"[{"seq_id":0,"qsl_idx":0,"data":"4"}]"#, "hexadecimal");
    refused(
        &|inputs| inputs.accuracy.accuracy = br#"[{"seq_id":0,"qsl_idx":99,"data":"41"}]"#,
        "no sample 99",
    );
    refused(&|inputs| inputs.performance.detail = b":::MLLOG {", "line 1");
    refused(&|inputs| inputs.performance.detail = b"", ":::MLLOG");
    let silent = br#":::MLLOG {"key":"x","value":1,"time_ms":0.0}"#;
    refused(&|inputs| inputs.performance.detail = silent, "effective_scenario");
    assert!(find("deepseek-r1").is_some() && find("mmlu").is_none());
}

/// What is found of a run that is filed as another scenario, with values of its logs replaced.
fn filed_as(scenario: &str, benchmark: &str, values: &[(&str, Value)]) -> Vec<String> {
    let kept = Kept::new();
    let mut inputs = kept.inputs();
    inputs.about.name = benchmark.to_owned();
    inputs.about.benchmark = benchmark.to_owned();
    let packed = pack(&inputs).unwrap();
    let mut moved = Packed::default();
    for (path, bytes) in &packed.files {
        let path = path.replace("/SingleStream/", &format!("/{scenario}/"));
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (key, value) in values.iter().filter(|_| path.ends_with("mlperf_log_detail.txt")) {
            let line = format!(":::MLLOG {}\n", json!({"key": key, "value": value, "time_ms": 0.0}));
            let others = text.lines().filter(|line| !line.contains(&format!("\"key\": \"{key}\"")));
            text = others.fold(line, |all, line| all + line + "\n");
        }
        moved.files.insert(path, Cow::Owned(text.into_bytes()));
    }
    let audited = audited(&moved);
    let performance = audited.findings.into_iter().filter(|found| found.file.contains("performance/"));
    performance.map(|found| format!("{}: {}", found.class, found.detail)).collect()
}

#[test]
fn a_server_run_is_held_to_the_latencies_of_its_benchmark() {
    let (first, next) = (
        "result_first_token_99.00_percentile_latency_ns",
        "result_time_per_output_token_99.00_percentile_ns",
    );
    let run = |scenario: &str, [target, first_ms, next_ms]: [u64; 3]| {
        let values = [
            ("effective_scenario", json!("Server")),
            ("effective_target_latency_ns", json!(target * 1_000_000)),
            ("result_completed_tokens_per_second", json!(4.5)),
            (first, json!(first_ms * 1_000_000)),
            (next, json!(next_ms * 1_000_000)),
        ];
        let found = filed_as(scenario, "deepseek-r1", &values);
        let named =
            |key: &str| found.iter().any(|said| said.starts_with("mlperf-result") && said.contains(key));
        ["effective_target_latency_ns", first, next, "result_completed"].map(named)
    };
    assert_eq!(run("Server", [60_000, 2_000, 80]), [false; 4]);
    assert_eq!(run("Server", [60_001, 2_001, 81]), [true, true, true, false]);
    assert_eq!(run("Interactive", [60_000, 1_501, 15]), [false, true, false, false]);
}

#[test]
fn a_result_is_inferred_only_where_the_rules_infer_it() {
    let layout = |scenario: &str, values: &[(&str, Value)]| {
        let found = filed_as(scenario, "3d-unet-99", values);
        found.iter().any(|said| said.starts_with("mlperf-layout"))
    };
    assert!(!layout("SingleStream", &[]));
    assert!(!layout("Offline", &[]) && !layout("MultiStream", &[]));
    assert!(layout("Server", &[]) && layout("Interactive", &[]));
    let none = filed_as("Offline", "3d-unet-99", &[("result_qps_without_loadgen_overhead", json!(0))]);
    assert!(none.iter().any(|said| said.contains("result_qps_without_loadgen_overhead")), "{none:?}");
}

#[test]
fn a_folder_that_is_no_submission_is_said_to_be_none() {
    let audited = audit(&Tree::default());
    assert_eq!(classes(&audited), BTreeSet::from(["mlperf-layout".to_owned()]));
}

#[test]
fn an_accuracy_log_on_its_own_is_held_against_golds() {
    let kept = Kept::new();
    let log = kept.files["accuracy/mlperf_log_accuracy.json"].clone();
    let detail = kept.files["accuracy/mlperf_log_detail.txt"].clone();
    let packed = pack(&kept.inputs()).unwrap();
    let claims =
        String::from_utf8(packed.files[&format!("{RESULT}/accuracy/accuracy.txt")].to_vec()).unwrap();
    let look = |log: &[u8], claims: Option<&str>| {
        bare(&Bare {
            task: "accuracy",
            log: ("mlperf_log_accuracy.json", log),
            claims: claims.map(|text| ("accuracy.txt", text.as_bytes())),
            detail: Some(("mlperf_log_detail.txt", &detail)),
            golds: &kept.files["golds.jsonl"],
            rule: Rule::Letter,
        })
    };
    assert!(is_accuracy_log(&log) && !is_accuracy_log(b"[]") && !is_accuracy_log(b"{\"qsl_idx\":1}"));
    let alone = look(&log, None).unwrap();
    assert_eq!((alone.verdict, alone.not_checked.len()), (Verdict::Inconclusive, 1));
    assert_eq!(alone.scores[0].recomputed.map(|share| (share * 43.0).round()), Some(14.0));
    assert_eq!(look(&log, Some(&claims)).unwrap().verdict, Verdict::NothingFound);
    let raised = claims.replace("32.5581", "82.5581");
    assert_eq!(classes(&look(&log, Some(&raised)).unwrap()), BTreeSet::from(["mlperf-accuracy".to_owned()]));
    let text = String::from_utf8(log.clone()).unwrap();
    let cut: String = text
        .lines()
        .filter(|line| !line.contains("\"seq_id\" : 1,"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let found = classes(&look(cut.as_bytes(), Some(&claims)).unwrap());
    let wanted = ["mlperf-accuracy", "mlperf-answers", "mlperf-hash", "mlperf-sample-count"];
    assert!(wanted.iter().all(|class| found.contains(*class)), "{found:?}");
    let err = look(&truncated(&log.repeat(4)), None).unwrap_err().to_string();
    assert!(err.contains("mlperf_log_accuracy.json"), "{err}");
}
