//! `stillmark ledger serve`: a log that others read, over HTTP, while it grows.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use stillmark_ledger::note::SigningKey;
use stillmark_ledger::tree::leaf_hash;
use stillmark_ledger::{Log, proof};

/// The head and the body of an answer.
fn ask(address: &str, request: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

fn get(address: &str, path: &str) -> (String, Vec<u8>) {
    ask(address, &format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n"))
}

#[test]
fn a_log_is_served_for_reading_while_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("log");
    let mut log =
        Log::create(&folder, SigningKey::from_seed("log.example/receipts", &[7; 32]).unwrap()).unwrap();
    log.append(&[b"one", b"two"]).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_stillmark"))
        .args(["ledger", "serve", "log", "--listen", "127.0.0.1:0", "--key", &log.verifier().to_string()])
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    log.append(&[b"three"]).unwrap();
    let (head, body) = get(&address, "checkpoint");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("no-cache"), "{head}");
    assert_eq!(body, log.checkpoint().as_bytes());
    let (head, body) = get(&address, &format!("proof/{}?size=3", leaf_hash(b"three").to_hex()));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let proven = proof::verify(&proof::parse(&body).unwrap(), b"three", &[log.verifier()]);
    assert_eq!(proven.unwrap().size, 3);
    let (head, body) = get(&address, "tile/0/000.p/3");
    assert!(head.contains("immutable") && body == fs::read(folder.join("tile/0/000.p/3")).unwrap(), "{head}");
    assert_eq!(get(&address, "consistency/2/3").1.len(), 45);
    for (path, status) in [("lock", 404), ("../log/checkpoint", 404), ("tile/0/000.p/4", 404), ("", 404)] {
        assert!(get(&address, path).0.starts_with(&format!("HTTP/1.1 {status}")), "{path}");
    }
    assert!(ask(&address, "POST /checkpoint HTTP/1.1\r\n\r\n").0.starts_with("HTTP/1.1 405"));
    assert!(ask(&address, "nonsense\r\n\r\n").0.starts_with("HTTP/1.1 400"));
    assert!(ask(&address, &format!("GET /{}", "x".repeat(9300))).0.starts_with("HTTP/1.1 431"));
    assert!(ask(&address, "HEAD /checkpoint HTTP/1.1\r\n\r\n").1.is_empty());
    server.kill().unwrap();
    server.wait().unwrap();
}
