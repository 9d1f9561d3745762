//! The remote teacher against servers of our own on this machine: what they answer is scripted, and nobody sleeps.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use stillmark_model::Error;
use stillmark_model::remote::{
    Endpoint, Message, Patience, Pause, Prompt, Question, Reply, Scope, Secret, ask_all,
};

/// Notes the waits instead of waiting; chance always says one half.
#[derive(Default)]
struct Notes(Mutex<Vec<Duration>>);

impl Pause for Notes {
    fn sleep(&self, wait: Duration) {
        self.0.lock().unwrap().push(wait);
    }

    fn random(&self) -> f64 {
        0.5
    }
}

/// What one connection brings: status line and headers, then the body, then the connection closes.
fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn chat(text: &str) -> String {
    let choice =
        json!({ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" });
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8 });
    reply(
        "200 OK",
        "",
        &json!({ "id": "x", "model": "m-1", "choices": [choice], "usage": usage }).to_string(),
    )
}

/// A request as the server saw it: the head in lower case, and the body.
#[derive(Debug)]
struct Seen {
    head: String,
    body: Value,
}

fn read_request(stream: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Seen { head, body: serde_json::from_slice(&body).unwrap() }
}

/// Answers one connection after another from the script, then closes; returns what was asked.
fn serve(script: Vec<String>) -> (String, JoinHandle<Vec<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let answer = |reply: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let seen = read_request(&mut stream);
            stream.write_all(reply.as_bytes()).unwrap();
            seen
        };
        script.into_iter().map(answer).collect()
    });
    (url, thread)
}

const KEY: &str = "sk-very-secret";

fn endpoint(base_url: &str) -> Endpoint {
    Endpoint {
        base_url: base_url.to_owned(),
        model: "m".to_owned(),
        key: Some(Secret::new(&format!(" {KEY}\n"))),
        proxy: None,
        timeout: Duration::from_secs(20),
        concurrency: 1,
        patience: Patience {
            attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
        },
    }
}

fn question(text: &str) -> Question {
    Question {
        prompt: Prompt::Chat(vec![Message { role: "user".to_owned(), content: text.to_owned() }]),
        max_tokens: 16,
        temperature: 0.5,
        top_p: Some(0.75),
        seed: Some(7),
        top_logprobs: None,
        scope: Scope::Answer,
    }
}

/// Asks one question of a scripted server: the outcome, the waits, and what the server saw.
fn ask(question: Question, script: Vec<String>) -> (Result<Reply, Error>, Vec<Duration>, Vec<Seen>) {
    let (url, server) = serve(script);
    let notes = Notes::default();
    let mut found = None;
    let run = ask_all(&endpoint(&url), &notes, &mut [question].into_iter(), &mut |idx, reply| {
        assert_eq!(idx, 0);
        found = Some(reply);
        ControlFlow::Continue(())
    });
    let result = match (run, found) {
        (Err(error), None) => Err(error),
        (Ok(()), Some(reply)) => reply,
        other => panic!("either the run or the question ends: {other:?}"),
    };
    if let Err(error) = &result {
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(&url) && !shown.contains(KEY), "names the address and never the key: {shown}");
    }
    (result, notes.0.into_inner().unwrap(), server.join().unwrap())
}

