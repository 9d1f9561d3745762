//! How far a copy is the benchmark that it is said to be.

use serde::Serialize;

use super::pinned::{Found, Pinned, Place, Standing};
use crate::digest::{Roots, SubsetDigest};
use crate::record::Subset;

/// How the digests of a copy stand to pinned ones; the nearest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Every record is the same, in the same order.
    Strict,
    /// Only the encoding differs.
    Loose,
    /// Only the order differs.
    OrderFree,
    /// Only what is right differs.
    GoldFree,
    /// All that is there is the same, and something is missing.
    Part,
    /// Something else.
    Departs,
}

impl Match {
    /// All of them, the nearest first.
    pub const ALL: [Self; 6] =
        [Self::Strict, Self::Loose, Self::OrderFree, Self::GoldFree, Self::Part, Self::Departs];

    /// The word for it in answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::Strict => "strict-equal",
            Self::Loose => "loose-equal",
            Self::OrderFree => "order-free-equal",
            Self::GoldFree => "gold-free-equal",
            Self::Part => "part",
            Self::Departs => "departs-from-pin",
        }
    }

    fn of(found: &Roots, pinned: &Roots) -> Self {
        if found.strict == pinned.strict {
            Self::Strict
        } else if found.loose == pinned.loose {
            Self::Loose
        } else if found.order_free == pinned.order_free {
            Self::OrderFree
        } else if found.gold_free == pinned.gold_free {
            Self::GoldFree
        } else {
            Self::Departs
        }
    }
}

/// A copy beside a pinned benchmark.
#[derive(Debug)]
pub struct Against {
    /// The benchmark.
    pub pinned: &'static Pinned,
    /// How the whole copy stands to it.
    pub verdict: Match,
    /// How each subset of the copy stands to the pinned one of its name, where there is one.
    pub subsets: Vec<Option<Match>>,
    /// How many rows stand how.
    pub counts: Counts,
    /// The rows that are not as they are pinned.
    pub rows: Vec<Departure>,
}

/// How many rows of a copy stand how to a pinned benchmark.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Rows that are records of it.
    pub genuine: usize,
    /// Rows of which only the encoding differs.
    pub re_encoded: usize,
    /// Rows of which only the order of the choices differs.
    pub choices_permuted: usize,
    /// Rows of which only what is right differs.
    pub gold_changed: usize,
    /// Rows that are none of its records, or edited ones.
    pub unknown_row: usize,
    /// Records that the copy lacks, in the subsets that it has.
    pub dropped: usize,
    /// Rows beyond the benchmark's own repetitions.
    pub duplicated: usize,
    /// Subsets that the copy lacks.
    pub missing_subset: usize,
}

impl Counts {
    /// The words for what is not as it should be, each with its count.
    pub fn named(&self) -> [(&'static str, usize); 7] {
        [
            ("gold-changed", self.gold_changed),
            ("unknown-row", self.unknown_row),
            ("dropped", self.dropped),
            ("duplicated", self.duplicated),
            ("choices-permuted", self.choices_permuted),
            ("re-encoded", self.re_encoded),
            ("missing-subset", self.missing_subset),
        ]
    }
}

/// A row that is not as it is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// What is wrong with it.
    pub class: &'static str,
    /// The subset: the copy's, or of a dropped record the pinned one.
    pub subset: String,
    /// Its place in the copy's subset.
    pub index: Option<usize>,
    /// The place of the record that it is, or was.
    pub pinned_index: Option<usize>,
}

impl Departure {
    /// The departure on one line.
    pub fn told(&self) -> String {
        let place = |idx: Option<usize>| idx.map_or("-".to_owned(), |idx| idx.to_string());
        format!(
            "{:<17} {} row {}, pinned {}",
            self.class,
            self.subset,
            place(self.index),
            place(self.pinned_index)
        )
    }
}

impl Pinned {
    /// Gives subsets the names of the pinned ones that they hold.
    pub fn rename(&self, subsets: &mut [Subset]) {
        let is_single = subsets.len() == 1 && self.subsets().len() == 1;
        for subset in subsets {
            let named = if is_single { Some(0) } else { self.subset(&subset.name) };
            if let Some(twin) = named.or_else(|| self.held(subset)).and_then(|twin| self.subsets().get(twin))
            {
                subset.name.clone_from(&twin.name);
                subset.split.clone_from(&twin.split);
            }
        }
    }

