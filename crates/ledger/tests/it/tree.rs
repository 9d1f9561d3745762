//! The Merkle tree against its definition.

use proptest::prelude::*;
use stillmark_ledger::tree::{self, Hash, Head, Tree};

/// The root straight from the words of RFC 6962.
fn slow_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => tree::empty_root(),
        [leaf] => *leaf,
        _ => {
            let middle = (leaves.len() / 2 + 1).next_power_of_two();
            let middle = if middle >= leaves.len() { middle / 2 } else { middle };
            tree::node_hash(slow_root(&leaves[..middle]), slow_root(&leaves[middle..]))
        }
    }
}

fn grown(n: u64) -> (Vec<Hash>, Tree) {
    let leaves: Vec<Hash> = (0..n).map(|i| tree::leaf_hash(&i.to_be_bytes())).collect();
    let mut tree = Tree::default();
    for leaf in &leaves {
        tree.push(*leaf);
    }
    (leaves, tree)
}

#[test]
fn roots_follow_the_definition() {
    let (leaves, tree) = grown(300);
    for n in 0..=300 {
        assert_eq!(tree.root_at(n), Some(slow_root(&leaves[..n as usize])), "size {n}");
    }
    assert_eq!(tree.root_at(301), None);
}

#[test]
fn every_inclusion_proof_of_small_trees_verifies_and_no_other_place_does() {
    let (leaves, tree) = grown(40);
    for size in 1..=40 {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let path = tree.inclusion(index, size).unwrap();
            let leaf = leaves[index as usize];
            assert_eq!(tree::verify_inclusion(leaf, index, size, &path, root), Ok(()));
            let elsewhere = (index + 1) % size;
            if elsewhere != index {
                assert!(tree::verify_inclusion(leaf, elsewhere, size, &path, root).is_err());
            }
            assert!(tree::verify_inclusion(tree::leaf_hash(b"no"), index, size, &path, root).is_err());
            assert!(tree::verify_inclusion(leaf, size, size, &path, root).is_err());
        }
    }
}

#[test]
fn every_consistency_proof_of_small_trees_verifies_and_no_altered_one_does() {
    let (_, tree) = grown(40);
    for new in 0..=40 {
        for old in 0..=new {
            let head = |size| Head { size, root: tree.root_at(size).unwrap() };
            let path = tree.consistency(old, new).unwrap();
            assert_eq!(tree::verify_consistency(head(old), head(new), &path), Ok(()), "{old} {new}");
            if old == 0 {
                continue;
            }
            let forged = Head { size: old, root: tree::leaf_hash(b"forged") };
            assert!(tree::verify_consistency(forged, head(new), &path).is_err());
            let mut longer = path.clone();
            longer.push(tree::leaf_hash(b"more"));
            assert!(tree::verify_consistency(head(old), head(new), &longer).is_err());
            if !path.is_empty() {
                assert!(tree::verify_consistency(head(old), head(new), &path[1..]).is_err());
            }
        }
    }
}

proptest! {
    #[test]
    fn truncating_is_the_reverse_of_pushing(n in 0_u64..600, cut in 0_u64..600) {
        let cut = cut.min(n);
        let (_, mut tree) = grown(n);
        tree.truncate(cut);
        prop_assert_eq!(tree.size(), cut);
        prop_assert_eq!(tree.root(), grown(cut).1.root());
        tree.push(tree::leaf_hash(b"x"));
        prop_assert_eq!(tree.size(), cut + 1);
    }
}
