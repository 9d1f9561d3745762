//! The log in a folder: appending, killing, proving, tampering.

use std::fs;
use std::path::Path;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::{Error, Log, Refusal, check, proof};

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", &[7; 32]).unwrap()
}

fn entry(i: usize) -> Vec<u8> {
    format!("entry {i}").into_bytes()
}

fn append(log: &mut Log, range: std::ops::Range<usize>) {
    let entries: Vec<Vec<u8>> = range.map(entry).collect();
    let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    log.append(&slices).unwrap();
}

fn filled(dir: &Path, steps: &[usize]) -> Log {
    let mut log = Log::create(dir, key()).unwrap();
    let mut at = 0;
    for step in steps {
        append(&mut log, at..at + step);
        at += step;
    }
    log
}

#[test]
fn a_log_reopens_with_all_its_entries_and_proves_each() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), &[1, 4, 250, 1, 300, 0, 30]));
    let log = Log::open(dir.path(), key()).unwrap();
    assert_eq!(log.size(), 586);
    for i in [0, 4, 255, 256, 585] {
        let text = log.prove(i as u64).unwrap().encode();
        let parsed = proof::parse(text.as_bytes()).unwrap();
        let checkpoint = proof::verify(&parsed, &entry(i), &[log.verifier()]).unwrap();
        assert_eq!(checkpoint.size, 586);
        assert_eq!(proof::verify(&parsed, b"another", &[log.verifier()]), Err(Refusal::NotInLog));
    }
    check::check(dir.path(), &log.verifier()).unwrap();
    assert!(matches!(log.prove(586), Err(Error::NoSuchEntry { .. })));
    assert_eq!(log.find(&entry(400)).unwrap(), Some(400));
}

#[test]
fn the_files_lie_where_the_tiles_specification_says() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), &[200, 400]));
    let length = |path: &str| fs::metadata(dir.path().join(path)).unwrap().len();
    assert_eq!(length("tile/0/000"), 8192);
    assert_eq!(length("tile/0/002.p/88"), 88 * 32);
    assert_eq!(length("tile/1/000.p/2"), 64);
    assert!(dir.path().join("tile/entries/001").exists());
    assert!(!dir.path().join("tile/0/000.p").exists(), "the partial tile goes when the full one stands");
    assert_eq!(stillmark_ledger::tile::tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
}

/// A kill between any two file writes leaves the old checkpoint with newer tiles beside it.
#[test]
fn a_log_killed_before_its_checkpoint_opens_at_the_old_one_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), &[250]));
    let old = fs::read(dir.path().join("checkpoint")).unwrap();
    let partial = fs::read(dir.path().join("tile/0/000.p/250")).unwrap();
    let entries = fs::read(dir.path().join("tile/entries/000.p/250")).unwrap();
    let mut log = Log::open(dir.path(), key()).unwrap();
    append(&mut log, 250..300);
    drop(log);
    fs::write(dir.path().join("checkpoint"), old).unwrap();
    fs::create_dir_all(dir.path().join("tile/0/000.p")).unwrap();
    fs::write(dir.path().join("tile/0/000.p/250"), partial).unwrap();
    fs::create_dir_all(dir.path().join("tile/entries/000.p")).unwrap();
    fs::write(dir.path().join("tile/entries/000.p/250"), entries).unwrap();
    fs::write(dir.path().join("checkpoint.tmp"), b"half a check").unwrap();
    let mut log = Log::open(dir.path(), key()).unwrap();
    assert_eq!(log.size(), 250);
    append(&mut log, 1000..1020);
    assert_eq!(log.find(&entry(1000)).unwrap(), Some(250));
    drop(log);
    assert_eq!(check::check(dir.path(), &key().verifier()).unwrap().checkpoint.size, 270);
}

#[test]
fn changed_files_are_refused() {
    let spoil: [(&str, &str); 5] = [
        ("checkpoint", "bad-signature"),
        ("tile/0/000", "edited-tile"),
        ("tile/0/001.p/44", "edited-tile"),
        ("tile/1/000.p/1", "edited-tile"),
        ("tile/entries/000", "edited-entry"),
    ];
    for (path, code) in spoil {
        let dir = tempfile::tempdir().unwrap();
        drop(filled(dir.path(), &[300]));
        let file = dir.path().join(path);
        let mut bytes = fs::read(&file).unwrap();
        let at = if path == "checkpoint" { "example.org/log\n".len() } else { 7 };
        bytes[at] = if path == "checkpoint" { b'4' } else { bytes[at] ^ 1 };
        fs::write(&file, bytes).unwrap();
        assert_eq!(check::check(dir.path(), &key().verifier()).unwrap_err().code(), code, "{path}");
        fs::remove_file(&file).unwrap();
        assert_eq!(check::check(dir.path(), &key().verifier()).unwrap_err().code(), "missing-file", "{path}");
    }
}

#[test]
fn a_second_writer_is_kept_out_and_a_second_log_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), &[3]);
    assert!(matches!(Log::open(dir.path(), key()), Err(Error::Locked { .. })));
    drop(log);
    assert!(matches!(Log::create(dir.path(), key()), Err(Error::Exists { .. })));
    let other = SigningKey::from_seed("example.org/log", &[8; 32]).unwrap();
    assert!(matches!(Log::open(dir.path(), other), Err(Error::Refused(Refusal::UnknownSigner))));
}

#[test]
fn too_long_an_entry_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = filled(dir.path(), &[3]);
    let long = vec![0; 65536];
    assert!(matches!(log.append(&[b"short", &long]), Err(Error::EntryTooLong { length: 65536 })));
    assert_eq!(log.size(), 3);
    log.append(&[&long[..65535]]).unwrap();
    check::check(dir.path(), &log.verifier()).unwrap();
}

#[test]
fn keys_come_back_from_their_text() {
    let key = key();
    let again = SigningKey::parse(&key.encode()).unwrap();
    assert_eq!(again.verifier(), key.verifier());
    let public = stillmark_ledger::note::VerifierKey::parse(&key.verifier().to_string()).unwrap();
    assert_eq!(public, key.verifier());
    assert!(SigningKey::from_seed("two words", &[0; 32]).is_err());
    assert!(SigningKey::from_seed("a+b", &[0; 32]).is_err());
}

#[test]
fn a_beginning_that_was_cut_off_is_begun_again_but_lost_checkpoints_are_not() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("checkpoint.tmp"), "half").unwrap();
    let mut log = Log::open_or_create(dir.path(), key()).unwrap();
    log.append(&[b"one"]).unwrap();
    drop(log);
    let log = Log::open_or_create(dir.path(), key()).unwrap();
    assert_eq!(log.find(b"one").unwrap(), Some(0));
    drop(log);
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    assert!(Log::open_or_create(dir.path(), key()).is_err());
}
