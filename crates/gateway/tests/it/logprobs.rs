//! Trap 13: log-probabilities are blurred for keys that are not trusted, and nothing else of an answer changes.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;
use stillmark_gateway::config::Logprobs;
use stillmark_gateway::keys::{Limits, NewKey, Pepper};
use stillmark_gateway::veil::Veil;

use crate::behind::{Behind, Front, body, chunk, events_head, json, last_chunk, status};

fn veil(noise: f64, decimals: Option<u32>, id: &str) -> Veil {
    Veil::new(&Logprobs { noise, decimals, ..Logprobs::default() }, &Pepper::new([9; 32]), id).unwrap()
}

fn over(veil: &Veil, text: &str) -> String {
    String::from_utf8(veil.over_json(text.as_bytes()).unwrap().unwrap()).unwrap()
}

const ENTRY: &str = r#"{"token":" a","logprob":-0.25,"bytes":[32,97],"top_logprobs":[{"token":" a","logprob":-0.25,"bytes":null},{"token":" b","logprob":-1.75}]}"#;

/// The numbers of the entry that a text holds.
fn numbers(text: &str) -> [f64; 3] {
    let value: Value = serde_json::from_str(text).unwrap();
    let entry = &value["choices"][0]["logprobs"]["content"][0];
    [&entry["logprob"], &entry["top_logprobs"][0]["logprob"], &entry["top_logprobs"][1]["logprob"]]
        .map(|number| number.as_f64().unwrap())
}