#[test]
fn a_chat_question_is_asked_and_answered() {
    let (result, waits, seen) = ask(question("Hi?"), vec![chat("Hello.")]);
    let found = result.unwrap();
    assert_eq!(
        (found.text.as_str(), found.model.as_str(), found.finish.as_deref()),
        ("Hello.", "m-1", Some("stop"))
    );
    assert_eq!((found.usage.unwrap().prompt_tokens, found.usage.unwrap().completion_tokens), (3, 5));
    assert_eq!((found.attempts, waits.len()), (1, 0));
    assert!(seen[0].head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    assert!(seen[0].head.contains(&format!("authorization: Bearer {KEY}\r\n")));
    let messages = json!([{ "role": "user", "content": "Hi?" }]);
    let expected = json!({
        "model": "m", "max_tokens": 16, "temperature": 0.5, "top_p": 0.75, "seed": 7, "messages": messages,
    });
    assert_eq!(seen[0].body, expected);
}

#[test]
fn chat_log_probabilities_are_read() {
    let token = json!({
        "token": "Hel", "logprob": -0.25, "bytes": [72, 101, 108],
        "top_logprobs": [{ "token": "?", "bytes": [66, 121, 101], "logprob": -1.5 }, { "token": "Hel", "logprob": -0.25 }],
    });
    let choice = json!({ "message": { "content": "Hel" }, "logprobs": { "content": [token] }, "finish_reason": "length" });
    let body = json!({ "choices": [choice] }).to_string();
    let asked = Question { top_logprobs: Some(2), ..question("x") };
    let (result, _, seen) = ask(asked, vec![reply("200 OK", "", &body)]);
    let found = result.unwrap();
    assert_eq!((found.tokens.len(), found.tokens[0].log_prob), (1, Some(-0.25)));
    assert_eq!(found.tokens[0].top, [(b"Hel".to_vec(), -0.25), (b"Bye".to_vec(), -1.5)]);
    assert_eq!((&seen[0].body["logprobs"], &seen[0].body["top_logprobs"]), (&json!(true), &json!(2)));
}

#[test]
fn text_is_scored_by_completions_with_echo() {
    let logprobs = json!({
        "tokens": ["The", " sky"], "token_logprobs": [null, -2.5], "top_logprobs": [null, { "bytes:\\xe2\\x80": -2.5, " sea": -0.5 }],
        "text_offset": [0, 3],
    });
    let choice = json!({ "text": "The sky", "logprobs": logprobs, "finish_reason": "length" });
    let asked = Question {
        prompt: Prompt::Text("The sky".to_owned()),
        max_tokens: 0,
        top_logprobs: Some(2),
        scope: Scope::PromptAndAnswer,
        ..question("")
    };
    let (result, _, seen) =
        ask(asked, vec![reply("200 OK", "", &json!({ "choices": [choice] }).to_string())]);
    let tokens = result.unwrap().tokens;
    assert_eq!((tokens[0].log_prob, tokens[1].log_prob), (None, Some(-2.5)));
    assert_eq!(tokens[1].top, [(b" sea".to_vec(), -0.5), (b"\xe2\x80".to_vec(), -2.5)]);
    assert!(seen[0].head.starts_with("POST /v1/completions "));
    assert_eq!((&seen[0].body["echo"], &seen[0].body["logprobs"]), (&json!(true), &json!(2)));
}

#[test]
fn token_ids_are_sent_as_they_are() {
    let asked = Question { prompt: Prompt::Tokens(vec![5, 6, 7]), ..question("") };
    let (result, _, seen) = ask(asked, vec![reply("200 OK", "", r#"{"choices":[{"text":"ok"}]}"#)]);
    assert_eq!(result.unwrap().text, "ok");
    assert_eq!(seen[0].body["prompt"], json!([5, 6, 7]));
}

#[test]
fn a_refused_key_stops_the_run_at_once() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let body =
            json!({ "error": { "message": format!("Incorrect API key provided: {KEY}.") } }).to_string();
        let (url, server) = serve(vec![reply(status, "", &body)]);
        let notes = Notes::default();
        let mut questions = (0..5).map(|_| question("x"));
        let error = ask_all(&endpoint(&url), &notes, &mut questions, &mut |_, _| panic!("no reply comes"))
            .unwrap_err();
        let code: u16 = status[..3].parse().unwrap();
        assert!(matches!(error, Error::Refused { status, .. } if status == code));
        let shown = error.to_string();
        assert!(shown.ends_with("Incorrect API key provided: [key]."), "{shown}");
        assert!(shown.contains(&url) && notes.0.into_inner().unwrap().is_empty());
        server.join().unwrap();
    }
}

#[test]
fn a_bad_question_fails_alone_and_is_not_repeated() {
    let bad = reply("400 Bad Request", "", r#"{"error":{"message":"too long"}}"#);
    let (url, server) = serve(vec![bad, chat("fine")]);
    let mut found = Vec::new();
    let mut questions = [question("a"), question("b")].into_iter();
    ask_all(&endpoint(&url), &Notes::default(), &mut questions, &mut |idx, reply| {
        found.push((idx, reply));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(
        matches!(&found[0], (0, Err(Error::Refused { status: 400, detail, .. })) if detail == "too long")
    );
    assert!(matches!(&found[1], (1, Ok(reply)) if reply.text == "fine"));
    server.join().unwrap();
}

#[test]
fn rate_limits_and_server_faults_are_waited_out() {
    let script = vec![
        reply("429 Too Many Requests", "retry-after: 7\r\n", "slow down"),
        reply("500 Internal Server Error", "", "oops"),
        reply(
            "503 Service Unavailable",
            "date: Wed, 31 Dec 2025 23:59:50 GMT\r\nretry-after: Thu, 01 Jan 2026 00:00:20 GMT\r\n",
            "",
        ),
        chat("at last"),
    ];
    let (result, waits, seen) = ask(question("x"), script);
    let found = result.unwrap();
    assert_eq!((found.text.as_str(), found.attempts, seen.len()), ("at last", 4, 4));
    // What is asked for plus half a first wait; three quarters of the doubled wait where nothing is.
    assert_eq!(waits, [7.5, 1.5, 30.5].map(Duration::from_secs_f64));
}

#[test]
fn attempts_are_capped() {
    let script = vec![reply("500 Internal Server Error", "", "broken"); 4];
    let (result, waits, _) = ask(question("x"), script);
    let error = result.unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable { attempts: 4, detail, .. } if detail == "status 500: broken"),
        "{error}"
    );
    assert_eq!(waits, [0.75, 1.5, 3.0].map(Duration::from_secs_f64));
}

#[test]
fn a_wait_beyond_measure_is_not_waited() {
    let (result, waits, _) =
        ask(question("x"), vec![reply("429 Too Many Requests", "retry-after: 3600\r\n", "")]);
    assert!(result.unwrap_err().to_string().contains("asks for a longer wait than allowed"));
    assert!(waits.is_empty());
}

#[test]
fn half_a_body_is_asked_for_again() {
    let whole = chat("whole");
    let half = whole[..whole.len() - 20].to_owned();
    let (result, waits, _) = ask(question("x"), vec![half.clone(), whole]);
    assert_eq!((result.unwrap().text.as_str(), waits.len()), ("whole", 1));
    let (result, ..) = ask(question("x"), vec![half; 4]);
    assert!(matches!(result, Err(Error::Unreachable { attempts: 4, .. })));
}

#[test]
fn a_connection_that_closes_at_once_is_tried_again() {
    let (result, waits, _) = ask(question("x"), vec![String::new(), chat("here")]);
    assert_eq!((result.unwrap().text.as_str(), waits.len()), ("here", 1));
}

#[test]
fn nobody_listening_is_said_after_all_attempts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let notes = Notes::default();
    let mut found = None;
    ask_all(&endpoint(&url), &notes, &mut [question("x")].into_iter(), &mut |_, reply| {
        found = Some(reply);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(matches!(found, Some(Err(Error::Unreachable { attempts: 4, .. }))), "{found:?}");
    assert_eq!(notes.0.into_inner().unwrap().len(), 3);
}

#[test]
fn garbage_and_wrong_shapes_are_named() {
    let wrong = [
        ("<html>welcome</html>", "not as promised"),
        ("{}", "missing field `choices`"),
        (r#"{"choices":[]}"#, "`choices` is empty"),
        (r#"{"choices":[{"text":"no chat"}]}"#, "`choices[0].message` is missing"),
        (r#"{"choices":7}"#, "not as promised"),
    ];
    for (body, expected) in wrong {
        let (result, waits, _) = ask(question("x"), vec![reply("200 OK", "", body)]);
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Reply { .. }) && error.to_string().contains(expected), "{error}");
        assert!(waits.is_empty());
    }
    let asked = || Question { prompt: Prompt::Text("x".to_owned()), top_logprobs: Some(1), ..question("") };
    let uneven = r#"{"choices":[{"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[]}}]}"#;
    let (result, ..) = ask(asked(), vec![reply("200 OK", "", uneven)]);
    assert!(result.unwrap_err().to_string().contains("differ in length: [1, 0, 1]"));
    let (result, ..) = ask(asked(), vec![reply("200 OK", "", r#"{"choices":[{"text":"a"}]}"#)]);
    assert!(result.unwrap_err().to_string().contains("the server gives none"));
}

#[test]
fn replies_come_in_order_though_they_arrive_otherwise() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        // Both are asked at the same time, and the later question is answered first.
        let mut open: Vec<_> = (0..2).map(|_| listener.accept().unwrap().0).collect();
        let mut seen: Vec<_> = open.iter_mut().map(read_request).zip(0..).collect();
        seen.sort_by_key(|(seen, _)| {
            std::cmp::Reverse(seen.body["messages"][0]["content"].as_str().unwrap().to_owned())
        });
        for (seen, connection) in seen {
            let text = seen.body["messages"][0]["content"].as_str().unwrap();
            open[connection].write_all(chat(&text.to_uppercase()).as_bytes()).unwrap();
            open[connection].shutdown(std::net::Shutdown::Both).unwrap();
        }
    });
    let endpoint = Endpoint { concurrency: 2, ..endpoint(&url) };
    let mut found = Vec::new();
    let mut questions = [question("a"), question("b")].into_iter();
    ask_all(&endpoint, &Notes::default(), &mut questions, &mut |idx, reply| {
        found.push((idx, reply.unwrap().text));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found, [(0, "A".to_owned()), (1, "B".to_owned())]);
    server.join().unwrap();
}

#[test]
fn questions_do_not_run_far_ahead_of_replies() {
    let (url, server) = serve((0..40).map(|i| chat(&i.to_string())).collect());
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let mut questions = (0..40).map(|_| question("x")).inspect(|_| {
        asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let mut told = 0;
    ask_all(&endpoint(&url), &Notes::default(), &mut questions, &mut |idx, reply| {
        assert_eq!(reply.unwrap().text, idx.to_string());
        // One thread: four questions ahead, and the one that waits.
        assert!(asked.load(std::sync::atomic::Ordering::Relaxed) <= told + 5 + 1);
        told += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(told, 40);
    server.join().unwrap();
}

#[test]
fn a_run_stops_when_told() {
    let (url, server) = serve(vec![chat("one")]);
    let mut asked = 0;
    let mut questions = std::iter::repeat_with(|| question("x")).inspect(|_| asked += 1).take(1);
    ask_all(&endpoint(&url), &Notes::default(), &mut questions, &mut |_, _| ControlFlow::Break(())).unwrap();
    assert_eq!(asked, 1);
    server.join().unwrap();
}

#[test]
fn addresses_that_cannot_be_are_refused_before_anything_is_sent() {
    for (url, hidden) in
        [("ftp://example.com", ""), ("example.com/v1", ""), ("https://user:pw@example.com/v1", "pw")]
    {
        let mut none = std::iter::empty();
        let error =
            ask_all(&endpoint(url), &Notes::default(), &mut none, &mut |_, _| ControlFlow::Continue(()))
                .unwrap_err();
        let shown = format!("{error:?}");
        assert!(shown.contains("example.com") && (hidden.is_empty() || !shown.contains(hidden)), "{shown}");
    }
}

#[test]
fn a_secret_does_not_show() {
    assert_eq!(format!("{:?}", Secret::new(KEY)), "Secret([key])");
    assert!(!format!("{:?}", endpoint("http://x")).contains(KEY));
}
