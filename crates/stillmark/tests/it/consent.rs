//! A consented run from end to end: a provider grants, a builder distills a real small model under the grant with the
//! reference issuer's receipts, and `verify` passes; then every fraud is found by its own name.

#[path = "../../fixture/provider.rs"]
pub(crate) mod provider;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use provider::{Provider, Terms, log_key};
use serde_json::{Value, json};
use stillmark_distill::records::{self, Meta, Shard};
use stillmark_evidence::Digest;
use stillmark_evidence::bundle::{self, Bundle};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::receipt::{Line, Receipt, parse_kept};
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

use crate::place::{Place, told};
use crate::tampering::{Run, copy, stranger};

const PLAN: &str = r#"
[student]
name = "nova-tern"
license = "apache-2.0"
init = { from = "config", path = "student.json" }
[teacher]
model = "tern"
url = "http://ADDRESS/v1"
tokenizer = "MODEL"
terms = ["odp-ask"]
offer = "distillation.toml"
grant = "nova.sigstore.json"
[[prompts]]
file = "prompts.jsonl"
id = "asked"
terms = ["cc-by-4.0"]
[capture]
max_tokens = 12
top_logprobs = 0
shard_rows = 4
seed = 7
[train]
steps = 4
seq_len = 64
batch = 2
held_out = 0.1
losses = [{ name = "ce" }]
seed = 7
[declared]
commercial = false
audience = "served"
"#;

/// The provider's and the builder's places, joined by files they send each other.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) address: String,
    pub(crate) listener: Option<TcpListener>,
    pub(crate) model: PathBuf,
}

impl World {
    /// Keys on both sides; the provider offers, grants with these words, and the builder has the grant, not yet accepted.
    pub(crate) fn granted(words: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let place = Place::tiny("", 6);
        let model =
            std::env::var_os("STILLMARK_TEST_MODEL").map_or_else(|| place.path("tiny"), PathBuf::from);
        let plan = PLAN.replace("ADDRESS", &address).replace("MODEL", &model.display().to_string());
        fs::write(place.path("plan.toml"), plan).unwrap();
        fs::write(place.path("student.json"), student(&model)).unwrap();
        let world = Self { place, address, listener: Some(listener), model };
        world.provider(&["--quiet", "key", "new"]);
        let revocations = format!("http://{}/revocations", world.address);
        let log = log_key().verifier().to_string();
        world.provider(&[
            "agreement",
            "new",
            "--preset",
            "odp-ask",
            "--asset",
            "tern",
            "--receipts",
            &log,
            "--revocations",
            &revocations,
            "-o",
            "provider/distillation.toml",
        ]);
        let key = world.place.done(&["--format", "json", "key", "show"]);
        let key: Value = serde_json::from_str(&key).unwrap();
        fs::write(world.place.path("nova.pub.pem"), key["public_pem"].as_str().unwrap()).unwrap();
        let common = [
            "agreement",
            "grant",
            "issue",
            "--to",
            "nova.pub.pem",
            "--name",
            "Acme",
            "--offer",
            "provider/distillation.toml",
            "-o",
            "nova.sigstore.json",
        ];
        world.provider(&[&common[..], words].concat());
        fs::copy(world.place.path("provider/distillation.toml"), world.place.path("distillation.toml"))
            .unwrap();
        let pem = world.provider(&["--format", "json", "key", "show"]);
        let pem: Value = serde_json::from_str(&pem).unwrap();
        let trusted = world.place.path("home/.config/stillmark/trusted/provider.pub.pem");
        fs::write(trusted, pem["public_pem"].as_str().unwrap()).unwrap();
        world
    }

