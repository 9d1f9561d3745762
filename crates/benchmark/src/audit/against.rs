//! What a log is held against: pinned benchmarks, or a copy that the auditor has.

use crate::Error;
use crate::record::{Record, Subset};
use crate::registry::{self, Pinned};
use crate::task::Task;

/// A copy of a benchmark.
#[derive(Debug)]
pub struct Copy {
    subsets: Vec<Subset>,
    pins: Vec<Pinned>,
}

/// The subset that a task asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'c> {
    pub(super) pinned: &'c Pinned,
    pub(super) subset: usize,
    /// The records themselves, where a copy is at hand.
    pub(super) records: Option<&'c [Record]>,
}

impl Copy {
    /// Makes the pins of a copy's subsets.
    pub fn new(subsets: Vec<Subset>) -> Result<Self, Error> {
        let pins = subsets
            .iter()
            .map(|subset| registry::of_copy(std::slice::from_ref(subset)))
            .collect::<Result<_, _>>()?;
        Ok(Self { subsets, pins })
    }

    /// The records of one part of a subset, such as the worked examples that a task draws from.
    pub(super) fn part(&self, subset: &str, split: &str) -> Option<&[Record]> {
        let found = self.subsets.iter().find(|known| known.split == split && known.name == subset);
        found.map(|subset| subset.records.as_slice())
    }

    fn asked(&self, name: &str, task: &str, split: &str) -> Option<Asked<'_>> {
        let examples = |subset: &Subset| subset.split == "train" || subset.split == "dev";
        let named = |subset: &Subset| subset.name == name || subset.name == task;
        let all = || self.subsets.iter().enumerate().filter(|(_, subset)| !examples(subset));
        let place = all()
            .find(|(_, subset)| named(subset) && subset.split == split)
            .or_else(|| all().find(|(_, subset)| named(subset)));
        let only = || {
            let mut all = all();
            let first = all.next();
            if all.next().is_none() { first } else { None }
        };
        let (idx, subset) = place.or_else(only)?;
        Some(Asked { pinned: &self.pins[idx], subset: 0, records: Some(&subset.records) })
    }
}

/// What a task's items are held against: the copy where one is given, else the pins that are built in.
pub(super) fn asked<'c>(task: &str, recipe: Option<&Task>, copy: Option<&'c Copy>) -> Option<Asked<'c>> {
    let pinned = registry::of_task(task);
    let Some(copy) = copy else {
        return pinned.map(|(pinned, subset)| Asked { pinned, subset, records: None });
    };
    let by_recipe = recipe.map(|recipe| (recipe.subset.as_str(), recipe.split));
    let by_pin = pinned.map(|(pinned, subset)| {
        let subset = &pinned.subsets()[subset];
        (subset.name.as_str(), subset.split.as_str())
    });
    let (name, split) = by_pin.or(by_recipe).unwrap_or((task, "test"));
    copy.asked(name, task, split)
}
