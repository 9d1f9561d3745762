//! Bodies of requests: one reading, and one only.

use proptest::prelude::*;
use serde_json::Value;
use stillmark_gateway::wire::json::members;
use stillmark_gateway::wire::reply::stretch;
use stillmark_gateway::wire::request::{Request, Surface};

fn read(body: &str) -> Request {
    Request::read(Surface::Chat, body.as_bytes()).unwrap()
}

#[test]
fn a_stream_is_asked_for_its_usage_and_nothing_else_is_changed() {
    let forwarded =
        |body: &str| String::from_utf8(read(body).forwarded(body.as_bytes()).into_owned()).unwrap();
    let whole = r#"{"model":"m","messages":[],"x":1e5}"#;
    assert_eq!(forwarded(whole), whole);
    let asked = r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;
    assert_eq!(forwarded(asked), asked);
    let cases = [
        r#" { "model":"m","messages":[ ],"stream":true}"#,
        r#"{"model":"m","messages":[],"stream":true,"stream_options":{}}"#,
        r#"{"model":"m","messages":[],"stream":true,"stream_options":null}"#,
        r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":false,"include_obfuscation":false}}"#,
    ];
    for body in cases {
        let sent: Value =
            serde_json::from_str(&forwarded(body)).unwrap_or_else(|err| panic!("{body}: {err}"));
        assert_eq!(sent["stream_options"]["include_usage"], true, "{body}");
        let mut before: Value = serde_json::from_str(body).unwrap();
        let mut after = sent.clone();
        before.as_object_mut().unwrap().remove("stream_options");
        after.as_object_mut().unwrap().remove("stream_options");
        assert_eq!(before, after);
        assert!(members(forwarded(body).as_bytes()).is_ok(), "{body}");
    }
    assert!(forwarded(cases[3]).contains(r#""include_obfuscation":false"#));
}

#[test]
fn what_a_request_asks_for_is_read() {
    let request = read(
        r#"{"model":"m\u0041","messages":[{"role":"user","content":"hi"}],"n":3,"max_tokens":7,"max_completion_tokens":9,"logprobs":true,"top_logprobs":2,"logit_bias":{"1":2},"stream":false}"#,
    );
    assert_eq!((request.model.as_str(), request.answers, request.most_tokens), ("mA", 3, Some(9)));
    assert_eq!(
        (request.wants_logprobs, request.top_logprobs, request.has_logit_bias, request.is_stream),
        (true, Some(2), true, false)
    );
    assert_eq!(request.prompt.len(), r#"[{"role":"user","content":"hi"}]"#.len());
}

#[test]
fn stretches_are_written_as_openai_writes_them() {
    let cases = [
        (0, "0ms"),
        (12, "12ms"),
        (1_000, "1s"),
        (1_500, "1.5s"),
        (60_000, "1m0s"),
        (360_000, "6m0s"),
        (3_661_005, "1h1m1.005s"),
    ];
    for (ms, text) in cases {
        assert_eq!(stretch(ms), text);
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,5}", inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_serde_reads(value in prop::collection::btree_map(".{0,6}", values(), 0..20)) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let found = members(text.as_bytes()).unwrap();
        prop_assert_eq!(found.len(), value.len());
        for member in found {
            let own: Value = serde_json::from_str(member.value).unwrap();
            prop_assert_eq!(&own, &value[member.name.as_ref()]);
            prop_assert_eq!(&text[member.range], member.value);
        }
    }

    #[test]
    fn nothing_is_read_that_serde_refuses(bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..40) {
        let mut body = br#"{"a":[1,2.5e3,"x\n\u00e9"],"b":{"c":null},"d":true}"#.to_vec();
        let at = at.min(body.len());
        body.splice(at..at, bytes);
        if members(&body).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&body).is_ok());
        }
    }
}
