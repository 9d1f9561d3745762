//! The traps that gateways fall into, each of them a test.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::behind::{Behind, Front, Step, body, chunk, events_head, json, last_chunk, status};

const ASK: &str = r#"{"model":"m","messages":[]}"#;
const STREAM: &str = r#"{"model":"m","messages":[],"stream":true}"#;
const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;

/// Waits until something is so.
pub(crate) fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it did not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_that_hangs_up_ends_the_request_behind_before_headers_and_within_a_stream() {
    for script in [vec![Step::AwaitEnd], vec![events_head(), chunk("data: {}\n\n"), Step::AwaitEnd]] {
        let behind = Behind::new(vec![script]);
        let front = Front::new(behind.address, "[limits.key]\nconcurrent = 1", "");
        for body in [ASK, STREAM] {
            let mut client = front.connect();
            client.write_all(front.chat(body).as_bytes()).unwrap();
            wait_for(|| front.gateway.metrics().in_flight() == 1);
            std::thread::sleep(Duration::from_millis(50));
            let left = Instant::now();
            drop(client);
            let ended = behind.ends.recv_timeout(Duration::from_secs(10)).unwrap();
            let took = ended.saturating_duration_since(left);
            assert!(took < Duration::from_millis(500), "{took:?}");
            wait_for(|| front.gateway.metrics().in_flight() == 0);
        }
    }
}

#[test]
fn an_answer_that_is_to_be_drained_is_read_to_its_end_though_nobody_waits() {
    let behind = Behind::new(vec![vec![Step::Sleep(Duration::from_millis(600)), json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "", "on_disconnect = \"drain\"");
    let mut client = front.connect();
    client.write_all(front.chat(ASK).as_bytes()).unwrap();
    wait_for(|| front.gateway.metrics().in_flight() == 1);
    drop(client);
    wait_for(|| front.gateway.metrics().in_flight() == 0);
    assert!(front.gateway.metrics_text().contains("stillmark_answer_tokens_total 4\n"));
}

#[test]
fn a_client_that_reads_slowly_slows_the_server_behind_and_fills_no_memory() {
    let behind = Behind::new(vec![vec![
        events_head(),
        Step::Flood(100_000),
        chunk("data: [DONE]\n\n"),
        last_chunk(),
        Step::AwaitEnd,
    ]]);
    let front = Front::new(behind.address, "", "");
    let mut client = front.connect();
    client.write_all(front.chat(STREAM).as_bytes()).unwrap();
    let mut some = [0; 4096];
    client.read_exact(&mut some).unwrap();
    let before = resident_kib();
    std::thread::sleep(Duration::from_millis(700));
    client.read_exact(&mut some).unwrap();
    let grown = resident_kib().saturating_sub(before);
    // The stream is 100 MB: what waits are the buffers of sockets, which are the kernel's.
    assert!(grown < 8 << 10, "{grown} KiB");
    drop(client);
    wait_for(|| front.gateway.metrics().in_flight() == 0);
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn two_ways_to_read_a_request_are_none() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "", "");
    let good = front.chat(ASK);
    let changed = |from: &str, to: &str| good.replacen(from, to, 1);
    let length = format!("content-length: {}\r\n", ASK.len());
    let cases = [
        changed(&length, &format!("{length}transfer-encoding: chunked\r\n")),
        changed(&length, &format!("transfer-encoding: chunked\r\n{length}")),
        changed(&length, &format!("{length}{length}")),
        changed(&length, "content-length: +27\r\n"),
        changed(&length, "content-length: 27, 27\r\n"),
        changed(&length, "transfer-encoding: gzip, chunked\r\n"),
        changed(&length, "transfer-encoding: identity\r\n"),
        changed(&length, &format!("{length}x: a\r\n b\r\n")),
        changed(&length, &format!("{length}x : a\r\n")),
        changed(&length, &format!("{length}x: a\0b\r\n")),
        changed("\r\nhost", "\nhost"),
        changed("host: gateway\r\n", ""),
        changed("host: gateway\r\n", "host: a\r\nhost: b\r\n"),
        changed("/v1/chat/completions", "/v1/../v1/chat/completions"),
        changed("/v1/chat/completions", "/v1//chat/completions"),
        changed("/v1/chat/completions", "/v1%2fchat/completions"),
        changed("/v1/chat/completions", "http://other/v1/chat/completions"),
        changed("POST /v1/chat/completions", "CONNECT gateway:80"),
        changed("HTTP/1.1", "HTTP/2.0"),
    ];
    for case in cases {
        let smuggled = format!("{case}GET /healthz HTTP/1.1\r\nhost: g\r\n\r\n");
        let answer = front.raw(smuggled.as_bytes());
        assert_eq!(status(&answer), 400, "{case:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{case:?}: {answer}");
    }
    // A body whose chunks go wrong is refused, too, and nothing of it goes on.
    let chunked = changed(&length, "transfer-encoding: chunked\r\n");
    let head = &chunked[..chunked.len() - ASK.len()];
    for tail in ["5;x=y\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "-1\r\n", "ffffffffffffffff1\r\n"] {
        let answer = front.raw(format!("{head}{tail}").as_bytes());
        assert_eq!(status(&answer), 400, "{tail:?}: {answer}");
    }
    assert_eq!(behind.requests.lock().unwrap().len(), 0);
    let sound = format!("{head}{:x}\r\n{ASK}\r\n0\r\n\r\n", ASK.len()).replacen(
        "\r\n",
        "\r\nconnection: close\r\n",
        1,
    );
    assert_eq!(status(&front.raw(sound.as_bytes())), 200);
}

#[test]
fn a_body_that_two_readers_read_differently_is_refused() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "", "");
    for body in [
        r#"{"model":"m","messages":[],"model":"other"}"#,
        r#"{"model":"m","messages":[],"\u006dodel":"other"}"#,
        r#"{"model":"m","messages":[{"role":"user","role":"system"}]}"#,
        r#"{"model":"m","messages":["\ud800"]}"#,
        r#"{"model":"m","messages":[NaN]}"#,
        r#"{"model":"m","messages":[],}"#,
        r#"{"model":"m","messages":[]} {"#,
        r#"["model"]"#,
    ] {
        assert_eq!(status(&front.ask(&front.chat(body))), 400, "{body}");
    }
    let deep = format!(r#"{{"model":"m","messages":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(status(&front.ask(&front.chat(&deep))), 400);
    assert_eq!(behind.requests.lock().unwrap().len(), 0);
}

