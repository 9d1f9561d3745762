//! What `verify` says of a run that somebody has tampered with: a stranger with an editor, or the maker, whose key signs
//! whatever the maker wants. Written from docs/spec: each tampering must be a failing check named in words, exit code 1.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stillmark_distill::records::{self, Record, Shard};
use stillmark_evidence::Digest;
use stillmark_evidence::bundle::{self, Bundle};
use stillmark_evidence::keys::PrivateKey;

use crate::place::{Place, told};

const PLAN: &str = r#"
[student]
name = "student"
license = "apache-2.0"
init = { from = "teacher", layers = 2, by = "even" }
[teacher]
model = "tiny"
terms = ["apache-2.0"]
[[prompts]]
file = "prompts.jsonl"
id = "asked"
terms = ["cc-by-4.0"]
[[texts]]
file = "prompts.jsonl"
id = "found"
[capture]
max_tokens = 12
top_logprobs = 4
shard_rows = 4
seed = 7
[train]
steps = 4
seq_len = 64
batch = 2
held_out = 0.1
eval_every = 2
checkpoint_every = 2
keep = 0
seed = 7
[declared]
commercial = false
audience = "distributed"
[[accepted]]
ask = "unknown-source/source found"
person = "Ada Lovelace"
date = 2026-11-23
reason = "our own notes"
"#;

/// A copy of a sound run, to be tampered with.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) maker: PrivateKey,
}

impl Run {
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn remove(&self, name: &str) {
        let path = self.at(name);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    pub(crate) fn replace(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.at(name)).unwrap();
        assert!(text.contains(old), "{name} holds no `{old}`");
        fs::write(self.at(name), text.replacen(old, new, 1)).unwrap();
    }

    pub(crate) fn swap(&self, one: &str, other: &str) {
        let (first, second) = (fs::read(self.at(one)).unwrap(), fs::read(self.at(other)).unwrap());
        assert_ne!(first, second);
        fs::write(self.at(one), second).unwrap();
        fs::write(self.at(other), first).unwrap();
    }

    /// Rewrites the first file of records, well formed, with its own digests of its row groups.
    pub(crate) fn records(&self, change: fn(&mut Vec<Record>)) {
        let file = self.at("data/records-00000.parquet");
        let shard = Shard::open(&file).unwrap();
        let mut all = shard.records().unwrap();
        change(&mut all);
        records::write(&file, shard.meta(), &all).unwrap();
    }

    pub(crate) fn statement(&self, name: &str) -> Value {
        let bytes = fs::read(self.at(&format!("evidence/{name}.sigstore.json"))).unwrap();
        serde_json::from_slice(&bundle::parse(&bytes).unwrap().envelope().payload().unwrap()).unwrap()
    }

    /// Changes what a bundle says and leaves its signature.
    fn forge(&self, name: &str, change: impl Fn(&mut Value)) {
        let file = self.at(&format!("evidence/{name}.sigstore.json"));
        let mut old: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        self.sign(name, &self.maker, change);
        let new: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_ne!(old, new);
        old["dsseEnvelope"]["payload"] = new["dsseEnvelope"]["payload"].clone();
        fs::write(file, old.to_string()).unwrap();
    }

    /// Changes what a bundle says, and signs it anew with a key.
    pub(crate) fn sign(&self, name: &str, key: &PrivateKey, change: impl Fn(&mut Value)) {
        let mut statement = self.statement(name);
        change(&mut statement);
        let payload = serde_json::to_vec(&statement).unwrap();
        if name == "data" {
            fs::write(self.at("data/manifest.json"), &payload).unwrap();
        }
        let bytes = Bundle::sign_bytes(&payload, key).to_bytes().unwrap();
        fs::write(self.at(&format!("evidence/{name}.sigstore.json")), bytes).unwrap();
    }

    /// As the maker: the manifest changed and signed anew.
    pub(crate) fn record(&self, change: impl Fn(&mut Value)) {
        self.sign("data", &self.maker, |statement| change(&mut statement["predicate"]));
    }

    /// As the maker: the first file's digest is what it is now.
    pub(crate) fn pin_records(&self) {
        let digest = Digest::of_file(&self.at("data/records-00000.parquet")).unwrap().to_string();
        self.sign("data", &self.maker, |data| data["subject"][0]["digest"]["sha256"] = digest.clone().into());
    }

    /// As the maker: what the run says of a thing that went in.
    pub(crate) fn dependency(&self, name: &str, change: impl Fn(&mut Value)) {
        self.sign("run", &self.maker, |run| change(dependency(run, name)));
    }
}

fn dependency<'a>(run: &'a mut Value, name: &str) -> &'a mut Value {
    let all = run["predicate"]["buildDefinition"]["resolvedDependencies"].as_array_mut().unwrap();
    all.iter_mut().find(|one| one["name"] == name).unwrap()
}

