//! Which items were asked, against those that should have been.

use std::collections::BTreeMap;

use super::Class;
use super::findings::{Contrast, Findings};
use crate::log::{About, Harness, Sample};

/// The items of a task as its rows come.
#[derive(Debug)]
pub(super) struct Coverage {
    /// The rows of each filter: item to line.
    filters: BTreeMap<String, Items>,
    /// How many items the benchmark has, as the log or a pin says.
    total: Option<u64>,
}

/// The items of one filter.
#[derive(Debug, Default)]
struct Items {
    /// By number, the line they stand on; 0 where they do not.
    lines: Vec<u64>,
    /// By other names.
    named: BTreeMap<String, u64>,
    count: u64,
}

/// Numbers beyond this are kept as names, so that one row cannot make the table huge.
const MOST: u64 = 5_000_000;

impl Coverage {
    pub(super) fn of(about: &About<'_>) -> Self {
        Self { filters: BTreeMap::new(), total: about.counts.map(|counts| counts.original) }
    }

    /// Notes an item, which must not have come before.
    pub(super) fn row(&mut self, sample: &Sample<'_>, findings: &mut Findings<'_, '_>) {
        if !self.filters.contains_key(sample.filter.as_ref()) {
            self.filters.insert(sample.filter.to_string(), Items::default());
        }
        let Some(items) = self.filters.get_mut(sample.filter.as_ref()) else { return };
        if let Some(before) = items.add(sample) {
            let detail = format!("the item stands on line {before} already, under the same filter");
            findings.sample(Class::SampleDuplicated, sample, detail, Contrast::default());
        }
    }

    /// Says which items are missing.
    pub(super) fn close(self, about: &About<'_>, findings: &mut Findings<'_, '_>) {
        let most = self.filters.values().map(|items| items.count).max().unwrap_or_default();
        for (filter, items) in &self.filters {
            let at =
                if self.filters.len() > 1 { format!(" under the filter `{filter}`") } else { String::new() };
            let stated = about.counts.map(|counts| counts.effective);
            if let Some(stated) = stated.filter(|stated| items.count < *stated) {
                let detail =
                    format!("the log says that {stated} items were asked, {} stand in it{at}", items.count);
                findings.task(Class::SampleDropped, detail, Contrast::of(&stated, &items.count));
            } else if let Some(stated) =
                stated.filter(|stated| items.count > *stated && about.harness == Harness::LmEval)
            {
                let detail = format!(
                    "the log says that {stated} items were asked, {} stand in it{at}: averages weigh by the former",
                    items.count
                );
                findings.task(Class::AggregateForged, detail, Contrast::of(&stated, &items.count));
            } else if items.count < most {
                let detail = format!("{} items fewer than under another filter{at}", most - items.count);
                findings.task(Class::SampleDropped, detail, Contrast::of(&most, &items.count));
            } else {
                self.gaps(items, &at, about, findings);
            }
        }
        limit(about, most, findings);
    }

    /// The items that a complete run, or a limited one, would hold.
    fn gaps(&self, items: &Items, at: &str, about: &About<'_>, findings: &mut Findings<'_, '_>) {
        if !items.named.is_empty() {
            findings.unchecked(
                Class::SampleDropped,
                "its items have no numbers, so that gaps between them do not show",
            );
            return;
        }
        let expected = match (limited(about, self.total), self.total) {
            (Some(limit), _) => limit,
            (None, Some(total)) => total,
            (None, None) => items.lines.len() as u64,
        };
        let missing: Vec<usize> = (0..expected.min(MOST) as usize)
            .filter(|id| items.lines.get(*id).is_none_or(|line| *line == 0))
            .collect();
        let Some(first) = missing.first() else { return };
        let class = match about.setup.limit {
            Some(_) => Class::SamplePicked,
            None => Class::SampleDropped,
        };
        let detail = format!(
            "{} of {expected} items are not in the log{at}, the first of them {first}",
            missing.len()
        );
        findings.task(class, detail, Contrast::of(&expected, &items.count));
    }
}

impl Items {
    /// Adds an item; gives the line it stood on before.
    fn add(&mut self, sample: &Sample<'_>) -> Option<u64> {
        self.count += 1;
        let number = sample.id.parse::<u64>().ok().filter(|number| *number < MOST);
        let Some(number) = number else {
            let before = self.named.insert(sample.id.to_string(), sample.line);
            self.count -= u64::from(before.is_some());
            return before;
        };
        let number = number as usize;
        if self.lines.len() <= number {
            self.lines.resize(number + 1, 0);
        }
        let before = std::mem::replace(&mut self.lines[number], sample.line);
        self.count -= u64::from(before > 0);
        (before > 0).then_some(before)
    }
}

/// How many items a declared limit leaves.
fn limited(about: &About<'_>, total: Option<u64>) -> Option<u64> {
    let limit = about.setup.limit.filter(|limit| *limit > 0.0)?;
    if limit < 1.0 {
        return total.map(|total| (total as f64 * limit).ceil() as u64);
    }
    Some(total.map_or(limit as u64, |total| total.min(limit as u64)))
}

fn limit(about: &About<'_>, asked: u64, findings: &mut Findings<'_, '_>) {
    let total = about.counts.map(|counts| counts.original);
    if limited(about, total).is_some() && total.is_none_or(|total| asked < total) {
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        let detail = format!(
            "asked {asked} items{of}, by a limit that the log declares: not the whole benchmark's number"
        );
        findings.departs(detail, Contrast::default());
    }
}
