//! What the sites of texts score, each piece of evidence once.

use std::ops::Range;

use crate::scheme::Scheme;
use crate::sites::Sites;

/// The scores of the sites of some texts, in place of what `scores` held. A site whose score is, by the make of the hash, that of
/// an earlier site of its text counts as what is expected without a mark.
pub fn score(scheme: &dyn Scheme, sites: &Sites, texts: Range<usize>, scores: &mut Vec<f64>) {
    let ranges = &sites.texts[texts];
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
        scores.clear();
        return;
    };
    let (start, end) = (first.start, last.end);
    scores.clear();
    scores.resize(end - start, 0.0);
    scheme.score(sites.slice(start..end), scores);
    for range in ranges {
        scheme.settle(sites.slice(range.clone()), &mut scores[range.start - start..range.end - start]);
    }
}
