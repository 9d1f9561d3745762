//! A server behind that does as it is told, and a gateway before it, both over real sockets.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stillmark_gateway::config::Config;
use stillmark_gateway::keys::{NewKey, Pepper, Store};
use stillmark_gateway::meter::{Meter, Together};
use stillmark_gateway::receipts::{Issuing, Receipts};
use stillmark_gateway::serve::{listen, serve};
use stillmark_gateway::{Authorization, Gateway, Parts, Target, Upstream};
use stillmark_ledger::note::SigningKey;

/// What a server behind does, step by step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Writes bytes.
    Write(Vec<u8>),
    /// Waits.
    Sleep(Duration),
    /// Waits until the other side hangs up, and says when.
    AwaitEnd,
    /// Writes for as long as it can.
    Flood(usize),
    /// Hangs up.
    Close,
}

pub(crate) fn say(text: &str) -> Step {
    Step::Write(text.as_bytes().to_vec())
}

/// A whole JSON answer.
pub(crate) fn json(status: &str, body: &str) -> Step {
    say(&format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// The head of a stream that ends with its connection's chunks.
pub(crate) fn events_head() -> Step {
    say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
}

pub(crate) fn chunk(text: &str) -> Step {
    say(&format!("{:x}\r\n{text}\r\n", text.len()))
}

pub(crate) fn last_chunk() -> Step {
    say("0\r\n\r\n")
}

/// A server behind.
pub(crate) struct Behind {
    pub(crate) address: SocketAddr,
    /// The requests that came, whole.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// When the other side hung up.
    pub(crate) ends: Receiver<Instant>,
}

impl Behind {
    /// Answers the n-th request by the n-th of these; those after by the last.
    pub(crate) fn new(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (ended, ends) = channel();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (scripts, seen, ended) = (scripts.clone(), Arc::clone(&seen), ended.clone());
                std::thread::spawn(move || connection(stream.unwrap(), &scripts, &seen, &ended));
            }
        });
        Self { address, requests, ends }
    }

    pub(crate) fn last(&self) -> String {
        self.requests.lock().unwrap().last().unwrap().clone()
    }
}

fn connection(
    mut stream: TcpStream,
    scripts: &[Vec<Step>],
    seen: &Mutex<Vec<String>>,
    ended: &Sender<Instant>,
) {
    while let Some(request) = request(&mut stream) {
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len() - 1
        };
        for step in &scripts[number.min(scripts.len() - 1)] {
            let done = match step {
                Step::Write(bytes) => stream.write_all(bytes).is_ok(),
                Step::Sleep(time) => {
                    std::thread::sleep(*time);
                    true
                }
                Step::AwaitEnd => {
                    let mut byte = [0];
                    while stream.read(&mut byte).is_ok_and(|read| read > 0) {}
                    let _ = ended.send(Instant::now());
                    false
                }
                Step::Flood(chunks) => {
                    let text = format!("data: {}\n\n", "x".repeat(1000));
                    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
                    (0..*chunks).all(|_| stream.write_all(chunk.as_bytes()).is_ok())
                }
                Step::Close => false,
            };
            if !done {
                return;
            }
        }
    }
}

/// Reads a request whose body's length is stated.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&text).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    text.extend(body);
    Some(String::from_utf8(text).unwrap())
}

/// A gateway at work.
pub(crate) struct Front {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) store: Mutex<Store>,
    thread: Option<JoinHandle<()>>,
    pub(crate) folder: tempfile::TempDir,
}

impl Front {
    /// A gateway before a server; `more` is put before the table of servers.
    pub(crate) fn new(behind: SocketAddr, more: &str, of_upstream: &str) -> Self {
        Self::with(behind, more, of_upstream, None)
    }

    /// A gateway that counts together with others.
    pub(crate) fn counting(behind: SocketAddr, more: &str, together: Together) -> Self {
        Self::with(behind, more, "", Some(together))
    }

    fn with(behind: SocketAddr, more: &str, of_upstream: &str, together: Option<Together>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nstate = \"unused\"\nshutdown_seconds = 1\n{more}\n[[upstream]]\nname = \"behind\"\nurl = \"http://{behind}\"\nmodels = [\"m\", \"*\"]\n{of_upstream}"
        );
        let config = Config::parse(&text).unwrap();
        let pepper = Pepper::new([3; 32]);
        let mut store = Store::open(&folder.path().join("keys.sqlite")).unwrap();
        let (secret, _) =
            store.add(&NewKey { name: "nova".into(), ..NewKey::default() }, &pepper, &[5; 64], 1).unwrap();
        let ring = store.changed().unwrap().unwrap();
        let own = &config.upstreams[0];
        let upstream = Upstream {
            name: own.name.clone(),
            target: Target::Http(own.url.clone()),
            models: own.models.clone(),
            authorization: Authorization::bearer("upstream-secret"),
            on_disconnect: own.on_disconnect,
            idle: Duration::from_secs(own.idle_seconds),
            retries: own.retries,
        };
        let receipts = config.receipts.as_ref().map(|_| receipts(folder.path()));
        let meter = Meter::new(config.limits.key, config.limits.network, pepper.clone(), None).unwrap();
        let meter = match together {
            Some(together) => meter.with(together),
            None => meter,
        };
        let listeners = listen(config.server.listen, config.server.threads).unwrap();
        let address = listeners.address;
        let gateway = Gateway::new(Parts {
            config,
            upstreams: vec![upstream],
            meter,
            ring,
            pepper,
            receipts,
            offer: Some("an offer".to_owned()),
            now_ms: now,
        });
        let served = Arc::clone(&gateway);
        let thread = std::thread::spawn(move || serve(&served, listeners).unwrap());
        let key = secret.reveal().to_owned();
        Self { gateway, address, key, store: Mutex::new(store), thread: Some(thread), folder }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// A chat request with the key.
    pub(crate) fn chat(&self, body: &str) -> String {
        self.post("/v1/chat/completions", "", body)
    }

    pub(crate) fn post(&self, path: &str, fields: &str, body: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n{fields}content-length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        )
    }

    /// Sends a request on a connection of its own and reads what comes until it is closed.
    pub(crate) fn ask(&self, request: &str) -> String {
        let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        self.raw(request.as_bytes())
    }

    /// Sends bytes and reads what comes until the connection is closed.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // What is refused early may not be read to its end.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.gateway.close();
        if let Some(thread) = self.thread.take().filter(|_| !std::thread::panicking()) {
            thread.join().unwrap();
        }
    }
}

/// The key of the log of receipts, for the tests alone.
pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed("acme.example/receipts", &[7; 32]).unwrap()
}

/// The log of receipts below a folder.
pub(crate) fn receipts(folder: &Path) -> Receipts {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let issuing = Issuing {
        offer: None,
        models: BTreeMap::new(),
        now: || "2026-11-28T12:00:00Z".to_owned(),
        entropy: || {
            let mut bytes = [0; 64];
            bytes[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            Some(bytes)
        },
    };
    Receipts::open(&folder.join("receipts"), log_key(), issuing).unwrap()
}

/// Milliseconds of a clock that begins with the program.
fn now() -> u64 {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed().as_millis() as u64 + 1_000_000
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// The body of an answer, its chunks put together.
pub(crate) fn body(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole += &after[..size];
        rest = &after[size + 2..];
        if size == 0 {
            break;
        }
    }
    whole
}
