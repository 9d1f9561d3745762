//! Averages of tasks: as the harness takes them, and with the intervals that records of one subject allow.
//!
//! Records of one task are alike, so that a group's interval takes its tasks for clusters. Where a group has few tasks it is wide: three
//! subjects say little of a fourth.

use stillmark_stats::interval::{self, Estimate};

use super::catalog;
use super::recipe::Group;

/// The scores of a task's records under one metric.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The task.
    pub task: &'a str,
    /// The metric.
    pub metric: &'a str,
    /// What the filter took is scored.
    pub filter: &'a str,
    /// A score a record.
    pub values: &'a [f64],
}

/// The averages of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Averages {
    /// The group.
    pub group: Group,
    /// Its tasks, those of inner groups included.
    pub tasks: Vec<String>,
    /// Records of all tasks.
    pub records: u64,
    /// The mean over the records; its standard error takes tasks for clusters.
    pub micro: Estimate,
    /// The mean over the tasks.
    pub by_task: Estimate,
    /// The standard error of the mean over the records, as the harness pools it.
    pub pooled_stderr: f64,
}

/// A group and the groups in it, inner ones first, as the harness lists them.
pub fn within(name: &str) -> Vec<Group> {
    let Some(group) = catalog::group(name) else { return Vec::new() };
    let mut all: Vec<Group> = group.members.iter().flat_map(|member| within(member)).collect();
    all.push(group);
    all
}

/// The tasks of a group, those of inner groups included, in the harness's order.
pub fn leaves(group: &Group) -> Vec<String> {
    let of_member = |member: &String| match catalog::group(member) {
        Some(inner) => leaves(&inner),
        None => vec![member.clone()],
    };
    group.members.iter().flat_map(of_member).collect()
}

/// The averages of some tasks of a group; none where one of them has no scores.
pub fn averages(group: &Group, tasks: Vec<String>, scored: &[Scored<'_>]) -> Option<Averages> {
    let (mut values, mut clusters, mut means, mut sizes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (cluster, task) in tasks.iter().enumerate() {
        let is_wanted =
            |one: &&Scored<'_>| one.task == task && one.metric == group.metric && one.filter == group.filter;
        let own = scored.iter().find(is_wanted).filter(|one| !one.values.is_empty())?.values;
        let estimate = interval::mean(own);
        means.push(estimate.mean);
        sizes.push((own.len() as u64, estimate.stderr));
        values.extend_from_slice(own);
        clusters.resize(values.len(), cluster);
    }
    (!tasks.is_empty()).then(|| Averages {
        group: group.clone(),
        tasks,
        records: values.len() as u64,
        micro: interval::clustered_mean(&values, &clusters),
        by_task: interval::mean(&means),
        pooled_stderr: interval::pooled_stderr(&sizes),
    })
}
