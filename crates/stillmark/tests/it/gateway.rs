//! The gateway as a program: real clients, signals, kills.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::consent::provider::log_key;
use crate::consent::{USUAL, World};
use crate::place::{Place, told};

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
state = "state"
shutdown_seconds = 5

[limits]
answer_tokens = 64
[limits.key]
requests_per_minute = 1000

[[upstream]]
name = "local"
url = "embedded:tiny"
models = ["tiny"]
"#;

/// A gateway at work in a place.
struct Served {
    process: Child,
    address: String,
}

impl Served {
    fn start(place: &Place) -> Self {
        Self::run(place.stillmark(&["gateway", "serve", "gateway.toml"]))
    }

    fn run(mut serve: Command) -> Self {
        let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it ended before it listened").unwrap();
            if let Some(address) = line.strip_prefix("listening at http://") {
                break address.to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// The status and the rest of an answer to a chat request.
    fn chat(&self, key: &str, max_tokens: u64) -> (u16, String) {
        self.chat_with(key, "tiny", max_tokens)
    }

    fn chat_with(&self, key: &str, model: &str, max_tokens: u64) -> (u16, String) {
        let body = format!(
            r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"max_tokens":{max_tokens},"temperature":0}}"#
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nconnection: close\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer[9..12].parse().unwrap(), answer)
    }

