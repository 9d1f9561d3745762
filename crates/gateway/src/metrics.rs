//! Counts of what happened, in Prometheus' text format.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::meter::Standing;

/// Upper bounds of the histogram of latencies, in milliseconds.
const BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 30_000, 120_000];

/// Everything that is counted. No label holds a key's name: there may be very many.
#[derive(Debug, Default)]
pub struct Metrics {
    statuses: [AtomicU64; 5],
    denied: AtomicU64,
    unauthenticated: AtomicU64,
    upstream_failures: AtomicU64,
    disconnects: AtomicU64,
    estimated: AtomicU64,
    reloads: AtomicU64,
    failed_reloads: AtomicU64,
    prompt_tokens: AtomicU64,
    answer_tokens: AtomicU64,
    connections: AtomicI64,
    in_flight: AtomicI64,
    latency: [AtomicU64; BOUNDS_MS.len() + 1],
    latency_sum_ms: AtomicU64,
}

/// Something that is counted as it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A request was refused by a limit.
    Denied,
    /// A request brought no good key.
    Unauthenticated,
    /// A server behind did not answer.
    UpstreamFailed,
    /// A client went away before its answer was whole.
    Disconnected,
    /// A usage was estimated, since none was told.
    Estimated,
    /// A configuration that changed is in force.
    Reloaded,
    /// A configuration that changed cannot be used.
    ReloadFailed,
}

impl Metrics {
    /// Counts an event.
    pub fn count(&self, event: Event) {
        let counter = match event {
            Event::Denied => &self.denied,
            Event::Unauthenticated => &self.unauthenticated,
            Event::UpstreamFailed => &self.upstream_failures,
            Event::Disconnected => &self.disconnects,
            Event::Estimated => &self.estimated,
            Event::Reloaded => &self.reloads,
            Event::ReloadFailed => &self.failed_reloads,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer, by its status and how long it took to begin.
    pub fn answered(&self, status: u16, ms: u64) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.statuses[class].fetch_add(1, Ordering::Relaxed);
        let bound = BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(BOUNDS_MS.len());
        self.latency[bound].fetch_add(1, Ordering::Relaxed);
        self.latency_sum_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Counts tokens.
    pub fn spent(&self, prompt: u64, answer: u64) {
        self.prompt_tokens.fetch_add(prompt, Ordering::Relaxed);
        self.answer_tokens.fetch_add(answer, Ordering::Relaxed);
    }

    /// A connection came (1) or went (-1).
    pub fn connection(&self, change: i64) {
        self.connections.fetch_add(change, Ordering::Relaxed);
    }

    /// A request was let in (1) or is done (-1).
    pub fn flight(&self, change: i64) {
        self.in_flight.fetch_add(change, Ordering::Relaxed);
    }

    /// How many requests are being answered.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, standing: Option<Standing>) -> String {
        let mut out = String::new();
        let mut metric = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            let _ = writeln!(out, "# HELP stillmark_{name} {help}\n# TYPE stillmark_{name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(out, "stillmark_{name}{labels} {value}");
            }
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        let classes = (1..).zip(&self.statuses);
        let classes: Vec<_> =
            classes.map(|(class, n)| (format!("{{status=\"{class}xx\"}}"), count(n))).collect();
        metric("responses_total", "counter", "Answers by class of status.", &classes);
        let plain = [
            ("denied_total", "Requests refused by a limit.", &self.denied),
            ("unauthenticated_total", "Requests without a good key.", &self.unauthenticated),
            ("upstream_failures_total", "Requests that no server behind answered.", &self.upstream_failures),
            ("disconnects_total", "Answers whose client went away.", &self.disconnects),
            ("usage_estimated_total", "Answers whose usage was estimated.", &self.estimated),
            ("reloads_total", "Configurations that were taken on.", &self.reloads),
            ("failed_reloads_total", "Configurations that could not be taken on.", &self.failed_reloads),
            ("prompt_tokens_total", "Tokens of prompts.", &self.prompt_tokens),
            ("answer_tokens_total", "Tokens of answers.", &self.answer_tokens),
        ];
        for (name, help, counter) in plain {
            metric(name, "counter", help, &[(String::new(), count(counter))]);
        }
        let gauge = |value: &AtomicI64| vec![(String::new(), value.load(Ordering::Relaxed).to_string())];
        metric("connections", "gauge", "Connections that are open.", &gauge(&self.connections));
        metric("in_flight", "gauge", "Requests that are being answered.", &gauge(&self.in_flight));
        if let Some(standing) = standing {
            let one = |number: u64| vec![(String::new(), number.to_string())];
            let is_out = one(u64::from(standing.is_out));
            metric("limits_out", "gauge", "Whether shared limits cannot be asked.", &is_out);
            metric("limits_outages_total", "counter", "How often that began.", &one(standing.outages));
            let help = "Requests that were let in meanwhile.";
            metric("limits_unseen_total", "counter", help, &one(standing.unseen));
        }
        let mut total = 0;
        let mut lines = Vec::new();
        for (idx, bucket) in self.latency.iter().enumerate() {
            total += bucket.load(Ordering::Relaxed);
            let bound = BOUNDS_MS.get(idx).map_or("+Inf".to_owned(), |ms| format!("{}", *ms as f64 / 1e3));
            lines.push((format!("_bucket{{le=\"{bound}\"}}"), total.to_string()));
        }
        let sum = self.latency_sum_ms.load(Ordering::Relaxed) as f64 / 1e3;
        lines.push(("_sum".to_owned(), sum.to_string()));
        lines.push(("_count".to_owned(), total.to_string()));
        metric("first_byte_seconds", "histogram", "How long answers take to begin.", &lines);
        out
    }
}
