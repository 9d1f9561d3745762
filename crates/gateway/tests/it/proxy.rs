//! What passes through, what is answered by the gateway itself, and what never passes.

use std::time::Duration;

use serde_json::Value;

use crate::behind::{Behind, Front, Step, body, chunk, events_head, json, last_chunk, status};

const ASK: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"vendor_knob":1e2}"#;
const STREAM: &str = r#"{"model":"m","messages":[],"stream":true,"max_tokens":50}"#;
const ANSWER: &str = r#"{"id":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7},"odd": 1.50}"#;

fn code(answer: &str) -> String {
    let body: Value = serde_json::from_str(&body(answer)).unwrap_or_else(|err| panic!("{err}: {answer}"));
    let error = body["error"].as_object().unwrap();
    for name in ["message", "type", "param", "code"] {
        assert!(error.contains_key(name), "{answer}");
    }
    error["code"].as_str().unwrap().to_owned()
}

#[test]
fn bytes_pass_unchanged_both_ways_and_secrets_do_not() {
    let behind = Behind::new(vec![vec![crate::behind::say(&format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=b\r\nserver: s\r\nx-ratelimit-limit-requests: 9\r\nx-vendor: kept\r\nx-hop: no\r\nconnection: keep-alive, x-hop\r\ncontent-length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    ))]]);
    let front = Front::new(
        behind.address,
        "[limits.key]\nrequests_per_minute = 10\ntokens_per_minute = 5000\nrequests_per_day = 100",
        "",
    );
    let fields = "x-vendor-in: kept\r\ncookie: secret=1\r\nx-api-key: k\r\nopenai-organization: o\r\nx-stillmark-anything: forged\r\nx-forwarded-for: 1.2.3.4\r\nconnection: x-hop-in\r\nx-hop-in: no\r\naccept-encoding: gzip\r\n";
    let answer = front.ask(&front.post("/v1/chat/completions", fields, ASK));
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(body(&answer), ANSWER);
    let head = answer.split_once("\r\n\r\n").unwrap().0.to_lowercase();
    for kept in [
        "x-vendor: kept",
        "x-ratelimit-limit-requests: 10",
        "x-ratelimit-remaining-requests: 9",
        "x-ratelimit-limit-tokens: 5000",
        "x-request-id: req_",
    ] {
        assert!(head.contains(kept), "{kept}: {head}");
    }
    for stopped in ["set-cookie", "server: s", "x-hop"] {
        assert!(!head.contains(stopped), "{stopped}: {head}");
    }
    let sent = behind.last().to_lowercase();
    assert!(sent.ends_with(&ASK.to_lowercase()) && sent.contains("x-vendor-in: kept"), "{sent}");
    assert!(sent.contains("authorization: bearer upstream-secret"), "{sent}");
    for stopped in [
        &front.key.to_lowercase()[..20],
        "cookie",
        "x-api-key",
        "openai-organization",
        "x-stillmark",
        "x-forwarded",
        "x-hop-in",
        "gzip",
    ] {
        assert!(!sent.contains(stopped), "{stopped}: {sent}");
    }
}

#[test]
fn the_usage_of_a_stream_is_read_and_hidden_from_who_did_not_ask() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n";
    let script = vec![
        events_head(),
        chunk("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choi"),
        chunk("ces\":[{\"delta\":{\"content\":\"b\"}}]}\n\n"),
        chunk(usage),
        chunk("data: [DONE]\n\n"),
        last_chunk(),
    ];
    let behind = Behind::new(vec![script]);
    let front = Front::new(behind.address, "[limits.key]\nanswer_tokens_ever = 1000", "");
    let answer = body(&front.ask(&front.chat(STREAM)));
    assert_eq!(
        answer,
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n\ndata: [DONE]\n\n"
    );
    assert!(behind.last().contains(r#""include_usage":true"#));
    let asked = STREAM.replace("true,", "true,\"stream_options\":{\"include_usage\":true},");
    let answer = body(&front.ask(&front.chat(&asked)));
    assert!(answer.contains(usage));
    assert!(front.gateway.metrics_text().contains("stillmark_prompt_tokens_total 10\n"));
    assert!(front.gateway.metrics_text().contains("stillmark_answer_tokens_total 4\n"));
}

#[test]
fn a_stream_without_usage_is_counted_by_what_was_seen_and_cut_at_the_limit() {
    let mut script = vec![events_head()];
    script.extend((0..400).map(|_| chunk("data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n")));
    script.extend([chunk("data: [DONE]\n\n"), last_chunk()]);
    let behind = Behind::new(vec![script]);
    let front = Front::new(behind.address, "[limits.key]\nanswer_tokens_ever = 300", "");
    let answer = body(&front.ask(&front.chat(STREAM)));
    assert!(
        answer.contains("rate_limit_exceeded") && !answer.contains("[DONE]"),
        "{}",
        &answer[answer.len() - 300..]
    );
    let events = answer.matches("\"word\"").count();
    assert!((50..=310).contains(&events), "{events}");
    assert!(front.gateway.metrics_text().contains("stillmark_usage_estimated_total 1\n"));
}

#[test]
fn who_brings_no_good_key_learns_nothing() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "[limits.network]\nunauthenticated_per_minute = 5", "");
    let ask = |key: &str| {
        front.ask(&front.chat(ASK).replace(&format!("authorization: Bearer {}\r\n", front.key), key))
    };
    let unknown = stillmark_gateway::keys::Secret::new(&[77; 64]);
    for (key, expected) in [
        ("", "missing_api_key"),
        ("authorization: Bearer nonsense\r\n", "invalid_api_key"),
        (&format!("authorization: Bearer {}\r\n", unknown.reveal()), "invalid_api_key"),
        (
            &format!("authorization: Bearer {0}\r\nauthorization: Bearer {0}\r\n", front.key),
            "invalid_api_key",
        ),
        (&format!("authorization: Basic {}\r\n", front.key), "invalid_api_key"),
    ] {
        let answer = ask(key);
        assert_eq!((status(&answer), code(&answer)), (401, expected.to_owned()), "{key}");
    }
    // A flood of such requests is stopped, and those with a key are not.
    assert_eq!(status(&ask("")), 429);
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    assert_eq!(behind.requests.lock().unwrap().len(), 1);
}

