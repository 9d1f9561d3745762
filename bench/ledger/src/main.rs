//! How fast a log grows, opens, proves and is checked, and what it holds in memory.
//!
//! `cargo run --release -p stillmark-bench-ledger [LEAVES [FOLDER]]`; `index LEAVES` measures the index of leaves alone.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod watch;

use std::error::Error;
use std::path::Path;
use std::time::Instant;
use stillmark_ledger::index::Index;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::storage::{Disk, Source};
use stillmark_ledger::tree::{Head, empty_root, leaf_hash};
use stillmark_ledger::{Log, Prover, Reader, check};

/// Leaves where the command line names none.
const LEAVES: u64 = 1_000_000;
/// The bytes of a leaf: about a receipt's.
const LENGTH: usize = 600;
/// How many leaves are looked up and proven.
const ASKED: u64 = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words.get(at).map_or(Ok(LEAVES), |word| word.parse());
    let folder = match words.get(1) {
        Some(folder) if words[0] != "index" => tempfile::tempdir_in(folder)?,
        _ => tempfile::tempdir()?,
    };
    println!("| what | wall | user | system | a second | a second of CPU |\n|---|---|---|---|---|---|");
    if words.first().is_some_and(|word| word == "index") {
        return index(number(1)?, folder.path());
    }
    log(number(0)?, folder.path())
}

fn key() -> Result<SigningKey, stillmark_ledger::Error> {
    SigningKey::from_seed("example.org/log", &[7; 32])
}

/// A leaf as long as a receipt, and no other's.
fn leaf(index: u64) -> Vec<u8> {
    let mut leaf = format!("{{\"sequence\":{index},").into_bytes();
    leaf.resize(LENGTH, b'x');
    leaf
}

fn grow(log: &mut Log, size: u64, batch: u64) -> Result<(), stillmark_ledger::Error> {
    while log.size() < size {
        let end = (log.size() + batch).min(size);
        let entries: Vec<Vec<u8>> = (log.size()..end).map(leaf).collect();
        log.append(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    }
    Ok(())
}

fn log(n: u64, dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut log = Log::create(&dir.join("small"), key()?)?;
    watch::rate("append, 3 a batch", 3000, || grow(&mut log, 3000, 3))?;
    watch::rate("append, 100 a batch", 50_000, || grow(&mut log, 53_000, 100))?;
    let dir = dir.join("large");
    let mut log = Log::create(&dir, key()?)?;
    watch::rate("append, 256 a batch", n, || grow(&mut log, n, 256))?;
    let head = log.head();
    println!(
        "memory after appending: {:.1} MB, at most {:.1} MB",
        watch::memory_mb().0,
        watch::memory_mb().1
    );
    drop(log);
    let opened = (0..100).map(|_| {
        let start = Instant::now();
        key().and_then(|key| Log::open(&dir, key)).map(|_| start.elapsed())
    });
    watch::spread("open", opened.collect::<Result<Vec<_>, _>>()?.into_iter());
    let disk = Disk::new(&dir);
    let found = watch::rate("check", n, || check::survey(&disk, head, &mut |_| ()))?;
    println!("differences: {}; memory {:.1} MB", found.count, watch::memory_mb().0);
    let mut prover = watch::rate("index", n, || Prover::open(&dir, key()?.verifier()))?;
    let proven = (0..ASKED).map(|i| {
        let leaf = leaf_hash(&leaf(i * 2_654_435_761 % n));
        let start = Instant::now();
        prover.prove(&leaf, n).map(|proof| (proof.is_some(), start.elapsed()))
    });
    let proven = proven.collect::<Result<Vec<_>, _>>()?;
    if proven.iter().any(|(is_there, _)| !is_there) {
        return Err("a leaf was not found".into());
    }
    watch::spread("proof by leaf hash", proven.into_iter().map(|(_, time)| time));
    println!("memory {:.1} MB, at most {:.1} MB", watch::memory_mb().0, watch::memory_mb().1);
    Ok(())
}

/// Tiles of leaves that stand nowhere: the index alone is measured.
#[derive(Debug)]
struct Counted;

impl Source for Counted {
    fn read(&self, path: &str, _: usize) -> Result<Option<Vec<u8>>, stillmark_ledger::Error> {
        let digits: String =
            path.trim_start_matches("tile/0/").chars().filter(char::is_ascii_digit).collect();
        let Ok(tile) = digits.parse::<u64>() else { return Ok(None) };
        Ok(Some((tile * 256..tile * 256 + 256).flat_map(|i| leaf_hash(&i.to_be_bytes()).0).collect()))
    }
}

fn index(n: u64, dir: &Path) -> Result<(), Box<dyn Error>> {
    let n = n / 256 * 256;
    let mut index = Index::open(dir)?;
    watch::rate("index", n, || index.update(&Reader::new(&Counted, Head { size: n, root: empty_root() })))?;
    let looked_up = (0..ASKED).map(|i| {
        let leaf = i * 2_654_435_761 % n;
        let hash = leaf_hash(&leaf.to_be_bytes());
        let start = Instant::now();
        index.find(&hash).map(|found| (found == [leaf], start.elapsed()))
    });
    let looked_up = looked_up.collect::<Result<Vec<_>, _>>()?;
    if looked_up.iter().any(|(is_there, _)| !is_there) {
        return Err("a leaf was not found".into());
    }
    watch::spread("look-up", looked_up.into_iter().map(|(_, time)| time));
    let files = std::fs::read_dir(dir)?.count();
    println!("{files} files; memory {:.1} MB, at most {:.1} MB", watch::memory_mb().0, watch::memory_mb().1);
    Ok(())
}
