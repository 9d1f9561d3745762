//! A teacher behind an API: a server in the test answers, fails and answers again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use stillmark_distill::capture::{Journal, paths};
use stillmark_distill::feed::read_records;
use stillmark_distill::records::Record;
use stillmark_distill::run::{Outcome, Run};
use stillmark_distill::teach::RemoteTeacher;
use stillmark_distill::{Error, Plan, Setup, Tokens};
use stillmark_evidence::Digest;
use stillmark_model::remote::{Endpoint, Patience, Pause, Secret};
use stillmark_model::{Checkpoint, Error as ModelError};

use crate::tiny::{self, END, TOKENS, config, permit, write_model, write_prompts};

/// A reply over the wire.
type Reply = String;

fn http(status: &str, body: &str) -> Reply {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn read_body(stream: &mut TcpStream) -> Value {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Answers so many questions, each by its number and its body, and gives back the bodies.
fn serve(questions: usize, answer: fn(usize, &Value) -> Reply) -> (String, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let one = |number| {
            let mut stream = listener.accept().unwrap().0;
            let body = read_body(&mut stream);
            stream.write_all(answer(number, &body).as_bytes()).unwrap();
            body
        };
        (0..questions).map(one).collect()
    });
    (url, thread)
}

/// "hej" in three tokens: the pair `he`, a letter whose second alternative is no token of ours, and the hidden end.
fn friendly(_: usize, _: &Value) -> Reply {
    let alternative = |token: &str, probability: f64| json!({ "token": token, "logprob": probability.ln() });
    let token = |token: &str, probability: f64, others: &[(&str, f64)]| {
        let top: Vec<Value> =
            [(token, probability)].iter().chain(others).map(|(t, p)| alternative(t, *p)).collect();
        json!({ "token": token, "logprob": probability.ln(), "top_logprobs": top })
    };
    let content = [
        token("he", 0.5, &[("a", 0.25)]),
        token("j", 0.5, &[("unheard-of", 0.25), ("k", 0.125)]),
        token("", 0.75, &[("!", 0.125)]),
    ];
    let choice = json!({
        "message": { "content": "hej" }, "finish_reason": "stop", "logprobs": { "content": content },
    });
    http("200 OK", &json!({ "choices": [choice] }).to_string())
}

struct AtOnce;

impl Pause for AtOnce {
    fn sleep(&self, _: Duration) {}

    fn random(&self) -> f64 {
        0.5
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        base_url: url.to_owned(),
        model: "big".to_owned(),
        key: Some(Secret::new("sk-secret")),
        proxy: None,
        timeout: Duration::from_secs(20),
        concurrency: 1,
        patience: Patience {
            attempts: 2,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(2),
        },
    }
}

/// A folder with six prompts, a tokenizer's model and a student's config.
struct Ground {
    folder: tempfile::TempDir,
    words: Checkpoint,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_model(&folder.path().join("words"), &config(TOKENS), 3, "th");
        write_prompts(folder.path(), 6);
        std::fs::write(folder.path().join("student.json"), config(TOKENS).to_json().to_string()).unwrap();
        let words = Checkpoint::open(&folder.path().join("words")).unwrap();
        Self { folder, words }
    }

    fn base(&self) -> &Path {
        self.folder.path()
    }

    fn run<'a>(&'a self, plan: &'a Plan, folder: &'a Path) -> Run<'a> {
        let tokens = Tokens::of(&self.words).unwrap();
        let (base, teacher_name) = (self.base(), "big");
        Run::open(
            &permit(plan),
            Setup { plan, base, folder, tokens, teacher: None, teacher_name, offer: None, tool: "test" },
        )
        .unwrap()
    }

    /// Asks the server at `url` for what is not yet captured in `folder`.
    fn capture(&self, plan: &Plan, url: &str, folder: &Path) -> Result<Outcome, Error> {
        let endpoint = endpoint(url);
        let tokens = Tokens::of(&self.words).unwrap();
        let mut teacher = RemoteTeacher::new(plan, tokens, &endpoint, &AtOnce, &folder.join("data")).unwrap();
        let go_on = &mut |_| ControlFlow::Continue(());
        self.run(plan, folder).capture(&permit(plan), &mut teacher, go_on)
    }
}

