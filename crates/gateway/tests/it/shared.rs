//! Limits that several gateways count together, in a real Redis: the script against the book, and gateways against its faults.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use stillmark_gateway::config::OnOutage;
use stillmark_gateway::limit::{self, Book, BucketId, CLOCK, Lease, MACHINE, Per, Shared, Unfit, Want};
use stillmark_gateway::meter::Together;

use crate::behind::{Behind, Front, Step, json, status};

const ASK: &str = r#"{"model":"m","messages":[],"max_tokens":10}"#;
const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;

/// A Redis of the test's own.
struct Server {
    process: Option<Child>,
    port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts one; none where the program is not installed.
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { process: None, port, folder: tempfile::tempdir().unwrap() };
        if Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("skipped: `redis-server` is not installed; `cargo xtask test` installs it");
            return None;
        }
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--appendonly", "yes", "--appendfsync", "always"])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let begun = Instant::now();
        while self
            .client()
            .get_connection()
            .and_then(|mut to| redis::cmd("PING").query::<String>(&mut to))
            .is_err()
        {
            assert!(begun.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn client(&self) -> redis::Client {
        redis::Client::open(self.url()).unwrap()
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn say(&self, words: &[&str]) -> redis::Value {
        let mut connection = self.client().get_connection().unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn together(&self, on_outage: OnOutage) -> Together {
        Together::new(self.shared(None, None), on_outage, 2)
    }

    fn shared(&self, user: Option<&str>, password: Option<&str>) -> Shared {
        let url = self.url();
        let (timeout, lease) = (Duration::from_millis(300), Duration::from_secs(2));
        Shared::new(&limit::Server { url: &url, user, password, name: "test", timeout, lease }, rand())
            .unwrap()
    }

    fn front(&self, behind: &Behind, limits: &str, on_outage: OnOutage) -> Front {
        Front::counting(behind.address, limits, self.together(on_outage))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A number that no other gateway of the test gives.
fn rand() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// What is done to the machine.
#[derive(Debug, Clone)]
enum Act {
    Pass(u64),
    Reserve(Vec<(usize, u64)>),
    Settle(usize, u64),
    Limit(usize, u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let wants = prop::collection::btree_map(0_usize..5, 1_u64..30, 1..5);
    let act = prop_oneof![
        (0_u64..20_000).prop_map(Act::Pass),
        wants.prop_map(|wants| Act::Reserve(wants.into_iter().collect())),
        (any::<usize>(), 0_u64..40).prop_map(|(lease, used)| Act::Settle(lease, used)),
        (0_usize..5, 1_u64..200).prop_map(|(bucket, limit)| Act::Limit(bucket, limit)),
    ];
    prop::collection::vec(act, 1..60)
}

const PER: [Per; 5] = [Per::Minute, Per::Second, Per::Ever, Per::Moment, Per::Day];

fn words(per: Per) -> [i64; 2] {
    match per {
        Per::Moment => [0, -1],
        per => per.ticks().map_or([0, 0], |(tick, ticks)| [tick as i64, ticks as i64]),
    }
}

/// The script as a machine with a clock that the test sets.
struct Script {
    connection: redis::Connection,
    text: String,
    leases: u64,
}

impl Script {
    fn call(&mut self, keys: &[String], words: &[String]) -> Vec<i64> {
        let mut all = vec!["leases".to_owned()];
        all.extend_from_slice(keys);
        let mut ask = redis::cmd("EVAL");
        ask.arg(&self.text).arg(all.len()).arg(&all).arg(words);
        match ask.query::<redis::Value>(&mut self.connection).unwrap() {
            redis::Value::Int(number) => vec![number],
            several => redis::from_redis_value(several).unwrap(),
        }
    }

    fn reserve(&mut self, limits: &[u64; 5], wants: &[(usize, u64)]) -> (Vec<i64>, String) {
        self.leases += 1;
        let mut lease = format!("lease{}", self.leases);
        let mut said = Vec::new();
        for (idx, amount) in wants {
            let [tick, ticks] = words(PER[*idx]);
            write!(lease, "|bucket{idx} {} {tick} {ticks} {amount}", limits[*idx]).unwrap();
            said.extend([limits[*idx].to_string(), tick.to_string(), ticks.to_string()]);
            said.extend([amount.to_string(), "0".to_owned()]);
        }
        let keys: Vec<String> = wants.iter().map(|(idx, _)| format!("bucket{idx}")).collect();
        let first = ["reserve".to_owned(), "600000".to_owned(), lease.clone()];
        (self.call(&keys, &[&first[..], &said].concat()), lease)
    }

    fn settle(&mut self, lease: &str, used: &[u64]) {
        let mut said = vec!["settle".to_owned(), lease.to_owned(), used.len().to_string()];
        said.extend(used.iter().map(u64::to_string));
        assert_eq!(self.call(&[], &said), [1]);
        // A second time it is nothing.
        assert_eq!(self.call(&[], &said), [0]);
    }

    fn look(&mut self, limits: &[u64; 5]) -> Vec<i64> {
        let keys: Vec<String> = (0..5).map(|idx| format!("bucket{idx}")).collect();
        let mut said = vec!["look".to_owned()];
        for idx in 0..5 {
            let [tick, ticks] = words(PER[idx]);
            said.extend([limits[idx].to_string(), tick.to_string(), ticks.to_string()]);
        }
        self.call(&keys, &said)
    }
}

/// The book and the script, to which the same is done.
struct Both {
    script: Script,
    book: Book,
    limits: [u64; 5],
    now: u64,
    leases: Vec<(Lease, String, usize)>,
}

impl Both {
    fn begin(&mut self) {
        redis::cmd("FLUSHALL").query::<()>(&mut self.script.connection).unwrap();
        self.book = Book::default();
        self.limits = [25, 7, 100, 5, 50];
        self.leases.clear();
        self.pass(1_700_000_000_000);
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        redis::cmd("SET").arg("clock").arg(self.now).query::<()>(&mut self.script.connection).unwrap();
    }

    fn bucket(&mut self, idx: usize) -> BucketId {
        self.book.bucket(self.now, idx as u64, self.limits[idx], PER[idx])
    }

    fn act(&mut self, act: Act) -> Result<(), TestCaseError> {
        match act {
            Act::Pass(ms) => self.pass(ms),
            Act::Limit(idx, limit) => {
                self.limits[idx] = limit;
                // It is taken on when something is next asked of the bucket.
                self.reserve(&[(idx, 0)])?;
                if let Some((ours, lease, _)) = self.leases.pop() {
                    self.book.settle(self.now, &ours, &[0]);
                    self.script.settle(&lease, &[0]);
                }
            }
            Act::Reserve(wants) => self.reserve(&wants)?,
            Act::Settle(..) if self.leases.is_empty() => {}
            Act::Settle(which, used) => {
                let (ours, lease, wants) = self.leases.swap_remove(which % self.leases.len());
                self.book.settle(self.now, &ours, &vec![used; wants]);
                self.script.settle(&lease, &vec![used; wants]);
            }
        }
        let told = self.script.look(&self.limits);
        for (idx, told) in told[1..].chunks(3).enumerate() {
            let id = self.bucket(idx);
            self.book.look(self.now, id);
            let own = self.book.get(id);
            prop_assert_eq!([own.used() as i64, own.held() as i64], [told[0], told[2]]);
        }
        Ok(())
    }

    fn reserve(&mut self, wants: &[(usize, u64)]) -> Result<(), TestCaseError> {
        let asked: Vec<Want> =
            wants.iter().map(|(idx, amount)| Want { bucket: self.bucket(*idx), amount: *amount }).collect();
        let (told, lease) = self.script.reserve(&self.limits, wants);
        let ours = self.book.reserve(self.now, &asked);
        prop_assert_eq!(told[0], i64::from(ours.is_ok()));
        self.leases.extend(ours.ok().map(|ours| (ours, lease, wants.len())));
        Ok(())
    }
}

#[test]
fn the_script_does_what_the_book_does() {
    let Some(server) = Server::start() else { return };
    let clock = "return tonumber(redis.call('GET', 'clock'))";
    assert!(MACHINE.contains(CLOCK));
    let connection = server.client().get_connection().unwrap();
    let script = Script { connection, text: MACHINE.replace(CLOCK, clock), leases: 0 };
    let both = Both { script, book: Book::default(), limits: [0; 5], now: 0, leases: Vec::new() };
    let both = std::cell::RefCell::new(both);
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&acts(), |acts| {
        both.borrow_mut().begin();
        acts.into_iter().try_for_each(|act| both.borrow_mut().act(act))
    });
    tried.unwrap();
}

fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it did not come to be");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn code(answer: &str) -> &str {
    answer.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[test]
fn two_gateways_let_in_together_what_one_may() {
    let Some(server) = Server::start() else { return };
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let limits = "[limits.key]\nrequests_per_day = 50\ntokens_per_day = 100000\nconcurrent = 30";
    let fronts = [0, 1].map(|_| server.front(&behind, limits, OnOutage::Closed));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|idx| {
                let front = &fronts[idx % 2];
                scope.spawn(move || (0..10).map(|_| status(&front.ask(&front.chat(ASK)))).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(429)), (50, 30), "{statuses:?}");
    // What was held is settled: 50 answers of seven tokens.
    wait_for(|| matches!(server.say(&["ZCARD", "{stillmark:test}:1:leases"]), redis::Value::Int(0)));
}

#[test]
fn a_server_that_is_away_is_answered_as_the_configuration_says() {
    let Some(mut server) = Server::start() else { return };
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let limits = "[limits.key]\nrequests_per_day = 8";
    let ever = "[limits.key]\nrequests_per_day = 8\nanswer_tokens_ever = 10000";
    let closed = server.front(&behind, limits, OnOutage::Closed);
    let shares = server.front(&behind, limits, OnOutage::LocalShare);
    let open = server.front(&behind, limits, OnOutage::Open);
    let quota = server.front(&behind, ever, OnOutage::Open);
    let ask = |front: &Front| front.ask(&front.chat(ASK));
    for front in [&closed, &shares, &open, &quota] {
        assert_eq!(status(&ask(front)), 200);
    }
    server.kill();
    let begun = Instant::now();
    let refused = ask(&closed);
    assert_eq!((status(&refused), code(&refused)), (503, "limits_unavailable"));
    assert_eq!(status(&ask(&quota)), 503);
    assert!((0..20).all(|_| status(&ask(&open)) == 200));
    // Two gateways share eight requests.
    let shared: Vec<u16> = (0..6).map(|_| status(&ask(&shares))).collect();
    assert_eq!(shared, [200, 200, 200, 200, 429, 429]);
    assert!(begun.elapsed() < Duration::from_secs(15));
    let text = open.gateway.metrics_text();
    assert!(
        text.contains("stillmark_limits_out 1\n") && text.contains("stillmark_limits_unseen_total 20\n"),
        "{text}"
    );
    assert!(closed.gateway.metrics_text().contains("stillmark_limits_outages_total 1\n"));
    server.run();
    wait_for(|| status(&ask(&closed)) != 503);
    // The keys of the four are the same one: it has taken four requests before, and one or more since.
    wait_for(|| status(&ask(&closed)) == 429);
    wait_for(|| open.gateway.metrics_text().contains("stillmark_limits_out 0\n"));
}

#[test]
fn a_server_that_is_slow_holds_nobody_up_and_gets_back_what_was_not_used() {
    let Some(server) = Server::start() else { return };
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = server.front(&behind, "[limits.key]\nconcurrent = 1", OnOutage::Closed);
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    server.signal("-STOP");
    let begun = Instant::now();
    assert_eq!(status(&front.ask(&front.chat(ASK))), 503);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    server.signal("-CONT");
    wait_for(|| status(&front.ask(&front.chat(ASK))) == 200);
}

#[test]
fn a_server_that_is_full_lets_nothing_in_unseen() {
    let Some(server) = Server::start() else { return };
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front =
        server.front(&behind, "[limits.key]\nrequests_per_day = 100\nconcurrent = 5", OnOutage::Closed);
    assert_eq!(status(&front.ask(&front.chat(ASK))), 200);
    server.say(&["CONFIG", "SET", "maxmemory", "100kb"]);
    let refused = front.ask(&front.chat(ASK));
    assert_eq!((status(&refused), code(&refused)), (503, "limits_unavailable"));
    server.say(&["CONFIG", "SET", "maxmemory", "0"]);
    wait_for(|| status(&front.ask(&front.chat(ASK))) == 200);
    // One that would forget instead is not taken at the start.
    let check = || server.together(OnOutage::Closed).shared.check();
    check().unwrap();
    server.say(&["CONFIG", "SET", "maxmemory", "1gb"]);
    server.say(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    assert!(matches!(check(), Err(Unfit::Forgets(policy)) if policy == "allkeys-lru"));
}

#[test]
fn what_a_gateway_held_that_died_counts_in_full() {
    let Some(server) = Server::start() else { return };
    let limits = "[limits.key]\nconcurrent = 1\nanswer_tokens_ever = 25";
    let hangs = Behind::new(vec![vec![Step::AwaitEnd]]);
    let dies = server.front(&hangs, limits, OnOutage::Closed);
    let mut client = dies.connect();
    client.write_all(dies.chat(ASK).as_bytes()).unwrap();
    wait_for(|| dies.gateway.metrics().in_flight() == 1);
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let lives = server.front(&behind, limits, OnOutage::Closed);
    let ask = || lives.ask(&lives.chat(ASK));
    assert_eq!(status(&ask()), 429);
    // It is renewed as long as it is being answered.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(status(&ask()), 429);
    // Its thread goes on in this process, but nobody hears of it any more: as if it had been killed.
    server.say(&["CLIENT", "KILL", "TYPE", "normal"]);
    let leases = server.say(&["ZRANGE", "{stillmark:test}:1:leases", "0", "-1"]);
    let redis::Value::Array(leases) = leases else { panic!() };
    assert_eq!(leases.len(), 1);
    server.say(&[
        "ZADD",
        "{stillmark:test}:1:leases",
        "1",
        &redis::from_redis_value::<String>(leases[0].clone()).unwrap(),
    ]);
    wait_for(|| status(&ask()) == 200);
    // Ten that were held and four that were used: there is room for ten more, and then for none.
    assert_eq!(status(&ask()), 200);
    let refused = ask();
    assert_eq!((status(&refused), code(&refused)), (429, "insufficient_quota"));
    std::mem::forget(dies);
}

#[test]
fn a_server_that_takes_no_script_load_and_asks_for_a_password_is_used_all_the_same() {
    let Some(server) = Server::start() else { return };
    server.say(&[
        "ACL",
        "SETUSER",
        "gate",
        "on",
        ">secret",
        "~{stillmark:test}:1:*",
        "+@all",
        "-script",
        "-@admin",
    ]);
    let shared = server.shared(Some("gate"), Some("secret"));
    let together = Together::new(shared, OnOutage::Closed, 1);
    let behind = Behind::new(vec![vec![json("200 OK", ANSWER)]]);
    let front = Front::counting(behind.address, "[limits.key]\nrequests_per_day = 2", together);
    let statuses: BTreeSet<u16> = (0..3).map(|_| status(&front.ask(&front.chat(ASK)))).collect();
    assert_eq!(statuses, BTreeSet::from([200, 429]));
    assert!(!format!("{:?}", front.gateway).contains("\"secret\""));
}