#[test]
fn a_revoked_key_is_refused_at_once() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "", "");
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    let store = front.store.lock().unwrap();
    store.revoke(&front.key[3..15], 2).unwrap();
    front.gateway.set_keys(stillmark_gateway::keys::Ring::new(store.keys().unwrap()));
    assert_eq!(status(&front.ask(&front.chat(ASK))), 401);
}

#[test]
fn limits_answer_as_sdks_expect() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let limits = "[limits.key]\nrequests_per_minute = 2\nanswer_tokens_ever = 2000\ntokens_per_minute = 5000";
    let front = Front::new(behind.address, limits, "");
    let large = r#"{"model":"m","messages":[],"max_tokens":6000}"#;
    let answer = front.ask(&front.chat(large));
    assert_eq!((status(&answer), code(&answer)), (400, "request_too_large".to_owned()));
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    let answer = front.ask(&front.chat(ASK));
    assert_eq!((status(&answer), code(&answer)), (429, "rate_limit_exceeded".to_owned()));
    assert!(answer.contains("retry-after: ") && answer.contains("retry-after-ms: "), "{answer}");
    let front = Front::new(behind.address, "[limits.key]\nanswer_tokens_ever = 1000", "");
    let answer = front.ask(&front.chat(ASK));
    assert_eq!((status(&answer), code(&answer)), (429, "insufficient_quota".to_owned()));
}

#[test]
fn log_probabilities_are_kept_back() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "[logprobs]\nmost_top = 3", "");
    let with = |more: &str| front.ask(&front.chat(&format!(r#"{{"model":"m","messages":[],{more}}}"#)));
    assert_eq!(status(&with(r#""logprobs":true,"top_logprobs":3"#)), 200);
    assert_eq!(code(&with(r#""logprobs":true,"top_logprobs":4"#)), "integer_above_max_value");
    assert_eq!(code(&with(r#""logprobs":true,"logit_bias":{"5":10}"#)), "unsupported_parameter");
    assert_eq!(status(&with(r#""logprobs":false,"logit_bias":{"5":10}"#)), 200);
}

#[test]
fn paths_and_methods_are_answered_as_the_api_does() {
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::new(behind.address, "", "");
    let get = |path: &str| {
        front.ask(&format!("GET {path} HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {}\r\n\r\n", front.key))
    };
    assert_eq!(status(&get("/healthz")), 200);
    assert_eq!(status(&get("/readyz")), 200);
    assert!(get("/metrics").contains("stillmark_in_flight"));
    let models: Value = serde_json::from_str(&body(&get("/v1/models"))).unwrap();
    assert_eq!(models["data"][0]["id"], "m");
    assert_eq!(status(&get("/v1/models/m")), 200);
    assert_eq!(code(&get("/v1/models/other")), "model_not_found");
    assert_eq!(code(&get("/v1/files")), "unknown_url");
    let wrong = get("/v1/chat/completions");
    assert_eq!((status(&wrong), wrong.contains("allow: POST")), (405, true), "{wrong}");
    let answer = front.ask(&front.post("/v1/embeddings", "", r#"{"model":"m","input":"x"}"#));
    assert_eq!(body(&answer), ANSWER);
}

#[test]
fn errors_from_behind_cost_nothing_and_pass_on() {
    let error = r#"{"error":{"message":"no","type":"t","param":null,"code":"c"}}"#;
    let behind = Behind::new(vec![vec![json("400 Bad Request", error)]]);
    let front = Front::new(behind.address, "[limits.key]\nanswer_tokens_ever = 1024", "");
    for _ in 0..3 {
        let answer = front.ask(&front.chat(ASK));
        assert_eq!((status(&answer), body(&answer)), (400, error.to_owned()));
    }
}

#[test]
fn a_server_behind_that_fails_is_told_of_without_its_insides() {
    let cases: Vec<(Vec<Step>, u16, &str)> = vec![
        (vec![Step::Close], 502, "upstream_broken"),
        (vec![crate::behind::say("garbage\r\n\r\n")], 502, "upstream_broken"),
        (vec![Step::Sleep(Duration::from_secs(3))], 504, "upstream_timeout"),
        (
            vec![crate::behind::say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhal"), Step::Close],
            502,
            "upstream_broken",
        ),
    ];
    for (script, expected, word) in cases {
        let behind = Behind::new(vec![script]);
        let front =
            Front::new(behind.address, "[limits.key]\nconcurrent = 1", "idle_seconds = 1\nretries = 0");
        for _ in 0..2 {
            let answer = front.ask(&front.chat(ASK));
            assert_eq!((status(&answer), code(&answer)), (expected, word.to_owned()));
            assert!(!answer.contains(&behind.address.to_string()));
        }
    }
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let front = Front::new(gone, "", "");
    assert_eq!(code(&front.ask(&front.chat(ASK))), "upstream_unreachable");
}
