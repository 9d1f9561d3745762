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
    /// How sure it is that these are the items that are meant.
    pub(super) meant: Meant,
}

/// How sure it is that some items are those that a task means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// The auditor's copy holds them under the task's name.
    ByName,
    /// The task's name says so, which another version or benchmark may bear as well.
    Perhaps,
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

    /// The subset of a name; examples to learn from are none that is asked.
    fn named(&self, names: [&str; 2], split: &str) -> Option<Asked<'_>> {
        let all = || self.asked().filter(|(_, subset)| names.contains(&subset.name.as_str()));
        let (idx, subset) = all().find(|(_, subset)| subset.split == split).or_else(|| all().next())?;
        let records = Some(subset.records.as_slice());
        Some(Asked { pinned: &self.pins[idx], subset: 0, records, meant: Meant::ByName })
    }

    /// The only subset, where there is but one.
    fn only(&self) -> Option<Asked<'_>> {
        let mut all = self.asked();
        let (idx, subset) = all.next()?;
        let records = Some(subset.records.as_slice());
        all.next().is_none().then(|| Asked {
            pinned: &self.pins[idx],
            subset: 0,
            records,
            meant: Meant::Perhaps,
        })
    }

    fn asked(&self) -> impl Iterator<Item = (usize, &Subset)> {
        self.subsets.iter().enumerate().filter(|(_, subset)| subset.split != "train" && subset.split != "dev")
    }
}

/// What a task's items are held against: the copy where it holds them, else the pins that are built in.
pub(super) fn asked<'c>(task: &str, recipe: Option<&Task>, copy: Option<&'c Copy>) -> Option<Asked<'c>> {
    let built_in = registry::of_task(task).map(|(pinned, subset)| Asked {
        pinned,
        subset,
        records: None,
        meant: Meant::Perhaps,
    });
    let Some(copy) = copy else { return built_in };
    let by_pin = built_in.map(|asked| {
        let subset = &asked.pinned.subsets()[asked.subset];
        (subset.name.as_str(), subset.split.as_str())
    });
    let by_recipe = recipe.map(|recipe| (recipe.subset.as_str(), recipe.split));
    let (name, split) = by_pin.or(by_recipe).unwrap_or((task, "test"));
    let only = || if built_in.is_none() { copy.only() } else { None };
    copy.named([name, task], split).or(built_in).or_else(only)
}
