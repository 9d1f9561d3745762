//! An append that ends at any of its writes: what was acknowledged is there, what is there agrees, and the log goes on.

use crate::memory::Memory;
use proptest::prelude::*;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::storage::{Source, Store};
use stillmark_ledger::{Log, check, checkpoint};

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", &[7; 32]).unwrap()
}

/// Appends batches until the store dies; gives the number of entries that were acknowledged.
fn append(log: &mut Log, batches: &[usize], run: &str) -> Option<u64> {
    for batch in batches {
        let start = log.size();
        let entries: Vec<Vec<u8>> =
            (start..start + *batch as u64).map(|i| format!("{run} {i}").into_bytes()).collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        if log.append(&entries).is_err() {
            return None;
        }
    }
    Some(log.size())
}

fn size(store: &Memory) -> u64 {
    let bytes = store.read("checkpoint", 9999).unwrap().unwrap();
    let signed = String::from_utf8(bytes).unwrap();
    checkpoint::open(&signed, &[key().verifier()]).unwrap().size
}

fn is_sound(store: &Memory, log: &Log) {
    let found = check::survey(store, log.head(), &mut |_| ()).unwrap();
    assert_eq!(found.differences, []);
    assert_eq!(size(store), log.size());
}

/// Runs the batches on a store that dies at a step, and opens what is left.
fn killed_at(step: usize, before: &[usize], batches: &[usize], cut: impl Fn(&Memory) -> Memory) {
    let store = Memory::default();
    let mut log = Log::create_in(Box::new(store.clone()), key()).unwrap();
    append(&mut log, before, "before").unwrap();
    store.dying_after(step);
    append(&mut log, batches, "lost");
    let acknowledged = log.size();
    let seen = size(&store);
    drop(log);
    let store = cut(&store);
    let mut log = Log::open_in(Box::new(store.clone()), key()).unwrap();
    assert!(acknowledged <= log.size(), "what was acknowledged is there");
    assert!(seen <= log.size(), "a checkpoint that was seen is there");
    is_sound(&store, &log);
    append(&mut log, &[3, 250, 256, 1], "after").unwrap();
    is_sound(&store, &log);
    drop(log);
    Log::open_in(Box::new(store.clone()), key()).unwrap();
}

#[test]
fn a_kill_at_any_write_loses_at_most_the_batch() {
    let before = [200];
    let batches = [40, 30, 1, 300];
    let store = Memory::default();
    let mut log = Log::create_in(Box::new(store.clone()), key()).unwrap();
    append(&mut log, &before, "before").unwrap();
    let start = store.steps();
    append(&mut log, &batches, "lost").unwrap();
    let steps = store.steps() - start;
    assert!(steps > 30, "{steps}");
    for step in 0..=steps {
        killed_at(step, &before, &batches, Memory::after_kill);
        for seed in 0..8 {
            killed_at(step, &before, &batches, |store| store.after_power_cut(seed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_power_cut_at_any_write_loses_nothing_that_was_seen(
        before in prop::collection::vec(1_usize..400, 0..4),
        batches in prop::collection::vec(1_usize..600, 1..5),
        step in 0_usize..80,
        seed: u64,
    ) {
        killed_at(step, &before, &batches, |store| store.after_power_cut(seed));
    }
}

/// What could not be published for certain is not built upon.
#[test]
fn after_a_failure_in_publishing_the_log_wants_to_be_opened_anew() {
    for step in 0..12 {
        let store = Memory::default();
        let mut log = Log::create_in(Box::new(store.clone()), key()).unwrap();
        store.dying_after(step);
        let failed = log.append(&[b"one"]).is_err();
        store.dying_after(usize::MAX);
        if let Ok(range) = log.append(&[b"two"]) {
            assert_eq!(range.start, u64::from(!failed));
            is_sound(&store, &log);
        }
        drop(log);
        is_sound(&store, &Log::open_in(Box::new(store.clone()), key()).unwrap());
    }
}

/// The real file system, and a real kill: the child appends until it dies.
#[cfg(unix)]
#[test]
fn a_killed_process_leaves_a_log_that_opens() {
    const FOLDER: &str = "STILLMARK_TEST_APPEND_TO";
    if let Some(dir) = std::env::var_os(FOLDER) {
        let mut log = Log::open_or_create(dir.as_ref(), key()).unwrap();
        for batch in (1..).map(|i| i * 37 % 300) {
            append(&mut log, &[batch], "child").unwrap();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..6 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::a_killed_process_leaves_a_log_that_opens"])
            .env(FOLDER, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // It is killed when it has appended enough, wherever it is by then.
        let enough = last + 2000 + round * 531;
        loop {
            let signed = std::fs::read_to_string(dir.path().join("checkpoint")).unwrap_or_default();
            let size = checkpoint::open(&signed, &[key().verifier()]).map_or(0, |checkpoint| checkpoint.size);
            if size > enough {
                break;
            }
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let log = Log::open(dir.path(), key()).unwrap();
        last = log.size();
        assert_eq!(check::check(dir.path(), &key().verifier()).unwrap().checkpoint.size, last);
    }
}

#[test]
fn stores_name_parts_beside_their_files() {
    let store = Memory::default();
    store.put("tile/0/000", b"x").unwrap();
    assert_eq!(store.paths(), ["tile/0/.000.part"]);
}
