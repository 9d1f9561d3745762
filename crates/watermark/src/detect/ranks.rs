//! The statistics of decoy keys on the evidence of the key that is judged.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use super::{Input, Search, Settings, evidence, local, score};
use crate::key::Key;
use crate::scheme::Scheme;
use crate::sites::Sites;

/// Texts are taken together until they have so many sites or statistics.
const SITES: usize = 1 << 22;
const STATISTICS: usize = 1 << 23;

/// The statistics of every decoy.
pub(super) struct Ranks {
    decoys: usize,
    /// Sums of scores, a row for each text.
    sums: Vec<f64>,
    pooled: Vec<f64>,
    /// Log likelihood ratios, where a model was asked.
    ratios: Option<Vec<f64>>,
    /// How clear each text's clearest stretch is, where one is looked for.
    stretches: Option<Vec<f64>>,
}

/// What one decoy makes of the texts.
#[derive(Default)]
struct OfOne {
    sums: Vec<f64>,
    ratios: Vec<f64>,
    stretches: Vec<f64>,
    pooled: f64,
}

impl Ranks {
    /// Scores the decoys, on all threads; the result does not depend on how many there are.
    pub(super) fn new(
        key: &Key,
        sites: &Sites,
        inputs: &[Input<'_>],
        settings: &Settings,
        tick: &(dyn Fn() + Sync),
    ) -> Self {
        let decoys = settings.decoys;
        let table = || vec![0.0; decoys * inputs.len()];
        let ranks = Self {
            decoys,
            sums: table(),
            pooled: vec![0.0; decoys],
            ratios: inputs.iter().any(|input| input.likelihoods.is_some()).then(table),
            stretches: (settings.search == Search::Stretch).then(table),
        };
        let parts = parts(sites, decoys);
        let together = Mutex::new(ranks);
        let decoy_of = key.scheme().decoys(settings.decoy_seed, decoys);
        (0..decoys).into_par_iter().for_each(|decoy| {
            let found = one(decoy_of(decoy).as_ref(), sites, inputs, &parts, settings);
            if let Ok(mut ranks) = together.lock() {
                ranks.take(decoy, &found);
            }
            tick();
        });
        together.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&mut self, decoy: usize, found: &OfOne) {
        self.pooled[decoy] = found.pooled;
        let fill = |table: &mut Vec<f64>, row: &[f64]| {
            for (text, statistic) in row.iter().enumerate() {
                table[text * self.decoys + decoy] = *statistic;
            }
        };
        fill(&mut self.sums, &found.sums);
        if let Some(ratios) = &mut self.ratios {
            fill(ratios, &found.ratios);
        }
        if let Some(stretches) = &mut self.stretches {
            fill(stretches, &found.stretches);
        }
    }

    /// The sums of one text.
    pub(super) fn of_text(&self, text: usize) -> &[f64] {
        self.row(&self.sums, text)
    }

    /// The log likelihood ratios of one text.
    pub(super) fn ratios_of(&self, text: usize) -> Option<&[f64]> {
        self.ratios.as_ref().map(|ratios| self.row(ratios, text))
    }

    /// The clearness of one text's clearest stretch.
    pub(super) fn stretches_of(&self, text: usize) -> &[f64] {
        self.stretches.as_ref().map_or(&[], |stretches| self.row(stretches, text))
    }

    /// The sums of all texts together.
    pub(super) fn pooled(&self) -> &[f64] {
        &self.pooled
    }

    fn row<'a>(&self, table: &'a [f64], text: usize) -> &'a [f64] {
        &table[text * self.decoys..(text + 1) * self.decoys]
    }
}

fn one(
    scheme: &dyn Scheme,
    sites: &Sites,
    inputs: &[Input<'_>],
    parts: &[Range<usize>],
    settings: &Settings,
) -> OfOne {
    let (null, mut found, mut scores) = (scheme.null(), OfOne::default(), Vec::new());
    for part in parts {
        let range = sites.texts[part.start].start..sites.texts[part.end - 1].end;
        score(scheme, sites, part.clone(), &mut scores);
        for text in part.clone() {
            let whole = sites.texts[text].clone();
            let own = &scores[whole.start - range.start..whole.end - range.start];
            found.sums.push(own.iter().sum());
            if let Some(likelihoods) = inputs[text].likelihoods {
                found.ratios.push(evidence::likelihood_ratio(own, &sites.positions[whole], likelihoods));
            }
            if settings.search == Search::Stretch {
                found.stretches.push(local::strength(&null, own));
            }
        }
        let fresh = scores.iter().zip(&sites.fresh[range]).filter(|(_, fresh)| **fresh);
        found.pooled += fresh.map(|(score, _)| score).sum::<f64>();
    }
    found
}

/// Runs of texts whose scores are held at a time.
fn parts(sites: &Sites, decoys: usize) -> Vec<Range<usize>> {
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
