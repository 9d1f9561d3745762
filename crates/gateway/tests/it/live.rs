//! What changes while the gateway serves: a request ends under what it began with.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use stillmark_gateway::config::Config;
use stillmark_gateway::{Live, Target};

use crate::behind::{Behind, Front, Step, body, chunk, events_head, json, last_chunk, status};
use crate::traps::wait_for;

const ASK: &str = r#"{"model":"m","messages":[]}"#;

fn changed(front: &Front, address: std::net::SocketAddr, more: &str) -> Live {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nstate = \"other\"\n{more}\n[[upstream]]\nname = \"new\"\nurl = \"http://{address}\"\nmodels = [\"n\", \"*\"]"
    );
    let mut upstream = front.gateway.live().upstreams[0].clone();
    upstream.target = Target::Http(format!("http://{address}"));
    upstream.models = vec!["n".to_owned(), "*".to_owned()];
    Live {
        config: Config::parse(&text).unwrap(),
        upstreams: vec![upstream],
        offer: Some("another".to_owned()),
    }
}

#[test]
fn a_request_ends_under_what_it_began_with_and_the_next_sees_the_change() {
    let stream = vec![
        events_head(),
        chunk("data: {\"choices\":[]}\n\n"),
        Step::Sleep(Duration::from_millis(300)),
        chunk("data: [DONE]\n\n"),
        last_chunk(),
    ];
    let old = Behind::new(vec![stream]);
    let new = Behind::new(vec![vec![json("200 OK", r#"{"new":true}"#)]]);
    let front = Front::new(old.address, "", "");
    let mut begun = front.connect();
    let request = front.chat(r#"{"model":"m","messages":[],"stream":true}"#);
    begun.write_all(request.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes()).unwrap();
    wait_for(|| old.requests.lock().unwrap().len() == 1);
    front.gateway.set_live(changed(
        &front,
        new.address,
        "body_bytes = 100\n[limits.key]\nrequests_per_day = 3",
    ));
    assert_eq!(body(&front.ask(&front.chat(ASK))), r#"{"new":true}"#);
    let offer = front.ask("GET /.well-known/distillation.toml HTTP/1.1\r\nhost: g\r\n\r\n");
    assert_eq!(body(&offer), "another");
    let models = front
        .ask(&format!("GET /v1/models HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {}\r\n\r\n", front.key));
    assert!(models.contains(r#""id":"n""#) && !models.contains(r#""id":"m""#), "{models}");
    let long = front.chat(&ASK.replace("[]", &format!("[\"{}\"]", "x".repeat(100))));
    assert_eq!(status(&front.ask(&long)), 413);
    let mut rest = String::new();
    begun.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("[DONE]"), "{rest}");
    // The new limit holds at once.
    let let_in = (0..5).filter(|_| status(&front.ask(&front.chat(ASK))) == 200).count();
    assert_eq!(let_in, 2);
    assert_eq!(old.requests.lock().unwrap().len(), 1);
}

#[test]
fn what_is_read_at_the_start_alone_is_named() {
    let behind = Behind::new(vec![vec![json("200 OK", "{}")]]);
    let front = Front::new(behind.address, "", "");
    let changed = changed(&front, behind.address, "threads = 2\n[receipts]\nlog = \"acme.example/receipts\"");
    let bound = front.gateway.live().config.bound_to_start(&changed.config);
    assert_eq!(bound, ["server.state", "server.threads", "receipts"]);
}
