//! The accuracy of a result, taken anew from its untruncated log and the golds.

use serde_json::Value;
use stillmark_evidence::Digest;
use stillmark_evidence::audit::Score;
use stillmark_stats::interval::wilson;

use super::accuracy::{self, Claimed};
use super::detail::Detail;
use super::golds::{Golds, Rule};
use super::look::Look;
use super::place::Place;
use super::rules::{Benchmark, MAX_ACCURACY_LOG_BYTES};
use super::system::object;

/// What the untruncated log comes to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    entries: u64,
    good: u64,
    seen: std::collections::BTreeSet<u64>,
    twice: u64,
    foreign: u64,
}

/// Looks at the accuracy run's files.
pub(super) fn look(look: &mut Look<'_>, place: &Place, rules: Option<&Benchmark>, detail: Option<&Detail>) {
    let claims_file = place.file("accuracy/accuracy.txt");
    let claimed = look.file(&claims_file).map(Claimed::read).unwrap_or_default();
    let untruncated = untruncated(look, place);
    hashes(look, (&claims_file, &claimed), untruncated);
    kept(look, place, untruncated);
    samples(look, place, rules, detail);
    let Some(whole) = untruncated else {
        look.left_open(
            &place.benchmark,
            "mlperf-accuracy",
            "the untruncated accuracy log is not at hand: the accuracy is only claimed",
        );
        return;
    };
    let golds = golds(look, place);
    let Some(tally) = tally(look, &place.untruncated(), whole, golds.as_ref()) else { return };
    let Some(golds) = golds else {
        look.left_open(
            &place.benchmark,
            "mlperf-accuracy",
            "there are no golds: the accuracy is only claimed",
        );
        return;
    };
    counted(look, &place.untruncated(), detail, &tally);
    coverage(look, &place.untruncated(), &tally, &golds);
    compare(look, (&place.benchmark, &claims_file), &claimed, &tally);
}

/// The untruncated log: kept beside the submission, or small enough to lie in it whole.
fn untruncated<'a>(look: &Look<'a>, place: &Place) -> Option<&'a [u8]> {
    let kept = look.file(&place.file("accuracy/mlperf_log_accuracy.json"));
    let is_whole =
        |bytes: &&[u8]| bytes.len() <= MAX_ACCURACY_LOG_BYTES && accuracy::read(bytes, &mut |_| {}).is_ok();
    look.untruncated(&place.untruncated()).or_else(|| kept.filter(is_whole))
}

/// Whether a log has as many answers as its run asked for.
pub(super) fn counted(look: &mut Look<'_>, file: &str, detail: Option<&Detail>, tally: &Tally) {
    let Some(asked) = detail.and_then(asked).filter(|asked| *asked != tally.entries) else { return };
    let found = tally.entries.to_string();
    look.differs("mlperf-sample-count", file, "entries", (&asked.to_string(), &found));
}

pub(super) fn hashes(look: &mut Look<'_>, (file, claimed): (&str, &Claimed), untruncated: Option<&[u8]>) {
    if claimed.hashes.is_empty() && look.file(file).is_some() {
        look.found("mlperf-hash", file, "there is no line `hash=`".to_owned());
    }
    let Some(whole) = untruncated else { return };
    let is = Digest::of(whole).to_string();
    for hash in &claimed.hashes {
        if !hash.eq_ignore_ascii_case(&is) {
            look.differs("mlperf-hash", file, "hash", (&is, hash));
        }
    }
}

fn kept(look: &mut Look<'_>, place: &Place, untruncated: Option<&[u8]>) {
    let file = place.file("accuracy/mlperf_log_accuracy.json");
    let Some(kept) = look.file(&file) else { return };
    if kept.len() > MAX_ACCURACY_LOG_BYTES {
        let said = format!("{} bytes", kept.len());
        look.differs("mlperf-truncated", &file, "size", ("10240 bytes or fewer: truncate it", &said));
    }
    if untruncated.is_some_and(|whole| !accuracy::is_truncation_of(kept, whole)) {
        let said = "it is neither the untruncated log nor its first and last 4096 bytes".to_owned();
        look.found("mlperf-truncated", &file, said);
    }
}

fn samples(look: &mut Look<'_>, place: &Place, rules: Option<&Benchmark>, detail: Option<&Detail>) {
    let (Some(rules), Some(asked)) = (rules, detail.and_then(asked)) else { return };
    if asked != rules.accuracy_samples {
        let file = place.file("accuracy/mlperf_log_detail.txt");
        let wanted = format!("{} for {}", rules.accuracy_samples, rules.name);
        look.differs("mlperf-sample-count", &file, "accuracy samples", (&wanted, &asked.to_string()));
    }
}

