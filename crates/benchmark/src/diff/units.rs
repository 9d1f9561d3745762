//! Which subset of one copy is which of the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::SubsetDigest;

/// The pair that each subset belongs to; none where it has no twin.
pub(super) struct Units {
    pub(super) of_a: Vec<Option<usize>>,
    pub(super) of_b: Vec<Option<usize>>,
}

/// Pairs subsets: by name and split, by name alone, then by the records that they share.
pub(super) fn pair(a: &[SubsetDigest], b: &[SubsetDigest]) -> Units {
    let mut units = Units { of_a: vec![None; a.len()], of_b: vec![None; b.len()] };
    if let ([_], [_]) = (a, b) {
        return Units { of_a: vec![Some(0)], of_b: vec![Some(0)] };
    }
    let full = |subset: &SubsetDigest| (plain(&subset.name), subset.split.clone());
    by_key(&mut units, &a.iter().map(full).collect::<Vec<_>>(), &b.iter().map(full).collect::<Vec<_>>());
    let name = |subset: &SubsetDigest| (plain(&subset.name), String::new());
    by_key(&mut units, &a.iter().map(name).collect::<Vec<_>>(), &b.iter().map(name).collect::<Vec<_>>());
    by_content(&mut units, a, b);
    units
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace([' ', '-'], "_")
}

fn by_key(units: &mut Units, a: &[(String, String)], b: &[(String, String)]) {
    let mut free: BTreeMap<&(String, String), Vec<usize>> = BTreeMap::new();
    for (twin, key) in b.iter().enumerate().rev().filter(|(twin, _)| units.of_b[*twin].is_none()) {
        free.entry(key).or_default().push(twin);
    }
    for (idx, key) in a.iter().enumerate().filter(|(idx, _)| units.of_a[*idx].is_none()).collect::<Vec<_>>() {
        if let Some(twin) = free.get_mut(key).and_then(Vec::pop) {
            (units.of_a[idx], units.of_b[twin]) = (Some(idx), Some(idx));
        }
    }
}

/// Subsets are twins where more than half of the smaller one's records are in the other.
fn by_content(units: &mut Units, a: &[SubsetDigest], b: &[SubsetDigest]) {
    let mut holders: BTreeMap<[u8; 32], BTreeSet<usize>> = BTreeMap::new();
    for (idx, subset) in b.iter().enumerate().filter(|(idx, _)| units.of_b[*idx].is_none()) {
        for leaf in &subset.leaves {
            holders.entry(*leaf.gold_free.as_bytes()).or_default().insert(idx);
        }
    }
    for (idx, subset) in a.iter().enumerate() {
        if units.of_a[idx].is_some() || holders.is_empty() {
            continue;
        }
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for leaf in &subset.leaves {
            for twin in holders.get(leaf.gold_free.as_bytes()).into_iter().flatten() {
                *shared.entry(*twin).or_default() += 1;
            }
        }
        let free = shared.into_iter().filter(|(twin, _)| units.of_b[*twin].is_none());
        let best = free.max_by_key(|(twin, times)| (*times, std::cmp::Reverse(*twin)));
        if let Some((twin, _)) = best.filter(|(twin, times)| {
            let (n_a, n_b) = (subset.leaves.len(), b[*twin].leaves.len());
            // One file that holds many subsets is none's twin.
            times * 2 > n_a.min(n_b) && n_b <= n_a * 2 && n_a <= n_b * 2
        }) {
            (units.of_a[idx], units.of_b[twin]) = (Some(idx), Some(idx));
        }
    }
}