fn chat(entry: &str) -> String {
    format!(r#"{{"choices":[{{"logprobs":{{"content":[{entry}]}}}}],"usage":{{"total_tokens":3}}}}"#)
}

#[test]
fn noise_is_the_same_on_repeats_and_differs_by_key() {
    let text = chat(ENTRY);
    let told = numbers(&over(&veil(0.1, None, "one"), &text));
    assert_eq!(told, numbers(&over(&veil(0.1, None, "one"), &text)));
    let other = numbers(&over(&veil(0.1, None, "two"), &text));
    assert!(told != other && told != [-0.25, -0.25, -1.75], "{told:?} {other:?}");
    // The token is told as it is among the alternatives, and their order stays.
    assert!(told[0] == told[1] && told[2] <= told[1], "{told:?}");
}

#[test]
fn noise_has_the_deviation_that_is_configured_and_does_not_jump() {
    let veil = veil(0.2, None, "one");
    let told = |token: usize, value: f64| {
        let text = over(&veil, &format!(r#"{{"token":"t{token}","logprob":{value:?}}}"#));
        serde_json::from_str::<Value>(&text).unwrap()["logprob"].as_f64().unwrap() - value
    };
    let drawn: Vec<f64> = (0..4000).map(|idx| told(idx, -5.0 - (idx as f64) * 0.001_7)).collect();
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    let deviation = (drawn.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / drawn.len() as f64).sqrt();
    // Four standard errors of either.
    assert!(mean.abs() < 0.2 * 4.0 / 4000_f64.sqrt(), "{mean}");
    assert!((deviation - 0.2).abs() < 0.2 * 4.0 / 8000_f64.sqrt(), "{deviation}");
    for idx in 0..1000 {
        let value = -8.0 + f64::from(idx) * 0.005;
        let step = (told(1, value + 0.001) - told(1, value)).abs();
        assert!(step < 0.2 * 0.03, "{value}: {step}");
    }
}

#[test]
fn rounding_alone_rounds() {
    let told = over(&veil(0.0, Some(1), ""), &chat(ENTRY).replace("-1.75", "-1.7512"));
    assert_eq!(numbers(&told), [-0.3, -0.3, -1.8]);
    assert!(Veil::new(&Logprobs::default(), &Pepper::new([9; 32]), "one").is_none());
    assert_eq!(veil(0.1, None, "").over_json(br#"{"choices":[]}"#).unwrap(), None);
    assert!(veil(0.1, None, "").over_json(br#"{"logprob":-1.5"#).is_err());
    assert_eq!(
        over(&veil(0.5, None, ""), r#"{"token":"x","logprob":-9999.0}"#),
        r#"{"token":"x","logprob":-9999.0}"#
    );
}

/// A text whose odd pieces are log-probabilities.
fn pieces() -> impl Strategy<Value = (Vec<String>, Vec<f64>)> {
    let text = prop_oneof!["[ -~]{0,6}", "[\\u{80}-\\u{fff}]{0,3}", Just("logprob\":-1".to_owned())];
    let entry = (text.clone(), prop::collection::vec((text, -30.0..0.0_f64), 0..5), -30.0..0.0_f64);
    (prop::collection::vec(entry, 0..6), 0..3_u8).prop_map(|(entries, form)| {
        let (mut fixed, mut numbers, mut now) = (Vec::new(), Vec::new(), String::new());
        let mut number = |now: &mut String, value: f64| {
            fixed.push(std::mem::take(now));
            numbers.push(value);
        };
        let quoted = |text: &str| Value::from(text).to_string();
        now += r#"{ "model":"logprob" , "n":-1.25,"choices":[{"index":0,"text":"\"logprob\":-2.5","#;
        if form == 2 {
            now += r#""logprobs":{"text_offset":[1,2],"tokens":["#;
            now += &entries.iter().map(|(token, ..)| quoted(token)).collect::<Vec<_>>().join(" , ");
            now += r#"],"token_logprobs":[null"#;
            for (_, _, value) in &entries {
                now += ", ";
                number(&mut now, *value);
            }
            now += r#"],"top_logprobs":[null"#;
            for (_, tops, _) in &entries {
                now += ",{";
                for (idx, (token, value)) in tops.iter().enumerate() {
                    now += if idx == 0 { "" } else { "," };
                    now += &quoted(&format!("{idx}{token}"));
                    now += ": ";
                    number(&mut now, *value);
                }
                now += "}";
            }
            now += "]}";
        } else {
            now += if form == 0 { r#""logprobs":{"refusal":null,"content":["# } else { r#""logprobs":["# };
            for (idx, (token, tops, value)) in entries.iter().enumerate() {
                now += if idx == 0 { "" } else { ",\n" };
                write!(now, r#"{{"token":{},"bytes":[1,2],"logprob": "#, quoted(token)).unwrap();
                number(&mut now, *value);
                now += r#","top_logprobs":["#;
                for (idx, (token, value)) in tops.iter().enumerate() {
                    now += if idx == 0 { "" } else { "," };
                    now += r#"{"logprob":"#;
                    number(&mut now, *value);
                    write!(now, r#","token_id":17,"token":{}}}"#, quoted(token)).unwrap();
                }
                now += "]}";
            }
            now += if form == 0 { "]}" } else { "]" };
        }
        now += r#"}],"top_logprobs":5,"tools":[{"default":{"logprob":-3.5}}],"usage":{"total_tokens":7}}"#;
        fixed.push(now);
        (fixed, numbers)
    })
}

proptest! {
    #[test]
    fn nothing_but_the_numbers_changes((fixed, numbers) in pieces(), decimals in prop::option::of(0..5_u32)) {
        let mut text = fixed[0].clone();
        for (number, piece) in numbers.iter().zip(&fixed[1..]) {
            write!(text, "{number:?}{piece}").unwrap();
        }
        let veil = veil(0.3, decimals, "one");
        let changed = over(&veil, &text);
        let mut rest = changed.strip_prefix(fixed[0].as_str()).unwrap();
        for piece in &fixed[1..] {
            let end = rest.find(|letter: char| !"-+.e0123456789".contains(letter)).unwrap();
            let told: f64 = rest[..end].parse().unwrap();
            prop_assert!(told <= 0.0);
            rest = rest[end..].strip_prefix(piece.as_str()).unwrap();
        }
        prop_assert_eq!(rest, "");
        // As an event, of one line or of several, it is told the same.
        let event = format!("id: 1\r\ndata: {}\r\n\r\n", text.replace('\n', "\r\ndata:"));
        let event = veil.over_event(event.as_bytes()).unwrap().unwrap();
        let expected = format!("id: 1\r\ndata: {}\r\n\r\n", changed.replace('\n', "\r\ndata:"));
        prop_assert_eq!(String::from_utf8(event).unwrap(), expected);
    }
}

const ASK: &str = r#"{"model":"m","messages":[],"logprobs":true,"top_logprobs":2}"#;

#[test]
fn whole_answers_and_streams_are_told_the_same_and_trusted_keys_the_truth() {
    let answer = chat(ENTRY);
    let stream = || {
        let (one, two) = answer.split_at(40);
        vec![
            events_head(),
            chunk(&format!("data: {one}")),
            chunk(&format!("{two}\n\ndata: [DONE]\n\n")),
            last_chunk(),
        ]
    };
    let unended = vec![events_head(), chunk(&format!("data: {answer}")), last_chunk()];
    let behind = Behind::new(vec![
        vec![json("200 OK", &answer)],
        stream(),
        unended,
        vec![json("200 OK", &answer)],
        vec![json("200 OK", r#"{"logprobs":"#)],
    ]);
    let front = Front::new(behind.address, "[logprobs]\nnoise = 0.1\ndecimals = 3", "");
    let told = body(&front.ask(&front.chat(ASK)));
    assert_ne!(numbers(&told), [-0.25, -0.25, -1.75]);
    let streaming = ASK.replacen('{', r#"{"stream":true,"#, 1);
    for _ in 0..2 {
        let events = body(&front.ask(&front.chat(&streaming)));
        let event = events.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        assert_eq!(event, told);
    }
    let store = front.store.lock().unwrap();
    let limits = Limits { trusted: Some(true), ..Limits::default() };
    let key = NewKey { name: "trusted".into(), limits, ..NewKey::default() };
    let (secret, _) = store.add(&key, &Pepper::new([3; 32]), &[6; 64], 1).unwrap();
    front.gateway.set_keys(stillmark_gateway::keys::Ring::new(store.keys().unwrap()));
    let trusted = |body: &str| front.chat(body).replace(&front.key, secret.reveal());
    assert_eq!(body(&front.ask(&trusted(ASK))), answer);
    // What cannot be read might tell anything.
    assert_eq!(status(&front.ask(&front.chat(ASK))), 502);
    assert_eq!(status(&front.ask(&trusted(&ASK.replacen('{', r#"{"n_probs":3,"#, 1)))), 200);
}

#[test]
fn other_names_for_the_same_are_refused() {
    let behind = Behind::new(vec![vec![json("200 OK", "{}")]]);
    let front = Front::new(behind.address, "", "");
    for more in [
        r#""prompt_logprobs":0"#,
        r#""return_logprob":true"#,
        r#""top_logprobs_num":2"#,
        r#""return_hidden_states":true"#,
        r#""n_probs":3"#,
        r#""echo":true,"logprobs":true"#,
        r#""logprobs":true,"allowed_token_ids":[3,4]"#,
        r#""logprobs":true,"logit_bias":{"3":1}"#,
        r#""top_logprobs":6"#,
    ] {
        let answer = front.ask(&front.chat(&format!(r#"{{"model":"m","messages":[],{more}}}"#)));
        assert_eq!(status(&answer), 400, "{more}: {answer}");
    }
    assert_eq!(behind.requests.lock().unwrap().len(), 0);
    for more in [
        r#""prompt_logprobs":null"#,
        r#""echo":true"#,
        r#""return_logprob":false"#,
        r#""logit_bias":{"3":1}"#,
    ] {
        let answer = front.ask(&front.chat(&format!(r#"{{"model":"m","messages":[],{more}}}"#)));
        assert_eq!(status(&answer), 200, "{more}: {answer}");
    }
}
