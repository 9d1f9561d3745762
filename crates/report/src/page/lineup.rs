//! The sources of a run as bars.

use std::collections::BTreeMap;

use stillmark_evidence::verify::FolderFacts;

use crate::chart::{Bar, bars};
use crate::number::{grouped, percent};

/// Draws each teacher's and text's part of the tokens.
pub(super) fn shares(facts: &FolderFacts) -> Option<String> {
    let record = &facts.data.as_ref()?.predicate;
    let mut tokens: BTreeMap<&str, u64> = BTreeMap::new();
    for source in &record.sources {
        let name = source.teacher.as_ref().map_or(source.id.as_str(), |teacher| &teacher.name);
        *tokens.entry(name).or_default() += source.tokens;
    }
    let mut shares: Vec<Bar> = tokens
        .into_iter()
        .map(|(name, tokens)| {
            let part = record.totals.share(tokens);
            let value = format!("{} · {} tokens", percent(part), grouped(tokens));
            Bar { name: name.to_owned(), part, value }
        })
        .collect();
    shares.sort_by(|left, right| right.part.total_cmp(&left.part));
    Some(bars("Shares of all tokens", &shares))
}