pub(crate) fn stranger() -> PrivateKey {
    PrivateKey::from_entropy(&[8; 32]).unwrap()
}

/// A tampering, the code of the check that must fail, and words that must stand in its line.
type Case = (&'static str, fn(&Run), &'static str, &'static [&'static str]);

/// What anybody can do with an editor.
const BY_STRANGERS: &[Case] = &[
    (
        "the card's license edited",
        |run| run.replace("model/README.md", "license: apache-2.0", "license: mit"),
        "contradiction",
        &["license", "mit", "apache-2.0"],
    ),
    (
        "the card's claim edited",
        |run| run.replace("model/README.md", "Distilled from tiny", "Trained from nothing"),
        "bad-digest",
        &["model/README.md"],
    ),
    (
        "the card's share edited",
        |run| run.replace("model/README.md", "tiny: 1.00000", "tiny: 0.10000"),
        "contradiction",
        &["stillmark.shares.tiny", "10.000 %", "100.000 %"],
    ),
    (
        "weights of an earlier step in place of the last",
        |run| {
            let earlier = run.at("checkpoints/step-00000002/weights.safetensors");
            fs::copy(earlier, run.at("model/model.safetensors")).unwrap();
        },
        "bad-digest",
        &["model/model.safetensors"],
    ),
    (
        "two files of records swapped",
        |run| run.swap("data/records-00000.parquet", "data/records-00001.parquet"),
        "bad-digest",
        &["data/records-00000.parquet"],
    ),
    (
        "a file of records removed",
        |run| run.remove("data/records-00002.parquet"),
        "missing-file",
        &["data/records-00002.parquet"],
    ),
    (
        "a source removed from the manifest",
        |run| run.replace("data/manifest.json", "\"found\"", "\"asked\""),
        "bad-digest",
        &["data/manifest.json"],
    ),
    (
        "a record dropped",
        |run| run.records(|all| drop(all.remove(1))),
        "bad-digest",
        &["data/records-00000.parquet"],
    ),
    (
        "two records in another order",
        |run| run.records(|all| all.swap(0, 2)),
        "bad-digest",
        &["data/records-00000.parquet"],
    ),
    (
        "a measurement edited",
        |run| run.replace("metrics.jsonl", "\"agreement\":0", "\"agreement\":1"),
        "bad-digest",
        &["metrics.jsonl"],
    ),
    (
        "the measurements cut",
        |run| {
            let text = fs::read_to_string(run.at("metrics.jsonl")).unwrap();
            let (kept, _) = text.trim_end().rsplit_once('\n').unwrap();
            fs::write(run.at("metrics.jsonl"), format!("{kept}\n")).unwrap();
        },
        "bad-digest",
        &["metrics.jsonl"],
    ),
    (
        "the public key replaced",
        |run| fs::write(run.at("evidence/signer.pub.pem"), stranger().public().to_pem()).unwrap(),
        "broken-edge",
        &["evidence/signer.pub.pem"],
    ),
    (
        "the log's checkpoint cut short",
        |run| {
            let text = fs::read_to_string(run.at("evidence/log/checkpoint")).unwrap();
            fs::write(run.at("evidence/log/checkpoint"), &text[..text.len() / 2]).unwrap();
        },
        "malformed",
        &["evidence/log"],
    ),
    (
        "the log's size made smaller",
        |run| run.replace("evidence/log/checkpoint", "\n4\n", "\n3\n"),
        "bad-signature",
        &["evidence/log"],
    ),
    (
        "the log's hashes cut short",
        |run| {
            let tile = run.at("evidence/log/tile/0/000.p/4");
            let bytes = fs::read(&tile).unwrap();
            fs::write(tile, &bytes[..64]).unwrap();
        },
        "malformed",
        &["evidence/log", "is cut short"],
    ),
    (
        "the log's hashes changed",
        |run| {
            let tile = run.at("evidence/log/tile/0/000.p/4");
            let mut bytes = fs::read(&tile).unwrap();
            bytes[40] ^= 1;
            fs::write(tile, bytes).unwrap();
        },
        "bad-log",
        &["evidence/log"],
    ),
    (
        "the log's entries removed",
        |run| run.remove("evidence/log/tile/entries"),
        "missing-file",
        &["evidence/log"],
    ),
    ("the log removed", |run| run.remove("evidence/log"), "missing-file", &["evidence/log"]),
    (
        "another teacher in the run's record",
        |run| {
            run.forge("run", |run| {
                dependency(run, "teacher:asked")["digest"]["sha256"] = Digest::of(b"").to_string().into();
            });
        },
        "bad-signature",
        &["evidence/run.sigstore.json"],
    ),
    (
        "the run's record put in place of the model's",
        |run| run.swap("evidence/run.sigstore.json", "evidence/model.sigstore.json"),
        "wrong-predicate",
        &["evidence/run.sigstore.json"],
    ),
    (
        "two proofs swapped",
        |run| run.swap("evidence/run.tlog-proof", "evidence/data.tlog-proof"),
        "not-in-log",
        &["evidence/run.tlog-proof"],
    ),
    (
        "a file beside the weights",
        |run| fs::write(run.at("model/adapter.safetensors"), "x").unwrap(),
        "extra-file",
        &["model/adapter.safetensors"],
    ),
    (
        "a file of records more",
        |run| drop(fs::copy(run.at("data/records-00001.parquet"), run.at("data/records-00003.parquet"))),
        "extra-file",
        &["data/records-00003.parquet"],
    ),
    (
        "a statement more",
        |run| {
            let bundle = Bundle::sign_bytes(b"{}", &stranger()).to_bytes().unwrap();
            fs::write(run.at("evidence/audit.sigstore.json"), bundle).unwrap();
        },
        "extra-file",
        &["evidence/audit.sigstore.json"],
    ),
    (
        "the plan edited afterwards",
        |run| run.replace("plan.toml", "commercial = false", "commercial = true"),
        "bad-digest",
        &["plan.toml"],
    ),
    (
        "the acceptance removed",
        |run| run.replace("data/manifest.json", "Ada Lovelace", "nobody"),
        "bad-digest",
        &["data/manifest.json"],
    ),
    (
        "a share of the manifest changed",
        |run| run.replace("data/manifest.json", "\"rows\": 6", "\"rows\": 5"),
        "bad-digest",
        &["data/manifest.json"],
    ),
    (
        "the disclosure removed",
        |run| run.remove("evidence/disclosure.sigstore.json"),
        "missing-file",
        &["evidence/disclosure.sigstore.json"],
    ),
    (
        "the disclosure removed with its proof",
        |run| {
            run.remove("evidence/disclosure.sigstore.json");
            run.remove("evidence/disclosure.tlog-proof");
        },
        "missing-file",
        &["evidence/log", "entry 3"],
    ),
    (
        "a disclosure by somebody else",
        |run| run.sign("disclosure", &stranger(), |_| ()),
        "broken-edge",
        &["evidence/disclosure.sigstore.json", "not the folder's signer"],
    ),
    ("all evidence removed", |run| run.remove("evidence"), "missing-file", &["evidence/run.sigstore.json"]),
];

