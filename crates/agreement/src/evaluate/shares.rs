//! Shares of the tokens that were counted on the edges.

use std::collections::BTreeSet;

use crate::pack::SmallShare;
use crate::provenance::Provenance;
use crate::ruling::Share;

/// Splits all counted tokens among the sources' edges, in the file's order.
///
/// Only edges that leave a source count, so that tokens are not counted again where a dataset
/// made of them goes on into a model.
pub(super) fn count(provenance: &Provenance, ancestry: &BTreeSet<&str>) -> Vec<Share> {
    let made: BTreeSet<&str> = provenance.edges().iter().map(|edge| edge.to.as_str()).collect();
    let counted: Vec<(&crate::provenance::Edge, u64)> = provenance
        .edges()
        .iter()
        .filter(|edge| ancestry.contains(edge.to.as_str()) && !made.contains(edge.from.as_str()))
        .filter_map(|edge| edge.tokens.map(|tokens| (edge, tokens)))
        .collect();
    let total: u128 = counted.iter().map(|(_, tokens)| u128::from(*tokens)).sum();
    counted
        .iter()
        .filter(|_| total > 0)
        .map(|(edge, tokens)| Share {
            from: edge.from.clone(),
            action: edge.action,
            tokens: *tokens,
            share: *tokens as f64 / total as f64,
        })
        .collect()
}

/// Whether so little of the target came from a way's source that a text asks for credit alone. What is not counted is not small.
pub(super) fn is_small(provenance: &Provenance, way: &[String], small: SmallShare) -> bool {
    let Some(source) = way.first() else { return false };
    let shares = count(provenance, &provenance.ancestry());
    let own = || shares.iter().filter(|share| share.from == *source);
    let tokens = own().fold(0, |sum: u64, share| sum.saturating_add(share.tokens));
    let part: f64 = own().map(|share| share.share).sum();
    own().next().is_some() && (part < small.below_share || tokens < small.below_tokens)
}
