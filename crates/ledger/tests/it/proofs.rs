//! Proofs from tiles against those of a tree in memory.

use crate::memory::Memory;
use proptest::prelude::*;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::{Log, Refusal, Tree, tree};

fn key() -> SigningKey {
    SigningKey::from_seed("example.org/log", &[7; 32]).unwrap()
}

/// A log of `sizes` appended one after the other, with the same leaves in memory.
fn grown(sizes: &[usize]) -> (Memory, Log, Tree) {
    let store = Memory::default();
    let mut log = Log::create_in(Box::new(store.clone()), key()).unwrap();
    let mut tree = Tree::default();
    for size in sizes {
        let entries: Vec<[u8; 8]> = (0..*size as u64).map(|i| (log.size() + i).to_be_bytes()).collect();
        let slices: Vec<&[u8]> = entries.iter().map(<[u8; 8]>::as_slice).collect();
        log.append(&slices).unwrap();
        for entry in &entries {
            tree.push(tree::leaf_hash(entry));
        }
    }
    (store, log, tree)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn tiles_prove_what_a_tree_in_memory_proves(
        sizes in prop::collection::vec(0_usize..700, 1..6),
        places in prop::collection::vec((0.0..1.0, 0.0..1.0), 12),
    ) {
        let (_, log, tree) = grown(&sizes);
        prop_assert_eq!(log.head().root, tree.root());
        let reader = log.reader();
        for (first, second) in places {
            let larger = (first * (log.size() + 1) as f64) as u64;
            let smaller = (second * larger as f64) as u64;
            prop_assert_eq!(reader.root_at(larger).unwrap(), tree.root_at(larger));
            prop_assert_eq!(reader.consistency(smaller, larger).unwrap(), tree.consistency(smaller, larger));
            prop_assert_eq!(reader.inclusion(smaller, larger).unwrap(), tree.inclusion(smaller, larger));
        }
        prop_assert_eq!(reader.root_at(log.size() + 1).unwrap(), None);
        prop_assert_eq!(reader.consistency(0, log.size() + 1).unwrap(), None);
    }
}

#[test]
fn three_levels_of_tiles_prove_and_reopen() {
    let (store, log, tree) = grown(&[65_000, 1, 535, 4_464, 256]);
    let root = log.head().root;
    assert_eq!(root, tree.root());
    let reader = log.reader();
    for index in [0, 255, 65_535, 65_536, 70_255] {
        assert_eq!(reader.inclusion(index, 70_256).unwrap(), tree.inclusion(index, 70_256));
        assert_eq!(reader.inclusion(index, 65_537).unwrap(), tree.inclusion(index, 65_537));
    }
    let again = Log::open_in(Box::new(store), key()).unwrap();
    assert_eq!(again.head().root, root);
}

/// A damaged tile gives an error, never a wrong proof.
#[test]
fn damaged_tiles_prove_nothing() {
    let (store, log, _) = grown(&[700]);
    for (path, index) in [("tile/0/000", 7), ("tile/0/002.p/188", 513), ("tile/1/000.p/2", 513)] {
        let bytes = store.file(path);
        store.change(path, |bytes| bytes[33] ^= 1);
        let proof = log.reader().inclusion(index, 700);
        assert!(matches!(proof, Err(stillmark_ledger::Error::Refused(Refusal::Inconsistent))), "{path}");
        store.change(path, |bytes| bytes.truncate(bytes.len() - 1));
        assert!(log.prove(index).is_err(), "{path}");
        store.put_file(path, bytes);
    }
    log.prove(513).unwrap();
}

/// A batch writes only what it changes.
#[test]
fn an_append_writes_few_files() {
    let (store, mut log, _) = grown(&[256 * 3]);
    let before = store.steps();
    log.append(&vec![b"entry".as_slice(); 256]).unwrap();
    // Entries, two tiles: put, named, three folders settled; the checkpoint: put, settled, named.
    assert_eq!(store.steps() - before, 3 + 3 + 3 + 3);
    log.append(&[b"one"]).unwrap();
    let before = store.steps();
    log.append(&[b"two"]).unwrap();
    assert_eq!(store.steps() - before, 2 + 2 + 2 + 3, "the upper tiles did not change");
}
