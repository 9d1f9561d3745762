//! One LoadGen run held against the rules of the round, and its logs against each other.

use super::clock;
use super::detail::{Detail, words};
use super::limits;
use super::look::Look;
use super::place::Place;
use super::rules::{Benchmark, MIN_DURATION_MS, NETWORK_NAME, SEEDS, Tokens};
use super::{summary, system};

/// What two clocks of one run may differ by: LoadGen's own work before and after measuring, and rounding.
const CLOCK_SLACK_MS: f64 = 2_000.0;
const CLOCK_SLACK_SHARE: f64 = 0.02;

/// Reads the detail log of a run; where it cannot be read, that is found.
pub(super) fn detail(look: &mut Look<'_>, file: &str) -> Option<Detail> {
    match Detail::read(look.file(file)?) {
        Ok(detail) if detail.first("effective_scenario").is_some() => Some(detail),
        Ok(_) => {
            look.found("mlperf-malformed", file, "the log holds no `effective_scenario`".to_owned());
            None
        }
        Err(err) => {
            look.found("mlperf-malformed", file, err.to_string());
            None
        }
    }
}

/// What holds of either run: its seeds, its mode, its scenario, no errors, a summary that says the same.
pub(super) fn either(look: &mut Look<'_>, place: &Place, (folder, mode): (&str, &str), detail: &Detail) {
    let file = place.file(&format!("{folder}/mlperf_log_detail.txt"));
    for error in &detail.errors {
        look.found("mlperf-loadgen-error", &file, format!("LoadGen logged an error: {error}"));
    }
    for key in detail.contradictions() {
        look.found("mlperf-logs-differ", &file, format!("`{key}` is logged with different values"));
    }
    let scenario = detail.text("effective_scenario").unwrap_or_default();
    if !limits::may_be_filed(look, place, scenario) {
        look.differs("mlperf-layout", &file, "effective_scenario", (&place.scenario, scenario));
    }
    let ran = detail.text("effective_test_mode").unwrap_or_default();
    if ran != mode && !(folder.starts_with("performance") && ran == "SubmissionRun") {
        look.differs("mlperf-layout", &file, "effective_test_mode", (mode, ran));
    }
    for (name, seed) in SEEDS {
        let found = detail.first(&format!("effective_{name}")).map_or_else(|| "nothing".to_owned(), words);
        if found != seed.to_string() {
            look.differs("mlperf-seed", &file, name, (&seed.to_string(), &found));
        }
    }
    against_summary(look, place, folder, detail);
}

/// The lines of a summary, and the key of the detail log that each repeats.
const REPEATED: [(&str, &str); 11] = [
    ("SUT name", "sut_name"),
    ("Scenario", "effective_scenario"),
    ("Mode", "effective_test_mode"),
    ("Result is", "result_validity"),
    ("min_duration (ms)", "effective_min_duration_ms"),
    ("min_query_count", "effective_min_query_count"),
    ("qsl_rng_seed", "effective_qsl_rng_seed"),
    ("performance_sample_count", "effective_performance_sample_count"),
    ("90.00 percentile latency (ns)", "result_90.00_percentile_latency_ns"),
    ("Mean latency (ns)", "result_mean_latency_ns"),
    ("90.0th percentile latency (ns)", "result_90.00_percentile_latency_ns"),
];

fn against_summary(look: &mut Look<'_>, place: &Place, folder: &str, detail: &Detail) {
    let file = place.file(&format!("{folder}/mlperf_log_summary.txt"));
    let Some(bytes) = look.file(&file) else { return };
    let lines = summary::read(bytes);
    for (name, key) in REPEATED {
        if let (Some(said), Some(logged)) = (lines.get(name), detail.first(key))
            && *said != words(logged)
        {
            look.differs("mlperf-logs-differ", &file, name, (&words(logged), said));
        }
    }
    let rate = lines.get("Samples per second").and_then(|text| text.parse::<f64>().ok());
    if let (Some(said), Some(logged)) = (rate, detail.number("result_samples_per_second"))
        && (said - logged).abs() > logged.abs() * 1e-4
    {
        let (said, logged) = (said.to_string(), logged.to_string());
        look.differs("mlperf-logs-differ", &file, "Samples per second", (&logged, &said));
    }
    if folder.starts_with("performance") && !lines.contains_key("Result is") {
        look.found("mlperf-logs-differ", &file, "the summary states no result".to_owned());
    }
}