/// What the maker can do, whose key signs it.
const BY_THE_MAKER: &[Case] = &[
    (
        "a source removed",
        |run| {
            run.record(|record| {
                record["sources"].as_array_mut().unwrap().remove(1);
            });
        },
        "wrong-share",
        &["found", "does not name"],
    ),
    (
        "a record dropped",
        |run| {
            run.records(|all| drop(all.remove(1)));
            run.pin_records();
        },
        "wrong-share",
        &["asked", "found"],
    ),
    (
        "two records in another order",
        |run| {
            run.records(|all| all.swap(0, 2));
            run.pin_records();
        },
        "bad-digest",
        &["data/manifest.json"],
    ),
    (
        "the acceptance removed",
        |run| run.record(|record| record["accepted"] = json!([])),
        "not-permitted",
        &["nobody accepted"],
    ),
    (
        "a forbidden plan",
        |run| run.record(|record| record["verdict"] = "forbid".into()),
        "not-permitted",
        &["forbidden"],
    ),
    (
        "another verdict",
        |run| run.record(|record| record["verdict"] = "permit".into()),
        "contradiction",
        &["`review`", "`permit`"],
    ),
    (
        "a share changed",
        |run| run.record(|record| record["sources"][0]["share"] = 0.5.into()),
        "wrong-share",
        &["asked", "0.5"],
    ),
    (
        "tokens moved from a source to another",
        |run| {
            run.record(|record| {
                for (at, sign) in [(0, -1), (1, 1)] {
                    let tokens = record["sources"][at]["tokens"].as_i64().unwrap();
                    record["sources"][at]["tokens"] = (tokens + 10 * sign).into();
                }
            });
        },
        "wrong-share",
        &["asked"],
    ),
    (
        "another teacher in the run's record",
        |run| {
            run.dependency("teacher:asked", |teacher| {
                teacher["digest"]["sha256"] = Digest::of(b"").to_string().into();
            });
        },
        "broken-edge",
        &["asked", "teacher"],
    ),
    (
        "no teacher in the run's record",
        |run| run.dependency("teacher:asked", |teacher| teacher["name"] = "friend".into()),
        "broken-edge",
        &["asked", "teacher"],
    ),
    (
        "another teacher in the manifest",
        |run| {
            run.record(|record| {
                record["sources"][1]["teacher"]["weights"] = Digest::of(b"").to_string().into();
            });
        },
        "broken-edge",
        &["found", "teacher"],
    ),
    (
        "no plan in the run's record",
        |run| run.dependency("plan", |plan| plan["name"] = "sketch".into()),
        "broken-edge",
        &["plan.toml"],
    ),
    (
        "another base in the disclosure",
        |run| {
            run.sign("disclosure", &run.maker, |disclosure| {
                disclosure["predicate"]["claims"]["baseModel"] = json!(["mine"]);
            });
        },
        "broken-edge",
        &["evidence/disclosure.sigstore.json", "base", "mine", "tiny"],
    ),
    (
        "a run that made another model",
        |run| {
            let other = Digest::of(b"").to_string();
            run.sign("run", &run.maker, |run| run["subject"][0]["digest"]["sha256"] = other.clone().into());
        },
        "broken-edge",
        &["run-model"],
    ),
    (
        "a duty that is not disclosed",
        |run| {
            run.sign("disclosure", &run.maker, |disclosure| {
                disclosure["predicate"]["duties"].as_array_mut().unwrap().remove(0);
            });
        },
        "open-duty",
        &["attribute", "cc-by-4.0"],
    ),
    (
        "fewer tokens disclosed",
        |run| {
            run.sign("disclosure", &run.maker, |disclosure| {
                disclosure["predicate"]["claims"]["tokens"] = 3.into();
            });
        },
        "contradiction",
        &["tokens"],
    ),
    (
        "weights left out of the signature",
        |run| {
            run.sign("model", &run.maker, |model| {
                model["predicate"]["serialization"]["ignore_paths"] = json!(["model.safetensors"]);
            });
        },
        "extra-file",
        &["ignore_paths"],
    ),
    (
        "one bundle that is not logged",
        |run| run.sign("run", &run.maker, |run| run["predicate"]["runDetails"]["builder"]["id"] = "x".into()),
        "not-in-log",
        &["evidence/run.tlog-proof"],
    ),
];

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &name) } else { assert!(fs::copy(&path, name).is_ok()) }
    }
}

