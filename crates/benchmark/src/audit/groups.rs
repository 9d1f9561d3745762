//! Averages over tasks.

use std::collections::BTreeMap;

use stillmark_evidence::audit::{Found, Open, Score, Severity};

use super::{Class, Part};
use crate::log::{Claim, Group, Log};
use crate::rescore::Agreement;

const TOLERANCE: f64 = 1e-9;

/// What each task claims, and over how many items.
pub(super) type Claims = BTreeMap<String, (Vec<Claim>, Option<u64>)>;

/// Takes down what tasks claim, before their rows are read.
pub(super) fn claimed(logs: &[Log<'_>]) -> Claims {
    let claims = logs.iter().map(|log| {
        let n = log.about.counts.map(|counts| counts.effective);
        (log.about.task.clone(), (log.about.claims.clone(), n))
    });
    claims.collect()
}

/// One member's part in an average.
struct Member {
    value: f64,
    stderr: Option<f64>,
    n: f64,
    recomputed: Option<f64>,
}

/// Checks every average.
pub(super) fn audit(groups: &[Group], claims: &Claims, whole: &mut Part) {
    for group in groups {
        let tasks = leaves(group, groups, 0);
        let pinned = pinned_leaves(&group.name, 0);
        let left_out = pinned.iter().filter(|task| !tasks.contains(task)).count();
        if left_out > 0 && left_out < pinned.len() {
            let detail = format!(
                "averaged over {} tasks: {left_out} of the {} that the group has are left out",
                tasks.len(),
                pinned.len()
            );
            whole.departures.push(Found {
                class: Class::RecipeDiffers.code().to_owned(),
                severity: Severity::Warning,
                ..found(group, detail, pinned.len() as f64, tasks.len() as f64)
            });
        }
        for claim in &group.claims {
            let Some(members) = members(&tasks, claim, claims, &whole.scores) else {
                whole.not_checked.push(Open {
                    what: Class::AggregateForged.code().to_owned(),
                    task: Some(group.name.clone()),
                    why: format!(
                        "`{}` is an average over tasks that the results do not all state",
                        claim.metric
                    ),
                });
                whole.scores.push(score(group, claim, None, 0, None));
                continue;
            };
            average(group, claim, &members, whole);
        }
    }
}

/// The tasks of a group, through the groups within it.
fn leaves(group: &Group, groups: &[Group], depth: usize) -> Vec<String> {
    const DEEPEST: usize = 8;
    if group.members.is_empty() {
        return pinned_leaves(&group.name, 0);
    }
    let mut all = Vec::new();
    for member in &group.members {
        match groups.iter().find(|other| other.name == *member && other.name != group.name) {
            Some(inner) if depth < DEEPEST => all.extend(leaves(inner, groups, depth + 1)),
            _ => all.push(member.clone()),
        }
    }
    all.sort();
    all.dedup();
    all
}

fn members(tasks: &[String], claim: &Claim, claims: &Claims, scores: &[Score]) -> Option<Vec<Member>> {
    let mut all = Vec::new();
    for task in tasks {
        let (stated, n) = claims.get(task)?;
        let own = stated.iter().find(|own| own.metric == claim.metric && own.filter == claim.filter)?;
        let score = scores.iter().find(|score| {
            score.task == *task && score.metric == claim.metric && score.filter == claim.filter
        });
        let n = n.or_else(|| score.map(|score| score.n)).filter(|n| *n > 0)?;
        let recomputed = score.and_then(|score| score.recomputed);
        all.push(Member { value: own.value, stderr: own.stderr, n: n as f64, recomputed });
    }
    (!all.is_empty()).then_some(all)
}

fn average(group: &Group, claim: &Claim, members: &[Member], whole: &mut Part) {
    let micro = weighted(members, |member| Some(member.value), |member| member.n).unwrap_or(f64::NAN);
    let macro_ = weighted(members, |member| Some(member.value), |_| 1.0).unwrap_or(f64::NAN);
    let agrees = |expected: f64| Agreement::within(expected, claim.value, TOLERANCE).holds();
    let (aggregation, weigh): (_, fn(&Member) -> f64) = match (agrees(micro), agrees(macro_)) {
        (false, true) => ("macro", |_| 1.0),
        _ => ("micro", |member| member.n),
    };
    if !agrees(micro) && !agrees(macro_) {
        let detail = format!(
            "`{}` is neither the micro average ({micro}) nor the macro average ({macro_}) of its tasks",
            claim.metric
        );
        whole.findings.push(found(group, detail, micro, claim.value));
    } else if aggregation == "macro" && crate::task::group(&group.name).is_some() {
        let detail = format!(
            "`{}` is the macro average of its tasks; this group's is the micro average",
            claim.metric
        );
        let expected = found(group, detail, micro, claim.value);
        whole.findings.push(Found { class: Class::MetricChanged.code().to_owned(), ..expected });
    }
    stderr(group, claim, members, whole);
    let n = members.iter().map(|member| member.n as u64).sum();
    let recomputed = weighted(members, |member| member.recomputed, weigh);
    whole.scores.push(score(group, claim, Some(aggregation), n, recomputed));
}

fn score(group: &Group, claim: &Claim, aggregation: Option<&str>, n: u64, recomputed: Option<f64>) -> Score {
    Score {
        task: group.name.clone(),
        subject: None,
        metric: claim.metric.clone(),
        filter: claim.filter.clone(),
        aggregation: aggregation.map(str::to_owned),
        n,
        n_benchmark: None,
        claimed: Some(claim.value).filter(|value| value.is_finite()),
        recomputed,
        interval: None,
    }
}

/// The tasks of a group whose recipe is pinned; none of another.
fn pinned_leaves(name: &str, depth: usize) -> Vec<String> {
    const DEEPEST: usize = 8;
    let Some(group) = crate::task::group(name).filter(|_| depth < DEEPEST) else { return Vec::new() };
    let leaves = group.members.into_iter().flat_map(|member| {
        let inner = pinned_leaves(&member, depth + 1);
        if inner.is_empty() { vec![member] } else { inner }
    });
    leaves.collect()
}

fn found(group: &Group, detail: String, expected: f64, found: f64) -> Found {
    Found {
        class: Class::AggregateForged.code().to_owned(),
        severity: Severity::Error,
        file: group.file.clone(),
        line: None,
        doc_id: None,
        task: Some(group.name.clone()),
        detail,
        expected: Some(expected.to_string()),
        found: Some(found.to_string()),
    }
}

fn weighted(
    members: &[Member],
    value: fn(&Member) -> Option<f64>,
    weight: fn(&Member) -> f64,
) -> Option<f64> {
    let mut sum = 0.0;
    for member in members {
        sum += value(member)? * weight(member);
    }
    let mean = sum / members.iter().map(weight).sum::<f64>();
    mean.is_finite().then_some(mean)
}

/// The standard error of an average: pooled, or that of an unweighted mean.
fn stderr(group: &Group, claim: &Claim, members: &[Member], whole: &mut Part) {
    let Some(stated) = claim.stderr else { return };
    let each: Option<Vec<(f64, f64)>> =
        members.iter().map(|member| Some((member.stderr?, member.n))).collect();
    let Some(each) = each else { return };
    let (count, items) = (each.len() as f64, each.iter().map(|(_, n)| n).sum::<f64>());
    let variance =
        each.iter().map(|(stderr, n)| (n - 1.0) * stderr * stderr * n).sum::<f64>() / (items - count);
    let pooled = (variance / items).sqrt();
    let unweighted = each.iter().map(|(stderr, _)| stderr * stderr).sum::<f64>().sqrt() / count;
    let agrees = |expected: f64| Agreement::within(expected, stated, TOLERANCE).holds();
    if !agrees(pooled) && !agrees(unweighted) {
        let detail =
            format!("the standard error of `{}` does not follow from those of its tasks", claim.metric);
        whole.findings.push(found(group, detail, pooled, stated));
    }
}