    /// The provider's own program: another home, another key.
    pub(crate) fn provider(&self, words: &[&str]) -> String {
        let mut command: Command = self.place.stillmark(words);
        let output = command.env("HOME", "provider-home").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Opens the provider's API, which answers the tenant of the grant.
    pub(crate) fn open(&mut self) {
        let shown = self.shown();
        let digest = |key: &str| shown[key].as_str().unwrap().parse::<Digest>().unwrap();
        let terms = Terms {
            model: "tern".to_owned(),
            tenant: digest("grantee"),
            grant: digest("id"),
            folder: self.place.path("provider"),
            day: today(),
        };
        let provider = Provider::open(&self.model, terms).unwrap();
        let listener = self.listener.take().unwrap();
        std::thread::spawn(move || provider.serve(&listener));
    }

    pub(crate) fn shown(&self) -> Value {
        let shown =
            self.place.done(&["--format", "json", "agreement", "grant", "show", "nova.sigstore.json"]);
        serde_json::from_str(&shown).unwrap()
    }
}

/// A small shape with as many tokens as the teacher.
fn student(model: &Path) -> String {
    let checkpoint = stillmark_model::Checkpoint::open(model).unwrap();
    let config = checkpoint.config();
    serde_json::json!({
        "model_type": "llama", "vocab_size": config.vocab_size, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "intermediate_size": 64,
        "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "tie_word_embeddings": true,
        "bos_token_id": config.eos.first(), "eos_token_id": config.eos.first(),
    })
    .to_string()
}

fn today() -> String {
    let out = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

pub(crate) const USUAL: &[&str] = &[
    "--permit",
    "train-on-outputs",
    "--tokens",
    "100000",
    "--until",
    "2099-12-31",
    "--audience",
    "served",
    "--duty",
    "name-teachers=Name tern among the teachers.",
];

impl World {
    /// A world in which the builder has accepted, captured and trained; `run` is what it left.
    fn consented() -> Self {
        let mut world = Self::granted(USUAL);
        world.place.done(&["agreement", "accept", "nova.sigstore.json"]);
        world.open();
        world.other_tenant();
        world.place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
        world
    }

    /// A copy of what the builder left, to be tampered with by whoever holds its key.
    fn copied(&self, name: &str) -> Run {
        let folder = self.place.path(name);
        let _ = fs::remove_dir_all(&folder);
        copy(&self.place.path("run"), &folder);
        let maker = fs::read_to_string(self.place.path("home/.config/stillmark/signer.pem")).unwrap();
        Run { folder, maker: PrivateKey::from_pem(&maker).unwrap() }
    }

    /// Somebody else is answered first; its receipt is kept in `other.json`.
    fn other_tenant(&self) {
        let body = r#"{"messages": [{"role": "user", "content": "Who are you?"}], "max_tokens": 4}"#;
        let length = body.len();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer other\r\ncontent-length: {length}\r\n\r\n"
        );
        let reply = self.talk(&format!("{head}{body}"));
        let receipt = reply.lines().find_map(|line| line.strip_prefix("x-stillmark-receipt: ")).unwrap();
        fs::write(self.place.path("other.txt"), receipt).unwrap();
    }

    fn talk(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// What the provider's log says at a path.
    fn fetched(&self, path: &str) -> String {
        let reply = self.talk(&format!("GET /.well-known/stillmark/receipts/{path} HTTP/1.1\r\n\r\n"));
        reply.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Another grant to the builder, accepted, in the place of the true one.
    fn swap_grant(&self, run: &Run, words: &[&str]) {
        for file in ["swap.sigstore.json", "swap.accepted.sigstore.json", "swap.accepted.tlog-proof"] {
            let _ = fs::remove_file(self.place.path(file));
        }
        let common = ["--quiet", "agreement", "grant", "issue", "--name", "Acme", "-o", "swap.sigstore.json"];
        let has = |flag: &str| words.contains(&flag);
        let mut all = [&common[..], words].concat();
        for (flag, value) in [
            ("--to", "nova.pub.pem"),
            ("--offer", "provider/distillation.toml"),
            ("--permit", "train-on-outputs"),
            ("--until", "2099-12-31"),
        ] {
            if !has(flag) {
                all.extend([flag, value]);
            }
        }
        self.provider(&all);
        if !has("--to") && !has("--not-before") {
            self.place.done(&["--quiet", "agreement", "accept", "swap.sigstore.json"]);
        }
        let shown =
            self.place.done(&["--format", "json", "agreement", "grant", "show", "swap.sigstore.json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        self.put_grant(run, "swap", shown["id"].as_str().unwrap());
    }

    /// Puts the files of a grant in the place of the true one's, and names it in the record.
    fn put_grant(&self, run: &Run, stem: &str, id: &str) {
        run.remove("evidence/consent");
        fs::create_dir_all(run.at("evidence/consent")).unwrap();
        for ending in [".sigstore.json", ".accepted.sigstore.json", ".accepted.tlog-proof"] {
            let from = self.place.path(&format!("{stem}{ending}"));
            if from.exists() {
                fs::copy(from, run.at(&format!("evidence/consent/{}{ending}", &id[..16]))).unwrap();
            }
        }
        run.record(|record| record["sources"][0]["grant"] = id.into());
    }
}

impl Run {
    /// As the maker: the plan changed, and pinned anew.
    fn replan(&self, old: &str, new: &str) {
        self.replace("plan.toml", old, new);
        let digest = Digest::of_file(&self.at("plan.toml")).unwrap().to_string();
        self.dependency("plan", |plan| plan["digest"]["sha256"] = digest.clone().into());
    }

    /// As the maker: every file of records without one record, pinned anew.
    fn records_but(&self, gone: &str) {
        for (at, name) in ["records-00000.parquet", "records-00001.parquet"].into_iter().enumerate() {
            let file = self.at("data").join(name);
            let shard = Shard::open(&file).unwrap();
            let mut all = shard.records().unwrap();
            all.retain(|record| record.id != gone);
            records::write(&file, shard.meta(), &all).unwrap();
            let digest = Digest::of_file(&file).unwrap().to_string();
            self.sign("data", &self.maker, |data| {
                data["subject"][at]["digest"]["sha256"] = digest.clone().into();
            });
        }
    }

    /// The lines of a file of JSON Lines, changed.
    fn lines(&self, name: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let text = fs::read_to_string(self.at(name)).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        change(&mut lines);
        fs::write(
            self.at(name),
            lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect::<Vec<u8>>(),
        )
        .unwrap();
    }

    /// As the maker: the manifest lists the receipts that are there.
    fn list_receipts(&self) {
        let text = fs::read(self.at("data/receipts.jsonl")).unwrap();
        let hashes: Vec<String> = parse_kept(&text)
            .unwrap()
            .into_iter()
            .filter_map(|line| match line {
                Line::Kept(kept) => Some(kept.receipt.hash().to_string()),
                Line::Lost { .. } => None,
            })
            .collect();
        self.record(|record| record["sources"][0]["receipts"] = json!(hashes));
    }

    /// The grant's file in the folder with an ending.
    fn consent(&self, ending: &str) -> String {
        let names = fs::read_dir(self.at("evidence/consent")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let found = names.filter(|name| name.ends_with(ending)).min_by_key(String::len).unwrap();
        format!("evidence/consent/{found}")
    }
}

/// A fraud, the code by which it must be found, and a word of its line.
type Fraud = (&'static str, fn(&World, &Run), &'static str, &'static str);

const FRAUDS: &[Fraud] = &[
    (
        "a grant that has expired",
        |world, run| world.swap_grant(run, &["--not-before", "2020-01-01", "--until", "2020-12-31"]),
        "grant-expired",
        "2020-12-31",
    ),
    (
        "a grant that was taken back",
        |world, run| {
            let copy = world.place.path("taken.sigstore.json");
            let _ = fs::remove_file(world.place.path("taken.revoked.sigstore.json"));
            fs::copy(world.place.path("nova.sigstore.json"), copy).unwrap();
            world.provider(&[
                "--quiet",
                "agreement",
                "grant",
                "revoke",
                "taken.sigstore.json",
                "--reason",
                "broken",
            ]);
            let stem = run.consent(".sigstore.json").replace(".sigstore.json", ".revoked.sigstore.json");
            fs::copy(world.place.path("taken.revoked.sigstore.json"), run.at(&stem)).unwrap();
        },
        "grant-revoked",
        "broken",
    ),
    (
        "a grant that was never accepted",
        |_, run| run.remove(&run.consent(".accepted.sigstore.json")),
        "grant-not-accepted",
        "countersignature",
    ),
    (
        "an acceptance that is in no log",
        |_, run| run.remove(&run.consent(".accepted.tlog-proof")),
        "grant-not-accepted",
        "log",
    ),
    (
        "a grant to another builder",
        |world, run| {
            fs::write(world.place.path("stranger.pub.pem"), stranger().public().to_pem()).unwrap();
            world.swap_grant(run, &["--to", "stranger.pub.pem"]);
        },
        "wrong-grantee",
        "given to the key",
    ),
    (
        "more tokens than granted",
        |world, run| world.swap_grant(run, &["--tokens", "3"]),
        "over-cap",
        "of 3 granted",
    ),
    (
        "a wider audience than granted",
        |world, run| world.swap_grant(run, &["--audience", "private"]),
        "wrong-audience",
        "reaches private",
    ),
    (
        "a larger student than granted",
        |world, run| world.swap_grant(run, &["--student-parameters", "1000"]),
        "student-too-large",
        "of 1000 granted",
    ),
    (
        "a grant about another model",
        |world, run| {
            let out = world.place.path("other-offer.toml");
            if !out.exists() {
                let words = [
                    "--quiet",
                    "agreement",
                    "new",
                    "--preset",
                    "odp-ask",
                    "--asset",
                    "wren",
                    "-o",
                    "other-offer.toml",
                ];
                world.provider(&words);
            }
            world.swap_grant(run, &["--offer", "other-offer.toml"]);
        },
        "wrong-asset",
        "another model",
    ),
    (
        "a grant that its issuer did not sign",
        |_, run| {
            let file = run.at(&run.consent(".sigstore.json"));
            let bundle = bundle::parse(&fs::read(&file).unwrap()).unwrap();
            let payload = bundle.envelope().payload().unwrap();
            fs::write(file, Bundle::sign_bytes(&payload, &stranger()).to_bytes().unwrap()).unwrap();
        },
        "broken-edge",
        "grant",
    ),
    ("a grant that is gone", |_, run| run.remove("evidence/consent"), "missing-file", "consent"),
    (
        "a grant planted beside",
        |world, run| {
            let from = world.place.path("nova.sigstore.json");
            fs::copy(from, run.at("evidence/consent/0123456789abcdef.sigstore.json")).unwrap();
        },
        "extra-file",
        "0123456789abcdef",
    ),
    (
        "a receipt with fewer tokens than the provider logged",
        |_, run| {
            run.lines("data/receipts.jsonl", |lines| {
                let leaf = lines[2]["receipt"]["leaf"].as_str().unwrap().to_owned();
                let spent = serde_json::from_str::<Value>(&leaf).unwrap()["spent"].to_string();
                let edited = leaf.replace(&format!("\"spent\":{spent}"), "\"spent\":1");
                lines[2]["receipt"]["leaf"] = edited.into();
            });
            run.list_receipts();
        },
        "forged-receipt",
        "proves",
    ),
    (
        "a receipt whose proof is another's",
        |_, run| {
            run.lines("evidence/receipts.jsonl", |lines| {
                let last = lines.len() - 1;
                let index = lines[last]["index"].clone();
                lines[last]["index"] = lines[last - 1]["index"].clone();
                lines[last - 1]["index"] = index;
            });
        },
        "forged-receipt",
        "not in the provider's log",
    ),
    (
        "an answer written by somebody else",
        |_, run| {
            run.records(|records| records[0].text = Some("As I was saying.".to_owned()));
            run.pin_records();
        },
        "forged-receipt",
        "another answer",
    ),
    (
        "a receipt of another tenant",
        |world, run| {
            let header = fs::read_to_string(world.place.path("other.txt")).unwrap();
            let receipt = Receipt::from_header(&header).unwrap();
            let hash = receipt.hash();
            let proof = world.fetched(&format!("proof/{hash}"));
            let proof = stillmark_ledger::proof::parse(proof.as_bytes()).unwrap();
            let path: Vec<String> = proof.path.iter().map(ToString::to_string).collect();
            run.lines("evidence/receipts.jsonl", |lines| {
                lines.push(json!({ "leaf": hash, "index": proof.index, "path": path }));
            });
            run.lines("data/receipts.jsonl", |lines| lines[0]["receipt"] = json!(receipt));
            run.list_receipts();
        },
        "foreign-receipt",
        "tenant",
    ),
    (
        "one receipt for two answers",
        |_, run| {
            run.records(|records| {
                let (receipt, text) = (records[0].receipt.clone(), records[0].text.clone());
                (records[1].receipt, records[1].text) = (receipt, text);
            });
            run.pin_records();
        },
        "replayed-receipt",
        "stands for",
    ),
    (
        "an answer without a receipt",
        |_, run| {
            run.records(|records| records[0].receipt = None);
            run.pin_records();
        },
        "missing-receipt",
        "1 records",
    ),
    (
        "a record left out",
        |_, run| {
            run.records(|records| drop(records.remove(1)));
            run.pin_records();
        },
        "dropped-record",
        "record is not here",
    ),
    (
        "a record left out with its receipt",
        |_, run| {
            let mut gone = String::new();
            run.lines("data/receipts.jsonl", |lines| {
                let third =
                    |line: &Value| line["receipt"]["leaf"].as_str().unwrap().contains("\"sequence\":3,");
                let at = lines.iter().position(third).unwrap();
                gone = lines.remove(at)["record"].as_str().unwrap().to_owned();
            });
            run.records_but(&gone);
            run.list_receipts();
        },
        "dropped-record",
        "receipt is not here",
    ),
    (
        "a teacher that is named nowhere",
        |_, run| {
            let file = run.at("data/records-00000.parquet");
            let shard = Shard::open(&file).unwrap();
            let records = shard.records().unwrap();
            let meta = Meta { teacher: "gull".to_owned(), ..shard.meta().clone() };
            records::write(&file, &meta, &records).unwrap();
            run.pin_records();
        },
        "undisclosed-teacher",
        "gull",
    ),
    (
        "answers of another model under the teacher's name",
        |_, run| run.record(|record| record["sources"][0]["teacher"]["name"] = "heron".into()),
        "undisclosed-teacher",
        "heron",
    ),
    (
        "a smaller share than the records hold",
        |_, run| run.record(|record| record["sources"][0]["share"] = 0.25.into()),
        "wrong-share",
        "0.25",
    ),
    (
        "another dataset in the place of the signed one",
        |_, run| run.records(|records| records.reverse()),
        "bad-digest",
        "records-00000",
    ),
    (
        "a card with another share",
        |_, run| run.replace("model/README.md", "    tern: 1.00000", "    tern: 0.50000"),
        "stillmark.shares.tern",
        "50",
    ),
    (
        "a bill of materials with another share",
        |_, run| run.replace("disclosure/cyclonedx-1.6.json", "1.00000", "0.50000"),
        "disclosure/cyclonedx-1.6.json",
        "0.5",
    ),
    (
        "a duty that the card is silent about",
        |_, run| run.replace("model/README.md", "Name tern among the teachers.", ""),
        "open-duty",
        "Name tern",
    ),
    (
        "a name that does not begin as a source's license asks",
        |_, run| run.replan("terms = [\"cc-by-4.0\"]", "terms = [\"llama3.3\"]"),
        "name-prefix",
        "Llama",
    ),
    (
        "a log of receipts that was cut back",
        |_, run| run.lines("evidence/receipts.jsonl", |lines| lines.swap(0, 1)),
        "stale-checkpoint",
        "later",
    ),
    (
        "a log of receipts that shows two histories",
        |_, run| {
            let folder = tempfile::tempdir().unwrap();
            let mut log = Log::create(folder.path(), log_key()).unwrap();
            let size = {
                let text = fs::read_to_string(run.at("evidence/receipts.jsonl")).unwrap();
                let line: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
                line["checkpoint"].as_str().unwrap().lines().nth(1).unwrap().parse::<u64>().unwrap()
            };
            let entries: Vec<[u8; 8]> = (0..size).map(u64::to_le_bytes).collect();
            let entries: Vec<&[u8]> = entries.iter().map(<[u8; 8]>::as_slice).collect();
            log.append(&entries).unwrap();
            run.lines("evidence/receipts.jsonl", |lines| {
                lines.insert(2, json!({ "checkpoint": log.checkpoint(), "consistency": [] }));
            });
        },
        "split-view",
        "did not grow",
    ),
    (
        "a log of receipts by another key",
        |_, run| {
            let folder = tempfile::tempdir().unwrap();
            let key = SigningKey::from_seed("provider.example/receipts", &[8; 32]).unwrap();
            let log = Log::create(folder.path(), key).unwrap();
            run.lines("evidence/receipts.jsonl", |lines| lines[0]["checkpoint"] = log.checkpoint().into());
        },
        "bad-log",
        "receipts.jsonl",
    ),
    (
        "the terms of another day under the same name",
        |_, run| run.record(|record| record["sources"][0]["terms"][0]["digest"] = "ab".repeat(32).into()),
        "altered-terms",
        "names",
    ),
    (
        "a milder verdict than the terms lead to",
        |_, run| run.record(|record| record["verdict"] = "permit".into()),
        "wrong-verdict",
        "permit-with-duties",
    ),
    (
        "a duty left out of record and disclosure",
        |_, run| {
            let without = |duties: &mut Value| {
                duties.as_array_mut().unwrap().retain(|duty| duty["id"] != "name-teachers");
            };
            run.record(|record| without(&mut record["duties"]));
            run.sign("disclosure", &run.maker, |all| without(&mut all["predicate"]["duties"]));
        },
        "wrong-verdict",
        "name-teachers",
    ),
    (
        "a grant that the builder gave itself",
        |world, run| {
            let words = [
                "--quiet",
                "agreement",
                "grant",
                "issue",
                "--to",
                "nova.pub.pem",
                "--name",
                "Acme",
                "--offer",
                "provider/distillation.toml",
                "--permit",
                "train-on-outputs",
                "--until",
                "2099-12-31",
                "-o",
                "own.sigstore.json",
            ];
            if !world.place.path("own.sigstore.json").exists() {
                world.place.done(&words);
                world.place.done(&["--quiet", "agreement", "accept", "own.sigstore.json"]);
            }
            let shown =
                world.place.done(&["--format", "json", "agreement", "grant", "show", "own.sigstore.json"]);
            let shown: Value = serde_json::from_str(&shown).unwrap();
            world.put_grant(run, "own", shown["id"].as_str().unwrap());
        },
        "wrong-grantee",
        "to itself",
    ),
    (
        "a source that names no grant",
        |_, run| run.record(|record| drop(record["sources"][0].as_object_mut().unwrap().remove("grant"))),
        "broken-edge",
        "one and the same",
    ),
    (
        "a plan with milder terms than the record's",
        |_, run| run.replan("terms = [\"odp-ask\"]", "terms = [\"apache-2.0\"]"),
        "broken-edge",
        "apache-2.0",
    ),
    (
        "answers told as unused",
        |_, run| {
            run.lines("data/receipts.jsonl", |lines| lines[0]["unused"] = true.into());
        },
        "dropped-record",
        "told as nothing",
    ),
    (
        "a run without its days",
        |_, run| {
            run.sign("run", &run.maker, |run| {
                drop(run["predicate"]["runDetails"]["metadata"].as_object_mut().unwrap().remove("startedOn"));
            });
        },
        "grant-expired",
        "which days",
    ),
    (
        "an API's model under no offer",
        |_, run| {
            run.record(|record| {
                drop(record["sources"][0]["teacher"].as_object_mut().unwrap().remove("offer"));
            });
        },
        "wrong-asset",
        "neither",
    ),
    (
        "another offer beside the record",
        |_, run| run.replace("evidence/consent/distillation.toml", "tern", "wren"),
        "bad-digest",
        "distillation.toml",
    ),
    (
        "statements signed by somebody else",
        |_, run| run.sign("run", &stranger(), |_| ()),
        "broken-edge",
        "signer",
    ),
    (
        "the builder's own log cut back",
        |_, run| {
            let folder = tempfile::tempdir().unwrap();
            let name = fs::read_to_string(run.at("evidence/log/checkpoint")).unwrap();
            let origin = name.lines().next().unwrap();
            let pem = run.maker.to_pem().unwrap();
            let seed = Digest::of(format!("stillmark log key v1\n{pem}").as_bytes());
            let key = SigningKey::from_seed(origin, seed.as_bytes()).unwrap();
            let log = Log::create(folder.path(), key).unwrap();
            fs::write(run.at("evidence/log/checkpoint"), log.checkpoint()).unwrap();
        },
        "stale-checkpoint",
        "evidence/log",
    ),
];

/// What a defrauded folder is said to be; why that will not do, where it will not.
fn judged(world: &World, (what, commit, code, word): &Fraud) -> Result<(), String> {
    let place = &world.place;
    commit(world, &world.copied("fraud"));
    let output = place.stillmark(&["verify", "fraud"]).output().unwrap();
    let said = told(&output);
    let is_named = said.lines().any(|line| {
        let (mark, rest) = line.trim_start().split_once(' ').unwrap_or_default();
        matches!(mark, "fail" | "CONTRADICTION") && rest.trim_start().starts_with(code) && rest.contains(word)
    });
    if output.status.code() == Some(1) && is_named {
        return Ok(());
    }
    Err(format!("{what}: {code} with `{word}` is not said, or not with exit code 1:\n{said}"))
}

#[test]
fn a_granted_run_verifies_and_every_fraud_is_found_by_its_name() {
    let world = World::consented();
    let said = world.place.done(&["verify", "run"]);
    for word in ["pass         grant", "pass         receipts", "pass         judgment"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    world.place.done(&["--quiet", "report", "run", "-o", "report.html"]);
    let page = fs::read_to_string(world.place.path("report.html")).unwrap();
    assert!(page.contains("Acme") && page.contains("countersigned on") && page.contains("100000"));
    // The folder is judged by what it holds, wherever it lies.
    let ruling = world.place.done(&["agreement", "check", "run"]);
    let anybody = world.provider(&["agreement", "check", "run"]);
    assert!(anybody.contains("grant permits it."), "{anybody}");
    assert!(ruling.contains("grant permits it."), "{ruling}");
    assert!(25 <= FRAUDS.len());
    let wrong: Vec<String> = FRAUDS.iter().filter_map(|fraud| judged(&world, fraud).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_is_not_trusted_is_said_and_nothing_is_decided() {
    let world = World::consented();
    let own = world.place.path("nova.pub.pem");
    let said = world.place.ends(3, &["verify", "run", "--trust", own.to_str().unwrap()]);
    assert!(said.contains("unknown-signer") && said.contains("Acme"), "{said}");
    assert!(!said.contains("\n  fail "), "{said}");
    world.provider(&[
        "--quiet",
        "verify",
        "run",
        "--trust",
        own.to_str().unwrap(),
        "--trust",
        "home/.config/stillmark/trusted/provider.pub.pem",
    ]);
}

#[test]
fn a_terms_pack_that_nobody_knows_hides_nothing() {
    let world = World::consented();
    let run = world.copied("hidden");
    run.dependency("terms-pack", |pack| pack["digest"]["sha256"] = "cd".repeat(32).into());
    run.remove("evidence/consent");
    run.record(|record| drop(record["sources"][0].as_object_mut().unwrap().remove("grant")));
    let said = told(&world.place.stillmark(&["verify", "hidden"]).output().unwrap());
    assert!(said.contains("inconclusive judgment") && said.contains("not-permitted"), "{said}");
}

#[test]
fn an_answer_told_as_lost_is_inconclusive() {
    let world = World::consented();
    let run = world.copied("lost");
    run.lines("data/receipts.jsonl", |lines| lines.push(json!({ "lost": 99 })));
    let said = world.place.ends(3, &["verify", "lost"]);
    assert!(said.contains("inconclusive receipts") && said.contains("answer 99"), "{said}");
}

#[test]
fn what_was_not_granted_is_not_begun() {
    let mut world =
        World::granted(&["--permit", "train-on-outputs", "--tokens", "60", "--until", "2099-12-31"]);
    let place = &world.place;
    let forbidden = place.ends(1, &["distill", "run", "plan.toml", "--out", "run"]);
    assert!(forbidden.contains("not permitted") && forbidden.contains("No countersignature"), "{forbidden}");
    place.done(&["agreement", "accept", "nova.sigstore.json"]);
    let again = place.ends(2, &["agreement", "accept", "nova.sigstore.json"]);
    assert!(again.contains("accepted on") && again.contains("already"), "{again}");
    world.open();
    let over = world.place.ends(2, &["distill", "run", "plan.toml", "--out", "run"]);
    assert!(over.contains("at most 60 tokens") && over.contains("up to 72 tokens"), "{over}");
    assert!(!world.place.path("run/data/records-00000.parquet").exists());
    // The provider takes it back: whoever asks before spending is told.
    world.provider(&[
        "--quiet",
        "agreement",
        "grant",
        "revoke",
        "nova.sigstore.json",
        "--reason",
        "changed our mind",
    ]);
    let revoked = fs::read(world.place.path("nova.revoked.sigstore.json")).unwrap();
    fs::remove_file(world.place.path("nova.revoked.sigstore.json")).unwrap();
    let id = world.shown()["id"].as_str().unwrap().to_owned();
    fs::create_dir_all(world.place.path("provider/revocations")).unwrap();
    fs::write(world.place.path("provider/revocations").join(id), revoked).unwrap();
    let told = world.place.ends(1, &["distill", "run", "plan.toml", "--out", "run"]);
    assert!(told.contains("changed our mind") || told.contains("not permitted"), "{told}");
    let shown = world.place.done(&["agreement", "grant", "show", "nova.sigstore.json"]);
    assert!(shown.contains("revoked") && shown.contains("changed our mind"), "{shown}");
}
