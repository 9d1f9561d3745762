//! A consented run from end to end: a provider grants, a builder distills a real small model under the grant with the
//! reference issuer's receipts, and `verify` passes; then every fraud is found by its own name.

#[path = "../../fixture/provider.rs"]
mod provider;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use provider::{Provider, Terms, log_key};
use serde_json::Value;
use stillmark_evidence::Digest;
use stillmark_evidence::keys::PublicKey;

use crate::place::{Place, told};

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
    listener: Option<TcpListener>,
    model: PathBuf,
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

const USUAL: &[&str] = &[
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

#[test]
fn a_granted_run_verifies() {
    let mut world = World::granted(USUAL);
    let place = &world.place;
    let review = place.ends(1, &["agreement", "check", "plan.toml"]);
    assert!(review.contains("No countersignature"), "{review}");
    place.done(&["agreement", "accept", "nova.sigstore.json"]);
    let permit = place.done(&["agreement", "check", "plan.toml"]);
    assert!(permit.contains("The provider's grant permits it."), "{permit}");
    world.open();
    world.place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    let said = world.place.done(&["verify", "run"]);
    for word in ["pass         grant", "pass         receipts"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let _ = PublicKey::from_pem;
}