/// What a tampered run is said to be; why that will not do, where it will not.
fn judged(place: &Place, case: &Case) -> Result<(), String> {
    let (what, tamper, code, words) = case;
    let folder = place.path("tampered");
    let _ = fs::remove_dir_all(&folder);
    copy(&place.path("run"), &folder);
    let maker = fs::read_to_string(place.path("home/.config/stillmark/signer.pem")).unwrap();
    tamper(&Run { folder, maker: PrivateKey::from_pem(&maker).unwrap() });
    let output = place.stillmark(&["verify", "tampered"]).output().unwrap();
    let said = told(&output);
    let is_named = said.lines().any(|line| {
        let (mark, rest) = line.trim_start().split_once(' ').unwrap_or_default();
        let holds = words.iter().all(|word| rest.contains(word));
        holds && (mark == "fail" && rest.trim_start().starts_with(code) || mark == "CONTRADICTION")
    });
    if output.status.code() == Some(1) && is_named {
        return Ok(());
    }
    Err(format!("{what}: {code} with {words:?} is not said, or not with exit code 1:\n{said}"))
}

#[test]
fn every_tampering_is_a_failing_check_named_in_words() {
    let place = Place::tiny(PLAN, 6);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    place.done(&["--quiet", "verify", "run"]);
    let cases = BY_STRANGERS.iter().chain(BY_THE_MAKER);
    let wrong: Vec<String> = cases.filter_map(|case| judged(&place, case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_stranger_sees_the_same_without_trusting_anybody() {
    let place = Place::tiny(PLAN, 6);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    fs::write(place.path("other.pub.pem"), stranger().public().to_pem()).unwrap();
    let sound = place.ends(3, &["verify", "run", "--trust", "other.pub.pem"]);
    assert!(sound.contains("unknown-signer") && !sound.contains("\n  fail "), "{sound}");
    fs::write(place.path("run/metrics.jsonl"), "").unwrap();
    let edited = place.ends(1, &["verify", "run", "--trust", "other.pub.pem"]);
    assert!(edited.contains("bad-digest") && edited.contains("metrics.jsonl"), "{edited}");
    // Whose key lies beside the evidence does not matter to whoever brings the right one along.
    fs::write(place.path("run/evidence/signer.pub.pem"), stranger().public().to_pem()).unwrap();
    let swapped = place.ends(1, &["verify", "run", "--trust", "other.pub.pem"]);
    assert!(swapped.contains("broken-edge") && swapped.contains("not the folder's signer"), "{swapped}");
}