    /// The pinned subset that most of a subset's first rows belong to.
    fn held(&self, subset: &Subset) -> Option<usize> {
        const LOOKED_AT: usize = 40;
        let every = subset.records.len().div_ceil(LOOKED_AT).max(1);
        let looked_at: Vec<Found> =
            subset.records.iter().step_by(every).map(|record| self.classify(record)).collect();
        let mut hits = vec![0; self.subsets().len()];
        looked_at.iter().filter_map(|found| found.places.first()).for_each(|place| hits[place.subset] += 1);
        let (most, idx) =
            hits.into_iter().zip(0..).max_by_key(|(hits, idx)| (*hits, std::cmp::Reverse(*idx)))?;
        (looked_at.len() < most * 2).then_some(idx)
    }

    /// Puts a copy beside this benchmark, row by row where the digests differ; its subsets bear the pinned names.
    pub fn compare(&'static self, subsets: &[Subset], digests: &[SubsetDigest]) -> Against {
        let twins: Vec<Option<usize>> = subsets.iter().map(|subset| self.subset(&subset.name)).collect();
        let matches = digests.iter().zip(&twins).map(|(digest, twin)| {
            let twin = twin.and_then(|twin| self.subsets().get(twin))?;
            Some(Match::of(&digest.roots, &twin.roots))
        });
        let mut against = Against {
            pinned: self,
            verdict: Match::Departs,
            subsets: matches.collect(),
            counts: Counts::default(),
            rows: Vec::new(),
        };
        let mut covered: Vec<Vec<bool>> =
            self.subsets().iter().map(|subset| vec![false; subset.marks.len()]).collect();
        for ((subset, twin), found) in subsets.iter().zip(&twins).zip(against.subsets.clone()) {
            if let (Some(twin), Some(Match::Strict)) = (twin, found) {
                against.counts.genuine += subset.records.len();
                covered[*twin].fill(true);
            } else {
                against.rows(subset, *twin, &mut covered);
            }
        }
        against.dropped(&twins, &covered);
        against.verdict = against.whole(digests);
        against
    }
}

impl Against {
    fn rows(&mut self, subset: &Subset, twin: Option<usize>, covered: &mut [Vec<bool>]) {
        for (index, record) in subset.records.iter().enumerate() {
            let in_twin = twin.map(|twin| self.pinned.classify_in(twin, record));
            let found = in_twin.filter(|found| !found.places.is_empty());
            let found = found.unwrap_or_else(|| self.pinned.classify(record));
            let is_free = |place: &&Place| !covered[place.subset][place.index];
            // Of equal records the one at the row's own place is taken first.
            let own = found.places.iter().find(|place| place.index == index && is_free(place));
            let place = own.or_else(|| found.places.iter().find(is_free)).copied();
            let class = match (found.standing, place) {
                (Standing::Unknown, _) => counted(&mut self.counts.unknown_row, "unknown-row"),
                (_, None) => counted(&mut self.counts.duplicated, "duplicated"),
                (Standing::Genuine, _) => counted(&mut self.counts.genuine, ""),
                (Standing::Reencoded, _) => counted(&mut self.counts.re_encoded, "re-encoded"),
                (Standing::ChoicesPermuted, _) => {
                    counted(&mut self.counts.choices_permuted, "choices-permuted")
                }
                (Standing::GoldChanged, _) => counted(&mut self.counts.gold_changed, "gold-changed"),
            };
            if let Some(place) = place {
                covered[place.subset][place.index] = true;
            }
            if !class.is_empty() {
                let pinned_index = place.or(found.places.first().copied()).map(|place| place.index);
                let subset = subset.name.clone();
                self.rows.push(Departure { class, subset, index: Some(index), pinned_index });
            }
        }
    }

    /// Records that are not covered, in subsets of which some are.
    fn dropped(&mut self, twins: &[Option<usize>], covered: &[Vec<bool>]) {
        for (idx, (subset, covered)) in self.pinned.subsets().iter().zip(covered).enumerate() {
            if !covered.contains(&true) && !twins.contains(&Some(idx)) {
                self.counts.missing_subset += 1;
                continue;
            }
            for (index, _) in covered.iter().enumerate().filter(|(_, is_covered)| !**is_covered) {
                let subset = subset.name.clone();
                self.counts.dropped += 1;
                self.rows.push(Departure {
                    class: "dropped",
                    subset,
                    index: None,
                    pinned_index: Some(index),
                });
            }
        }
    }

    fn whole(&self, digests: &[SubsetDigest]) -> Match {
        let roots = crate::digest::bench(digests.iter().map(SubsetDigest::part));
        let nearest = Match::of(&roots, self.pinned.roots());
        let is_part = self.rows.iter().all(|row| row.class == "dropped")
            && (self.counts.dropped > 0 || self.counts.missing_subset > 0);
        if nearest == Match::Departs && is_part { Match::Part } else { nearest }
    }
}

fn counted(count: &mut usize, class: &'static str) -> &'static str {
    *count += 1;
    class
}