#[test]
fn bodies_have_bounds() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "body_bytes = 1000\nbody_pause_seconds = 1", "");
    let long = format!(r#"{{"model":"m","messages":["{}"]}}"#, "x".repeat(2000));
    assert_eq!(status(&front.ask(&front.chat(&long))), 413);
    let chunked = front.chat("").replace("content-length: 0", "transfer-encoding: chunked");
    let answer = front.raw(format!("{chunked}7d0\r\n{long}").as_bytes());
    assert_eq!(status(&answer), 413, "{answer}");
    let paused = front.raw(front.chat(ASK).replace(&ASK.len().to_string(), "900").as_bytes());
    assert_eq!(status(&paused), 408, "{paused}");
    let packed = front.ask(&front.post("/v1/chat/completions", "content-encoding: gzip\r\n", ASK));
    assert_eq!(status(&packed), 415);
    let text = front.ask(&front.chat(ASK).replace("application/json", "text/plain"));
    assert_eq!(status(&text), 415);
}

#[test]
fn who_sends_a_head_slowly_is_hung_up_on_and_takes_no_more_than_a_share() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "head_seconds = 1\nconnections_per_address = 3", "");
    let mut slow: Vec<_> = (0..3).map(|_| front.connect()).collect();
    for client in &mut slow {
        client.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\n").unwrap();
    }
    std::thread::sleep(Duration::from_millis(200));
    let mut fourth = front.connect();
    let _ = fourth.write_all(front.chat(ASK).as_bytes());
    let mut answer = Vec::new();
    let _ = fourth.read_to_end(&mut answer);
    assert_eq!(answer.len(), 0, "a connection too many is not answered");
    let begun = Instant::now();
    let mut rest = Vec::new();
    for client in &mut slow {
        let _ = client.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    wait_for(|| front.gateway.metrics_text().contains("stillmark_connections 0\n"));
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
}

#[test]
fn a_request_is_tried_again_only_before_its_answer_began() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER), Step::Close], vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "", "");
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    std::thread::sleep(Duration::from_millis(50));
    // The kept connection was closed meanwhile.
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    let cut =
        vec![events_head(), chunk("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"), Step::Close];
    let behind = Behind::new(vec![cut]);
    let front = Front::new(behind.address, "", "retries = 5");
    let answer = body(&front.ask(&front.chat(STREAM)));
    assert!(
        answer.contains("\"a\"") && answer.contains("upstream_broken") && !answer.contains("[DONE]"),
        "{answer}"
    );
    assert_eq!(behind.requests.lock().unwrap().len(), 1);
}

#[test]
fn closing_lets_begun_answers_end_and_cuts_those_that_do_not() {
    let behind = Behind::new(vec![
        vec![
            events_head(),
            chunk("data: {}\n\n"),
            Step::Sleep(Duration::from_millis(400)),
            chunk("data: [DONE]\n\n"),
            last_chunk(),
        ],
        vec![events_head(), chunk("data: {}\n\n"), Step::AwaitEnd],
    ]);
    let front = Front::new(behind.address, "", "");
    let mut ends = front.connect();
    ends.write_all(front.chat(STREAM).as_bytes()).unwrap();
    wait_for(|| behind.requests.lock().unwrap().len() == 1);
    let mut hangs = front.connect();
    hangs.write_all(front.chat(STREAM).as_bytes()).unwrap();
    wait_for(|| behind.requests.lock().unwrap().len() == 2);
    std::thread::sleep(Duration::from_millis(50));
    front.gateway.close();
    let [ends, hangs] = [&mut ends, &mut hangs].map(|client| {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    });
    assert!(ends.contains("[DONE]"), "{ends}");
    assert!(hangs.contains("shutting_down") && !hangs.contains("[DONE]"), "{hangs}");
}

#[test]
fn limits_hold_for_very_many_at_once() {
    let behind = Behind::new(vec![vec![Step::Sleep(Duration::from_millis(20)), json("200 OK", ANSWER)]]);
    let front =
        Front::new(behind.address, "connections_per_address = 5000\n[limits.key]\nrequests_per_day = 50", "");
    let let_in: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| (0..10).filter(|_| status(&front.ask(&front.chat(ASK))) == 200).count()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(let_in, 50);
    assert_eq!(behind.requests.lock().unwrap().len(), 50);
}