/// What holds of a performance run.
pub(super) fn performance(look: &mut Look<'_>, place: &Place, rules: Option<&Benchmark>, detail: &Detail) {
    let file = place.file("performance/run_1/mlperf_log_detail.txt");
    let validity = detail.text("result_validity").unwrap_or("nothing");
    if validity != "VALID" {
        look.differs("mlperf-result", &file, "result_validity", ("VALID", validity));
    }
    let early = detail.text("effective_scenario").is_some_and(|name| name != "Offline");
    if early && detail.truth("early_stopping_met") != Some(true) {
        look.found("mlperf-result", &file, "the condition of early stopping was not met".to_owned());
    }
    if let Some(rules) = rules {
        let drawn = detail.whole("effective_performance_sample_count").unwrap_or(0);
        if drawn < rules.performance_samples {
            let wanted = format!("{} or more", rules.performance_samples);
            let name = "effective_performance_sample_count";
            look.differs("mlperf-sample-count", &file, name, (&wanted, &drawn.to_string()));
        }
        if rules.tokens == Tokens::Counted && detail.truth("requested_use_token_latencies") != Some(true) {
            look.found("mlperf-result", &file, format!("{} needs `use_token_latencies`", rules.name));
        }
    }
    limits::look(look, place, rules, detail);
    network(look, place, &file, detail);
    durations(look, &file, detail);
}

/// A system under test across a network says so in its name.
fn network(look: &mut Look<'_>, place: &Place, file: &str, detail: &Detail) {
    let is_network = system::is_network(look, place);
    let name = detail.text("sut_name").unwrap_or_default();
    if is_network && !name.contains(NETWORK_NAME) {
        look.differs("mlperf-system", file, "sut_name", (&format!("… {NETWORK_NAME} …"), name));
    }
}

fn durations(look: &mut Look<'_>, file: &str, detail: &Detail) {
    let asked = detail.whole("effective_min_duration_ms").unwrap_or(0);
    if asked < MIN_DURATION_MS {
        let wanted = format!("{MIN_DURATION_MS} or more");
        look.differs("mlperf-too-short", file, "effective_min_duration_ms", (&wanted, &asked.to_string()));
    }
    let Some(measured) = clock::measured_ms(detail) else {
        look.found(
            "mlperf-clock",
            file,
            "no readable `power_begin` and `power_end`: the wall clock is unknown".to_owned(),
        );
        return;
    };
    let wall_ms = measured as f64;
    if wall_ms < MIN_DURATION_MS as f64 {
        let wanted = format!("{MIN_DURATION_MS} ms or more");
        look.differs("mlperf-too-short", file, "wall clock", (&wanted, &format!("{measured} ms")));
    }
    let agrees = |ms: f64| (ms - wall_ms).abs() <= CLOCK_SLACK_MS + CLOCK_SLACK_SHARE * wall_ms.abs();
    if !agrees(detail.last_ms) {
        let said = format!("{:.0} ms", detail.last_ms);
        look.differs(
            "mlperf-clock",
            file,
            "time of the last entry",
            (&format!("about {measured} ms"), &said),
        );
    }
    if let Some((what, ms)) = implied(detail)
        && !agrees(ms)
    {
        let said = format!("{ms:.0} ms");
        look.differs("mlperf-clock", file, what, (&format!("about {measured} ms"), &said));
    }
}

/// How long a run lasted by its own result.
fn implied(detail: &Detail) -> Option<(&'static str, f64)> {
    let queries = detail.number("result_query_count")?;
    match detail.text("effective_scenario")? {
        "SingleStream" => {
            Some(("mean latency times queries", detail.number("result_mean_latency_ns")? * queries / 1e6))
        }
        "Offline" => {
            let samples = queries * detail.number("effective_samples_per_query")?;
            Some((
                "samples over samples per second",
                samples / detail.number("result_samples_per_second")? * 1e3,
            ))
        }
        _ => None,
    }
}