fn plan(sources: &str, capture: &str, train: &str) -> Plan {
    let teacher = "model = \"big\"\nurl = \"http://127.0.0.1:9/v1\"\ntokenizer = \"words\"\napi = \"chat\"";
    let teacher = if capture.contains("# completions") {
        teacher.replace("chat", "completions")
    } else {
        teacher.to_owned()
    };
    tiny::plan("{ from = \"config\", path = \"student.json\" }", &teacher, sources, capture, train)
}

const PROMPTS: &str = "[[prompts]]\nfile = \"prompts.jsonl\"\nterms = [\"cc0-1.0\"]";

fn files(plan: &Plan, folder: &Path) -> Vec<PathBuf> {
    let data = folder.join("data");
    paths(&data, &Journal::open(&data, &plan.digest().to_string()).unwrap().shards)
}

fn near(row: (&[u32], &[f32]), expected: &[(u32, f64)]) {
    let (ids, values) = row;
    assert_eq!(ids, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    for (value, (_, probability)) in values.iter().zip(expected) {
        assert!((f64::from(*value).exp() - probability).abs() < 1e-6, "{value} is not ln {probability}");
    }
}

#[test]
fn answers_become_records_and_records_a_student() {
    let ground = Ground::new();
    let plan = plan(PROMPTS, "top_logprobs = 3\nsystem = \"Be brief.\"", "");
    let folder = ground.base().join("run");
    let (url, server) = serve(6, friendly);
    assert_eq!(ground.capture(&plan, &url, &folder).unwrap(), Outcome::Done);
    let asked = server.join().unwrap();
    assert_eq!(asked[0]["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    assert_eq!((&asked[0]["max_tokens"], &asked[0]["top_logprobs"]), (&json!(12), &json!(3)));
    let records = read_records(&files(&plan, &folder)).unwrap();
    assert_eq!(records.len(), 6);
    let Record { input_ids, prompt_len, top, tail_logmass, .. } = &records[0];
    let token = |text: &str| ground.words.tokenizer().unwrap().encode(text).unwrap()[0];
    assert_eq!(input_ids[*prompt_len..], [token("he"), token("j"), END]);
    // The alternatives of a token stand where it was predicted; what is no token of ours is in the tail.
    near(top.at(prompt_len - 1), &[(token("he"), 0.5), (token("a"), 0.25)]);
    near(top.at(*prompt_len), &[(token("j"), 0.5), (token("k"), 0.125)]);
    near(top.at(prompt_len + 1), &[(END, 0.75), (token("!"), 0.125)]);
    assert!((tail_logmass[*prompt_len].exp() - 0.375).abs() < 1e-6);
    assert!(top.at(prompt_len - 2).0.is_empty() && top.at(prompt_len + 2).0.is_empty());
    assert!(!folder.join("data/.answers.jsonl").exists(), "answers that lie in a shard are not kept twice");

    let run = ground.run(&plan, &folder);
    let mut losses = Vec::new();
    let mut listener = |event| {
        if let stillmark_distill::run::Event::Train(event) = event
            && let stillmark_distill::course::Event::Step { record, .. } = *event
        {
            losses.push(record.loss);
        }
        ControlFlow::Continue(())
    };
    assert_eq!(run.train(&mut listener).unwrap(), Outcome::Done);
    assert_eq!(run.export(&mut listener).unwrap(), Outcome::Done);
    assert!(
        losses.len() == 6 && losses[5] < losses[0] && losses.iter().all(|loss| *loss > 0.0),
        "{losses:?}"
    );
    assert!(Checkpoint::open(&folder.join("model")).is_ok());
}

fn refuse_from_the_third(number: usize, body: &Value) -> Reply {
    match number {
        0 | 1 => friendly(number, body),
        _ => http("401 Unauthorized", r#"{"error":{"message":"bad key sk-secret"}}"#),
    }
}

#[test]
fn an_answer_that_came_is_never_asked_for_again() {
    let ground = Ground::new();
    let plan = plan(PROMPTS, "top_logprobs = 3", "");
    let (whole, pieces) = (ground.base().join("whole"), ground.base().join("pieces"));
    let (url, server) = serve(6, friendly);
    ground.capture(&plan, &url, &whole).unwrap();
    let all = server.join().unwrap();
    // Twice refused: first inside the first shard, then inside the second one.
    let mut asked = Vec::new();
    for questions in [3, 3] {
        let (url, server) = serve(questions, refuse_from_the_third);
        let error = ground.capture(&plan, &url, &pieces).unwrap_err();
        assert!(matches!(&error, Error::Model(ModelError::Refused { status: 401, .. })), "{error}");
        assert!(!error.to_string().contains("sk-secret"), "{error}");
        let seen = server.join().unwrap();
        asked.extend(seen[..2].to_vec());
    }
    // A line cut short by a kill is no answer.
    let kept = pieces.join("data/.answers.jsonl");
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&kept)
        .unwrap()
        .write_all(b"{\"number\":5,")
        .unwrap();
    let (url, server) = serve(2, friendly);
    assert_eq!(ground.capture(&plan, &url, &pieces).unwrap(), Outcome::Done);
    asked.extend(server.join().unwrap());
    assert_eq!(asked, all);
    let digests = |folder: &Path| -> Vec<Digest> {
        files(&plan, folder).iter().map(|file| Digest::of_file(file).unwrap()).collect()
    };
    assert_eq!(digests(&whole), digests(&pieces));
}

#[test]
fn every_failure_is_one_error_and_loses_nothing() {
    type Failing = fn(usize, &Value) -> Reply;
    let failures: [(&str, usize, Failing); 6] = [
        ("refused with status 401", 1, |_, _| http("401 Unauthorized", "{}")),
        ("status 429: slow", 2, |_, _| http("429 Too Many Requests", "slow")),
        ("status 500: oops", 2, |_, _| http("500 Internal Server Error", "oops")),
        ("not as promised", 1, |_, _| http("200 OK", "<html>")),
        ("server gives none", 1, |_, _| http("200 OK", r#"{"choices":[{"message":{"content":"hi"}}]}"#)),
        ("gave no answer in 2 attempts", 2, |number, body| {
            let whole = friendly(number, body);
            whole[..whole.len() - 9].to_owned()
        }),
    ];
    let ground = Ground::new();
    let plan = plan(PROMPTS, "top_logprobs = 3", "");
    let folder = ground.base().join("run");
    for (says, questions, failing) in failures {
        let (url, server) = serve(questions, failing);
        let error = ground.capture(&plan, &url, &folder).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        server.join().unwrap();
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = ground.capture(&plan, &format!("http://{closed}/v1"), &folder).unwrap_err();
    assert!(matches!(error, Error::Model(ModelError::Unreachable { attempts: 2, .. })), "{error}");
    let (url, server) = serve(6, friendly);
    assert_eq!(ground.capture(&plan, &url, &folder).unwrap(), Outcome::Done);
    server.join().unwrap();
}

/// Cuts its answer otherwise than our tokenizer.
fn foreign(_: usize, _: &Value) -> Reply {
    let token = |token: &str| json!({ "token": token, "logprob": -0.5, "top_logprobs": [{ "token": token, "logprob": -0.5 }] });
    let choice = json!({
        "message": { "content": "hej" }, "finish_reason": "length", "logprobs": { "content": [token("h"), token("ej")] },
    });
    http("200 OK", &json!({ "choices": [choice] }).to_string())
}

#[test]
fn log_probabilities_of_other_tokens_are_left_out() {
    let ground = Ground::new();
    let folder = ground.base().join("run");
    let plan = plan(PROMPTS, "top_logprobs = 3", "losses = [{ name = \"forward-kl\" }, { name = \"ce\" }]");
    let (url, server) = serve(6, foreign);
    ground.capture(&plan, &url, &folder).unwrap();
    server.join().unwrap();
    let record = &read_records(&files(&plan, &folder)).unwrap()[0];
    // What stands before the first difference is the teacher's opinion of our text; the rest is not.
    let known: Vec<usize> =
        (0..record.input_ids.len()).filter(|at| !record.top.at(*at).0.is_empty()).collect();
    assert_eq!(known, [record.prompt_len - 1]);
    assert_eq!(record.input_ids.len() - record.prompt_len, 2);
}

fn plain(_: usize, _: &Value) -> Reply {
    http("200 OK", r#"{"choices":[{"message":{"content":"hej"},"finish_reason":"stop"}]}"#)
}

#[test]
fn an_api_without_log_probabilities_teaches_by_its_text() {
    let ground = Ground::new();
    let folder = ground.base().join("run");
    let plan = plan(PROMPTS, "top_logprobs = 0", "losses = [{ name = \"ce\" }]");
    let (url, server) = serve(6, plain);
    ground.capture(&plan, &url, &folder).unwrap();
    assert!(server.join().unwrap().iter().all(|body| body.get("logprobs").is_none()));
    let run = ground.run(&plan, &folder);
    assert_eq!(run.train(&mut |_| ControlFlow::Continue(())).unwrap(), Outcome::Done);
}

/// Echoes a text, letter by letter, with what was expected in each letter's place.
fn echo(_: usize, body: &Value) -> Reply {
    let letters: Vec<String> = body["prompt"].as_str().unwrap().chars().map(String::from).collect();
    let log_probs: Vec<Option<f64>> = (0..=letters.len()).map(|at| (at > 0).then_some(-1.0)).collect();
    let tops: Vec<Value> = letters
        .iter()
        .enumerate()
        .map(|(at, letter)| if at > 0 { json!({ letter: -1.0 }) } else { Value::Null })
        .collect();
    let tokens = [letters, vec!["?".to_owned()]].concat();
    let tops = [tops, vec![json!({ "?": -1.0 })]].concat();
    let logprobs = json!({ "tokens": tokens, "token_logprobs": log_probs, "top_logprobs": tops });
    let choice = json!({ "text": "", "finish_reason": "length", "logprobs": logprobs });
    http("200 OK", &json!({ "choices": [choice] }).to_string())
}

#[test]
fn texts_are_scored_by_echo() {
    let ground = Ground::new();
    let folder = ground.base().join("run");
    let lines: Vec<String> =
        (0..4).map(|at| json!({ "id": at.to_string(), "text": format!("a b{at}") }).to_string()).collect();
    std::fs::write(ground.base().join("texts.jsonl"), lines.join("\n")).unwrap();
    let plan = plan(
        "[[texts]]\nfile = \"texts.jsonl\"\nterms = [\"cc0-1.0\"]",
        "top_logprobs = 2 # completions",
        "",
    );
    let (url, server) = serve(4, echo);
    ground.capture(&plan, &url, &folder).unwrap();
    let asked = server.join().unwrap();
    assert_eq!((&asked[0]["echo"], &asked[0]["logprobs"]), (&json!(true), &json!(2)));
    for record in read_records(&files(&plan, &folder)).unwrap() {
        let next: Vec<u32> = (0..3).map(|at| record.top.at(at).0[0]).collect();
        assert_eq!((next.as_slice(), record.prompt_len), (&record.input_ids[1..], 0));
        assert!(record.top.at(3).0.is_empty());
    }
}