fn asked(detail: &Detail) -> Option<u64> {
    detail.whole("effective_accuracy_sample_count").or_else(|| detail.whole("qsl_reported_total_count"))
}

/// What is right: from the caller, else as the directory itself says.
fn golds(look: &mut Look<'_>, place: &Place) -> Option<Golds> {
    let about_file = place.source("stillmark.json");
    let about = object(look, &about_file);
    let named = about.as_ref().and_then(|about| about.get("rule")).and_then(Value::as_str);
    let rule = match (look.rule(), named) {
        (Some(rule), _) => rule,
        (None, Some(name)) => {
            let Some(rule) = Rule::find(name) else {
                look.found(
                    "mlperf-malformed",
                    &about_file,
                    format!("`{name}` is no rule: letter, number or exact"),
                );
                return None;
            };
            rule
        }
        (None, None) => return None,
    };
    let file = place.source("golds.jsonl");
    let (bytes, file) = match look.golds() {
        Some(bytes) => (bytes, "the golds".to_owned()),
        None => (look.file(&file)?, file),
    };
    match Golds::read(bytes, rule) {
        Ok(golds) => Some(golds),
        Err(err) => {
            look.found("mlperf-malformed", &file, err.to_string());
            None
        }
    }
}

/// Counts what a whole log answers; none where it cannot be read, which is found.
pub(super) fn tally(look: &mut Look<'_>, file: &str, whole: &[u8], golds: Option<&Golds>) -> Option<Tally> {
    let mut tally = Tally::default();
    let read = accuracy::read(whole, &mut |entry| {
        tally.entries += 1;
        if !tally.seen.insert(entry.qsl_idx) {
            tally.twice += 1;
            return;
        }
        match golds.map(|golds| golds.is_right(entry.qsl_idx, &entry.data)) {
            Some(Some(true)) => tally.good += 1,
            Some(None) => tally.foreign += 1,
            Some(Some(false)) | None => {}
        }
    });
    if let Err(err) = read {
        look.found("mlperf-malformed", file, err.to_string());
        return None;
    }
    Some(tally)
}

pub(super) fn coverage(look: &mut Look<'_>, file: &str, tally: &Tally, golds: &Golds) {
    if tally.twice > 0 {
        look.found("mlperf-answers", file, format!("{} samples are answered more than once", tally.twice));
    }
    if tally.foreign > 0 {
        look.found("mlperf-answers", file, format!("{} samples are not among the golds", tally.foreign));
    }
    let answered = tally.seen.len() as u64 - tally.foreign;
    if answered < golds.len() {
        let missing = golds.len() - answered;
        look.found("mlperf-answers", file, format!("{missing} of {} samples are not answered", golds.len()));
    }
}

/// Holds what is claimed against what a log comes to.
pub(super) fn compare(look: &mut Look<'_>, (task, file): (&str, &str), claimed: &Claimed, tally: &Tally) {
    let n = tally.seen.len() as u64;
    let recomputed = if n == 0 { 0.0 } else { tally.good as f64 / n as f64 };
    let stated = [("accuracy", claimed.accuracy), ("exact_match", claimed.exact_match)];
    for (name, value) in stated {
        let Some((share, decimals)) = value else { continue };
        let rounding = 0.5 * 10_f64.powi(-i32::try_from(decimals.min(12)).unwrap_or(12)) + 1e-9;
        if ((share - recomputed) * 100.0).abs() > rounding {
            let (is, said) = (format!("{:.4} %", recomputed * 100.0), format!("{:.4} %", share * 100.0));
            look.differs("mlperf-accuracy", file, name, (&is, &said));
        }
    }
    for (name, stated, is) in [("good", claimed.good, tally.good), ("total", claimed.total, n)] {
        if let Some(stated) = stated.filter(|stated| *stated != is) {
            look.differs("mlperf-accuracy", file, name, (&is.to_string(), &stated.to_string()));
        }
    }
    let claim = claimed.accuracy.or(claimed.exact_match).map(|(share, _)| share);
    if claim.is_none() {
        look.left_open(task, "mlperf-accuracy", "no `accuracy=` and no `exact_match` is stated");
    }
    look.score(Score {
        task: task.to_owned(),
        subject: None,
        metric: "accuracy".to_owned(),
        filter: "none".to_owned(),
        aggregation: None,
        n,
        n_benchmark: None,
        claimed: claim,
        recomputed: Some(recomputed),
        interval: (n > 0).then(|| wilson(tally.good, n, 0.95)).map(|interval| [interval.low, interval.high]),
    });
}
