//! Which rows moved: the fewest that have to, for the others to stand in their old order.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;

/// The rows of the first copy (by their place in its list) that were moved.
pub(super) fn moved(a: &Side<'_>, b: &Side<'_>, pairs: &[Option<usize>]) -> BTreeSet<usize> {
    let mut moved = BTreeSet::new();
    let mut units: BTreeMap<Option<usize>, Vec<(usize, usize)>> = BTreeMap::new();
    for (idx, twin) in pairs.iter().enumerate() {
        let Some(twin) = *twin else { continue };
        if a.rows[idx].unit == b.rows[twin].unit {
            units.entry(a.rows[idx].unit).or_default().push((idx, twin));
        } else {
            moved.insert(idx);
        }
    }
    for pairs in units.values() {
        let twins: Vec<usize> = pairs.iter().map(|(_, twin)| *twin).collect();
        let stays = longest_increasing(&twins);
        moved.extend(pairs.iter().zip(stays).filter(|(_, stays)| !stays).map(|((idx, _), _)| *idx));
    }
    moved
}

/// Which of these numbers belong to a longest increasing run of them.
pub(super) fn longest_increasing(numbers: &[usize]) -> Vec<bool> {
    // `tails[k]` is the place of the smallest number that ends a run of k + 1.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; numbers.len()];
    for (idx, number) in numbers.iter().enumerate() {
        let length = tails.partition_point(|tail| numbers[*tail] < *number);
        before[idx] = length.checked_sub(1).map(|shorter| tails[shorter]);
        if length == tails.len() {
            tails.push(idx);
        } else {
            tails[length] = idx;
        }
    }
    let mut stays = vec![false; numbers.len()];
    let mut next = tails.last().copied();
    while let Some(idx) = next {
        stays[idx] = true;
        next = before[idx];
    }
    stays
}
