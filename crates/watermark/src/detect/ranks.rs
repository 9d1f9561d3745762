//! The statistics of decoy keys on the evidence of the key that is judged.

use std::sync::Mutex;

use rayon::prelude::*;

use super::{Ranked, Search, Settings, local};
use crate::key::Key;
use crate::sites::Sites;

/// Texts are taken together until they have so many sites or statistics.
const SITES: usize = 1 << 22;
const STATISTICS: usize = 1 << 23;

/// The statistics of every decoy: of each text, of all together, and of each text's best stretch.
pub(super) struct Ranks {
    decoys: usize,
    /// A row for each text.
    texts: Vec<f64>,
    pooled: Vec<f64>,
    stretches: Vec<f64>,
}

impl Ranks {
    /// Scores the decoys, on all threads; the result does not depend on how many there are.
    pub(super) fn new(key: &Key, sites: &Sites, settings: &Settings, tick: &(dyn Fn() + Sync)) -> Self {
        let (decoys, n_texts) = (settings.decoys, sites.texts.len());
        let mut ranks = Self {
            decoys,
            texts: vec![0.0; decoys * n_texts],
            pooled: vec![0.0; decoys],
            stretches: Vec::new(),
        };
        if settings.search == Search::Stretch {
            ranks.stretches = vec![0.0; decoys * n_texts];
        }
        let null = key.scheme().null();
        let parts = parts(sites, decoys);
        let together = Mutex::new(ranks);
        (0..decoys).into_par_iter().for_each(|decoy| {
            let scheme = key.decoy(settings.decoy_seed, decoy as u64);
            let mut scores = Vec::new();
            let (mut sums, mut stretches, mut pooled) = (Vec::new(), Vec::new(), 0.0);
            for part in &parts {
                let range = sites.texts[part.start].start..sites.texts[part.end - 1].end;
                scores.clear();
                scores.resize(range.len(), 0.0);
                scheme.score(sites.slice(range.clone()), &mut scores);
                for text in part.clone() {
                    let own = sites.texts[text].start - range.start..sites.texts[text].end - range.start;
                    sums.push(scores[own.clone()].iter().sum::<f64>());
                    if settings.search == Search::Stretch {
                        stretches.push(local::strength(&null, &scores[own]));
                    }
                }
                let fresh = scores.iter().zip(&sites.fresh[range]).filter(|(_, fresh)| **fresh);
                pooled += fresh.map(|(score, _)| score).sum::<f64>();
            }
            if let Ok(mut ranks) = together.lock() {
                ranks.pooled[decoy] = pooled;
                for (text, sum) in sums.iter().enumerate() {
                    ranks.texts[text * decoys + decoy] = *sum;
                }
                for (text, strength) in stretches.iter().enumerate() {
                    ranks.stretches[text * decoys + decoy] = *strength;
                }
            }
            tick();
        });
        together.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The statistics of one text.
    pub(super) fn of_text(&self, text: usize) -> Ranked {
        Ranked { statistics: self.texts[text * self.decoys..(text + 1) * self.decoys].to_vec() }
    }

    /// The statistics of all texts together.
    pub(super) fn pooled(&self) -> Ranked {
        Ranked { statistics: self.pooled.clone() }
    }

    /// The strengths of one text's best stretch.
    pub(super) fn stretches_of(&self, text: usize) -> &[f64] {
        &self.stretches[text * self.decoys..(text + 1) * self.decoys]
    }
}

/// Runs of texts whose scores are held at a time.
fn parts(sites: &Sites, decoys: usize) -> Vec<std::ops::Range<usize>> {
    let most_texts = (STATISTICS / decoys.max(1)).max(1);
    let (mut parts, mut start, mut held) = (Vec::new(), 0, 0);
    for (text, range) in sites.texts.iter().enumerate() {
        if text > start && (held + range.len() > SITES || text - start >= most_texts) {
            parts.push(start..text);
            (start, held) = (text, 0);
        }
        held += range.len();
    }
    if start < sites.texts.len() {
        parts.push(start..sites.texts.len());
    }
    parts
}
