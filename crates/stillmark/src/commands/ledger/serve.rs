//! `stillmark ledger serve`: the smallest server that a log needs. It answers GET and HEAD, one request a connection.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use stillmark_ledger::Prover;
use stillmark_ledger::asked::{self, Lasts};

use super::{entries, failed, key};
use crate::exit::ExitStatus;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// No head of a request is longer.
const LONGEST_HEAD: usize = 8192;
/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may keep an answer waiting.
const WRITING: Duration = Duration::from_secs(30);
/// How long a client may take to hang up.
const LINGERING: Duration = Duration::from_secs(1);
/// How many are answered at once.
const MOST: usize = 64;

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log's folder
    log: PathBuf,
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: String,
    /// The log's public key, or a file of it [default: that of your log]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    address: String,
    origin: String,
    size: u64,
}

/// What is sent back.
struct Reply {
    status: &'static str,
    media_type: &'static str,
    cache: &'static str,
    length: usize,
    body: Vec<u8>,
}

/// Serves until the program is ended; nothing is written, so that it may be ended at any moment.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let key = key::verifier(args.key.as_ref(), session)?;
    let origin = key.name().to_owned();
    let prover = Prover::open(&args.log, key).map_err(|error| failed(&error, &args.log))?;
    let cannot = |err: io::Error| {
        Problem::from_error(&err)
            .while_doing(format!("cannot listen on {}", args.listen))
            .hint("name an address and a port that is free with `--listen`, such as 127.0.0.1:0")
    };
    let listener = TcpListener::bind(&args.listen).map_err(cannot)?;
    let address = format!("http://{}/", listener.local_addr().map_err(cannot)?);
    let answer = Answer { schema: "stillmark/ledger-serve/v1", address, origin, size: prover.size() };
    session.answer(&answer, || format!("{}  {}, {}", answer.address, answer.origin, entries(answer.size)))?;
    let (prover, busy) = (Mutex::new(prover), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            if busy.fetch_add(1, Ordering::SeqCst) >= MOST {
                // Whoever comes too many is turned away unheard.
                busy.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (prover, busy) = (&prover, &busy);
            scope.spawn(move || {
                // A client that goes away is its own affair.
                let _ = converse(stream, prover, session);
                busy.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    Ok(ExitStatus::Done)
}

fn converse(mut stream: TcpStream, prover: &Mutex<Prover>, session: &Session) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITING))?;
    let reply = match read_head(&mut stream)? {
        Some(head) => reply(&head, prover, session),
        None => plain("431 Request Header Fields Too Large"),
    };
    let Reply { status, media_type, cache, length, body } = reply;
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\ncache-control: {cache}\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    linger(&mut stream)
}

/// Reads what is still coming: a connection that is closed before is reset, and the answer lost.
fn linger(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGERING))?;
    let mut piece = [0; 1024];
    for _ in 0..LONGEST_HEAD / piece.len() {
        if stream.read(&mut piece)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads up to the blank line; none where it does not come in time or in as many bytes.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let start = Instant::now();
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = PATIENCE.saturating_sub(start.elapsed());
        if left.is_zero() || head.len() > LONGEST_HEAD {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => head.extend_from_slice(&piece[..n]),
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

fn reply(head: &str, prover: &Mutex<Prover>, session: &Session) -> Reply {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let Some(path) = target.strip_prefix('/') else { return plain("400 Bad Request") };
    if method != "GET" && method != "HEAD" {
        return plain("405 Method Not Allowed");
    }
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let Some(asked) = asked::parse(path, query) else { return plain("404 Not Found") };
    let mut prover = prover.lock().unwrap_or_else(PoisonError::into_inner);
    match asked::answer(&mut prover, &asked) {
        Ok(Some(answer)) => {
            let cache = match answer.lasts {
                Lasts::Forever => "public, max-age=31536000, immutable",
                Lasts::Briefly => "no-cache",
            };
            let length = answer.body.len();
            let body = if method == "HEAD" { Vec::new() } else { answer.body };
            Reply { status: "200 OK", media_type: answer.media_type, cache, length, body }
        }
        Ok(None) => plain("404 Not Found"),
        Err(error) => {
            session.talk.warn(&format!("{path}: {error}"));
            plain("500 Internal Server Error")
        }
    }
}

fn plain(status: &'static str) -> Reply {
    let body = format!("{status}\n").into_bytes();
    Reply { status, media_type: "text/plain; charset=utf-8", cache: "no-cache", length: body.len(), body }
}