    fn signal(&self, name: &str) {
        let signaled = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(signaled.success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn place() -> Place {
    let place = Place::tiny("", 0);
    std::fs::write(place.path("gateway.toml"), CONFIG).unwrap();
    place
}

fn key(place: &Place, more: &[&str]) -> String {
    let words = [&["--quiet", "gateway", "key", "new", "gateway.toml", "--name", "nova"], more].concat();
    place.done(&words).trim().to_owned()
}

/// Runs a client's script against a gateway, where the client is at hand.
fn client(program: Option<OsString>, script: &str) {
    let Some(program) = program else {
        println!("skipped: the client of {script} is not installed; `cargo xtask test` installs it");
        return;
    };
    let place = place();
    let served = Served::start(&place);
    let keys = [key(&place, &[]), key(&place, &["--requests-per-minute", "20"])];
    std::thread::sleep(Duration::from_secs(1));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(script);
    let output = Command::new(program)
        .arg(script)
        .arg(format!("http://{}/v1", served.address))
        .args(keys)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn openai_python_is_served() {
    client(std::env::var_os("STILLMARK_TEST_CLIENTS"), "clients.py");
}

#[test]
fn openai_node_is_served() {
    client(std::env::var_os("STILLMARK_NODE_CLIENTS").map(|_| "node".into()), "clients.mjs");
}

#[test]
fn keys_are_known_and_revoked_while_it_runs() {
    let place = place();
    let served = Served::start(&place);
    assert_eq!(served.chat("sm_nothing", 4).0, 401);
    let key = key(&place, &[]);
    let known = Instant::now();
    while served.chat(&key, 4).0 != 200 {
        assert!(known.elapsed() < Duration::from_secs(5));
    }
    let id = &key[3..15];
    let listed = place.done(&["gateway", "key", "list", "gateway.toml"]);
    assert!(listed.contains(id) && !listed.contains(&key[16..59]));
    place.done(&["gateway", "key", "revoke", "gateway.toml", id]);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(served.chat(&key, 4).0, 401);
}

#[test]
fn a_killed_gateway_forgets_nothing_that_was_taken() {
    let place = place();
    let key = key(&place, &["--answer-tokens", "100"]);
    let mut served = Served::start(&place);
    let mut taken = 0;
    for _ in 0..3 {
        let (status, answer) = served.chat(&key, 20);
        assert_eq!(status, 200, "{answer}");
        let usage = answer.split("\"completion_tokens\":").nth(1).unwrap();
        taken += usage.split(',').next().unwrap().parse::<u64>().unwrap();
        served.signal("-KILL");
        served.process.wait().unwrap();
        served = Served::start(&place);
    }
    assert_eq!(served.chat(&key, 101 - taken).0, 429, "{taken}");
    assert_eq!(served.chat(&key, 100 - taken).0, 200, "{taken}");
}

#[test]
fn it_ends_well_when_it_is_told_to() {
    let place = place();
    let key = key(&place, &[]);
    let mut served = Served::start(&place);
    assert_eq!(served.chat(&key, 4).0, 200);
    served.signal("-TERM");
    let begun = Instant::now();
    assert_eq!(served.process.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

/// A provider and a builder who has accepted its grant; a gateway in the provider's name, and the builder's key for it.
fn provided() -> (World, Served) {
    let mut world = World::granted(USUAL);
    world.place.done(&["agreement", "accept", "nova.sigstore.json"]);
    let shown = world.shown();
    let of = |key: &str| shown[key].as_str().unwrap().to_owned();
    std::fs::create_dir(world.place.path("state")).unwrap();
    let key = world.place.path("state/receipts.key");
    std::fs::write(&key, log_key().encode()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!(
        "offer = \"distillation.toml\"\n{}\n[grants]\nfolder = \"grants\"\n[receipts]\nlog = \"provider.example/receipts\"\n",
        CONFIG
            .replace("127.0.0.1:0", &world.address)
            .replace("embedded:tiny", &format!("embedded:{}", world.model.display()))
            .replace("\"tiny\"", "\"tern\"")
    );
    std::fs::write(world.place.path("gateway.toml"), config).unwrap();
    std::fs::create_dir(world.place.path("grants")).unwrap();
    hand_over(&world);
    let key = key_of(&world, &of("grantee"), Some(&of("id")));
    std::fs::write(world.place.path("api.key"), key).unwrap();
    let plan = std::fs::read_to_string(world.place.path("plan.toml")).unwrap();
    let plan = plan.replace("[teacher]\n", "[teacher]\nkey_file = \"api.key\"\n");
    std::fs::write(world.place.path("plan.toml"), plan).unwrap();
    drop(world.listener.take());
    let served = Served::start(&world.place);
    (world, served)
}

/// Puts the grant, as both parties left it, where the gateway looks.
fn hand_over(world: &World) {
    for ending in
        [".sigstore.json", ".accepted.sigstore.json", ".accepted.tlog-proof", ".revoked.sigstore.json"]
    {
        let name = format!("nova{ending}");
        if world.place.path(&name).exists() {
            std::fs::copy(world.place.path(&name), world.place.path("grants").join(&name)).unwrap();
        }
    }
}

fn key_of(world: &World, tenant: &str, grant: Option<&str>) -> String {
    let mut words =
        vec!["--quiet", "gateway", "key", "new", "gateway.toml", "--name", "nova", "--tenant", tenant];
    if let Some(grant) = grant {
        words.extend(["--grant", grant, "--answer-tokens", "100000"]);
    }
    world.place.done(&words).trim().to_owned()
}

#[test]
fn what_is_distilled_through_it_verifies_with_its_receipts() {
    let (world, served) = provided();
    world.place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    let told = world.place.done(&["verify", "run"]);
    assert!(told.contains("receipt"), "{told}");
    // A receipt of somebody else, whose key is under no grant, does not pass for one of this builder's.
    let other = key_of(&world, &"ab".repeat(32), None);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(served.chat_with(&other, "tern", 4).0, 200);
    std::fs::write(world.place.path("api.key"), other).unwrap();
    let told = world.place.ends(2, &["--quiet", "distill", "run", "plan.toml", "--out", "stolen"]);
    assert!(told.contains("receipt") || told.contains("grant"), "{told}");
}

#[test]
fn a_grant_is_held_against_every_request_under_it() {
    let (world, served) = provided();
    let shown = world.shown();
    let of = |name: &str| shown[name].as_str().unwrap().to_owned();
    let stranger = key_of(&world, &"ab".repeat(32), Some(&of("id")));
    let unknown = key_of(&world, &of("grantee"), Some(&"cd".repeat(32)));
    let own = std::fs::read_to_string(world.place.path("api.key")).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let refused = |key: &str, model: &str| {
        let (status, answer) = served.chat_with(key, model, 4);
        assert_eq!(status, 403, "{answer}");
        answer
    };
    assert_eq!(served.chat_with(&own, "tern", 4).0, 200);
    // Another tenant takes nothing under this grant, nor anybody under one that the provider does not hold.
    assert!(refused(&stranger, "tern").contains("\"wrong-grantee\""));
    assert!(refused(&unknown, "tern").contains("\"grant-unknown\""));
    // Its cap holds for every answer together, whatever the key allows.
    let cap = served.chat_with(&own, "tern", 100_001);
    assert!(cap.0 == 429 && cap.1.contains("insufficient_quota"), "{}", cap.1);
    let id = of("id");
    let revocation = || {
        let mut stream = TcpStream::connect(&served.address).unwrap();
        write!(
            stream,
            "GET /.well-known/stillmark/revocations/{id} HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(revocation().starts_with("HTTP/1.1 404"));
    world.provider(&[
        "--quiet",
        "agreement",
        "grant",
        "revoke",
        "nova.sigstore.json",
        "--reason",
        "changed our mind",
    ]);
    hand_over(&world);
    let begun = Instant::now();
    while served.chat_with(&own, "tern", 4).0 == 200 {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    let answer = refused(&own, "tern");
    assert!(answer.contains("\"grant-revoked\"") && answer.contains("changed our mind"), "{answer}");
    let revoked = revocation();
    assert!(revoked.starts_with("HTTP/1.1 200") && revoked.contains("dsseEnvelope"), "{revoked}");
    served.signal("-TERM");
}
