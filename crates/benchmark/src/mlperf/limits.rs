//! What a performance run's result is, and how slow an answer may be: the limits of the official checker that hold in every division.

use serde_json::Value;

use super::detail::Detail;
use super::look::Look;
use super::place::Place;
use super::rules::{Benchmark, TARGET_LATENCY_MS, TOKEN_LIMITS_MS, Tokens};

/// Scenarios whose result may stand for another's, on an edge system: what was run, what it is filed as, the value that then counts.
const INFERRED: [(&str, &str, &str); 3] = [
    ("SingleStream", "MultiStream", "early_stopping_latency_ms"),
    ("MultiStream", "Offline", "result_mean_query_latency_ns"),
    ("SingleStream", "Offline", "result_qps_without_loadgen_overhead"),
];

/// Whether a run of one scenario may be filed as another.
pub(super) fn may_be_filed(look: &Look<'_>, place: &Place, ran: &str) -> bool {
    if ran.eq_ignore_ascii_case(&place.scenario)
        || (ran, place.scenario.as_str()) == ("Server", "Interactive")
    {
        return true;
    }
    let described =
        look.file(&place.system_file()).and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let kind = described.as_ref().and_then(|system| system.get("system_type")).and_then(Value::as_str);
    kind.is_some_and(|kind| kind.contains("edge"))
        && INFERRED.iter().any(|&(from, to, _)| (from, to) == (ran, place.scenario.as_str()))
}

/// What the result of a run is taken from.
fn metric(ran: &str, filed: &str, rules: Option<&Benchmark>) -> Option<&'static str> {
    if let Some(&(_, _, key)) = INFERRED.iter().find(|&&(from, to, _)| (from, to) == (ran, filed)) {
        return Some(key);
    }
    let in_tokens = rules.is_some_and(|rules| rules.tokens == Tokens::Counted || rules.name == "whisper");
    let is_edge_llama = rules.is_some_and(|rules| rules.name == "llama3.1-8b-edge");
    Some(match ran {
        "Offline" if in_tokens => "result_tokens_per_second",
        "Offline" => "result_samples_per_second",
        "SingleStream" if is_edge_llama => "result_90.00_percentile_latency_ns",
        "SingleStream" => "early_stopping_latency_ss",
        "MultiStream" => "early_stopping_latency_ms",
        "Server" if in_tokens && rules.is_some_and(|rules| rules.name != "whisper") => {
            "result_completed_tokens_per_second"
        }
        "Server" => "result_completed_samples_per_sec",
        _ => return None,
    })
}

/// Looks at the result and the latencies of a performance run.
pub(super) fn look(look: &mut Look<'_>, place: &Place, rules: Option<&Benchmark>, detail: &Detail) {
    let file = place.file("performance/run_1/mlperf_log_detail.txt");
    let ran = detail.text("effective_scenario").unwrap_or_default();
    if let Some(key) = metric(ran, &place.scenario, rules)
        && detail.number(key).is_none_or(|result| result <= 0.0)
    {
        let said = format!("`{key}`, which is the result of {}, is missing or not above 0", place.scenario);
        look.found("mlperf-result", &file, said);
    }
    if ran == "Offline" && detail.whole("effective_min_query_count").unwrap_or(0) < 1 {
        look.found("mlperf-result", &file, "`effective_min_query_count` is below 1".to_owned());
    }
    let Some(rules) = rules.filter(|_| ran == "Server") else { return };
    if let Some((_, most_ms)) = TARGET_LATENCY_MS.iter().find(|(name, _)| *name == rules.name) {
        let key = "effective_target_latency_ns";
        at_most(look, &file, (key, detail.number(key)), *most_ms);
    }
    let limits = TOKEN_LIMITS_MS
        .iter()
        .find(|(name, scenario, _)| (*name, *scenario) == (rules.name, place.scenario.as_str()));
    if let Some((_, _, [first_ms, next_ms])) = limits {
        let (first, next) = (
            "result_first_token_99.00_percentile_latency_ns",
            "result_time_per_output_token_99.00_percentile_ns",
        );
        at_most(look, &file, (first, detail.number(first)), *first_ms);
        at_most(look, &file, (next, detail.number(next)), *next_ms);
    }
}

fn at_most(look: &mut Look<'_>, file: &str, (key, value): (&str, Option<f64>), most_ms: u64) {
    let most_ns = most_ms as f64 * 1e6;
    if value.is_none_or(|ns| ns > most_ns) {
        let said = value.map_or_else(|| "nothing".to_owned(), |ns| format!("{} ms", ns / 1e6));
        look.differs("mlperf-result", file, key, (&format!("{most_ms} ms or less"), &said));
    }
}
