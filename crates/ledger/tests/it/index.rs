//! Leaves are found by their hash, whatever became of the index.

use std::fs;
use std::path::Path;
use stillmark_ledger::index::Index;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::{Error, Log, Prover, Refusal, proof, tree};

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", &[7; 32]).unwrap()
}

fn entry(i: u64) -> [u8; 8] {
    i.to_be_bytes()
}

fn append(log: &mut Log, n: u64) {
    let entries: Vec<[u8; 8]> = (log.size()..log.size() + n).map(entry).collect();
    log.append(&entries.iter().map(<[u8; 8]>::as_slice).collect::<Vec<_>>()).unwrap();
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_leaf_is_found_in_memory_in_runs_and_in_merged_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::create(dir.path(), key()).unwrap();
    let folder = dir.path().join("index");
    let mut index = Index::open_with(&folder, 256).unwrap();
    for _ in 0..40 {
        append(&mut log, 700);
        index.update(&log.reader()).unwrap();
    }
    let names = files(&folder);
    assert!(names.len() < 25, "{names:?}");
    let all_found = |index: &mut Index| {
        for i in (0..28_000).step_by(7) {
            assert_eq!(index.find(&tree::leaf_hash(&entry(i))).unwrap(), [i]);
        }
        assert!(index.find(&tree::leaf_hash(b"not there")).unwrap().is_empty());
    };
    all_found(&mut index);
    // It is opened again, and made again from whatever is missing on.
    let mut index = Index::open_with(&folder, 256).unwrap();
    assert!(0 < index.size() && index.size() <= 28_000);
    index.update(&log.reader()).unwrap();
    all_found(&mut index);
    for spoil in [0, 1] {
        fs::write(folder.join(&files(&folder)[spoil]), b"cut").unwrap();
        fs::write(folder.join("garbage"), b"what is this").unwrap();
        let mut index = Index::open_with(&folder, 256).unwrap();
        index.update(&log.reader()).unwrap();
        all_found(&mut index);
        assert!(!files(&folder).contains(&"garbage".to_owned()));
    }
}

#[test]
fn an_entry_that_stands_twice_is_found_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::create(dir.path(), key()).unwrap();
    let mut index = Index::open_with(&dir.path().join("index"), 2).unwrap();
    for _ in 0..2 {
        log.append(&[b"same", b"other", b"same", b"same"]).unwrap();
        index.update(&log.reader()).unwrap();
    }
    assert_eq!(index.find(&tree::leaf_hash(b"same")).unwrap(), [0, 2, 3, 4, 6, 7]);
}

#[test]
fn whoever_holds_a_leaf_gets_its_proof_under_every_checkpoint_of_late() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::create(dir.path(), key()).unwrap();
    append(&mut log, 300);
    let mut prover = Prover::open(dir.path(), log.verifier()).unwrap();
    append(&mut log, 301);
    let leaf = |i| tree::leaf_hash(&entry(i));
    assert_eq!(prover.prove(&leaf(400), 601).unwrap(), None, "not before it was seen");
    prover.refresh().unwrap();
    assert_eq!(prover.checkpoint(), log.checkpoint());
    for (i, size) in [(0, 300), (299, 300), (0, 601), (299, 601), (300, 601), (600, 601)] {
        let proof = prover.prove(&leaf(i), size).unwrap().unwrap();
        let parsed = proof::parse(proof.encode().as_bytes()).unwrap();
        assert_eq!(proof::verify(&parsed, &entry(i), &[log.verifier()]).unwrap().size, size);
        assert_eq!(parsed.index, i);
    }
    assert_eq!(prover.prove(&leaf(300), 300).unwrap(), None, "the leaf came later");
    assert_eq!(prover.prove(&leaf(0), 299).unwrap(), None, "that size was never signed");
    assert_eq!(prover.find(&entry(17)).unwrap(), Some(17));
    let path = prover.consistency(300, 601).unwrap().unwrap();
    assert_eq!(Some(path), log.consistency(300, 601).unwrap());
    assert_eq!(prover.consistency(300, 602).unwrap(), None);
    assert_eq!(prover.consistency(4, 3).unwrap(), None);
}

#[test]
fn a_prover_notices_that_its_log_was_exchanged() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut log = Log::create(dir.path(), key()).unwrap();
    append(&mut log, 300);
    let mut prover = Prover::open(dir.path(), log.verifier()).unwrap();
    let mut forged = Log::create(other.path(), key()).unwrap();
    forged.append(&[b"only one"]).unwrap();
    let exchange = || fs::copy(other.path().join("checkpoint"), dir.path().join("checkpoint")).unwrap();
    exchange();
    let refused = |prover: &mut Prover| match prover.refresh() {
        Err(Error::Refused(refusal)) => refusal,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(refused(&mut prover), Refusal::Stale { found: 1, known: 300 });
    append(&mut forged, 400);
    exchange();
    assert_ne!(refused(&mut prover).code(), "success");
}
