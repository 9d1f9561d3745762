//! Whether the numbers of a finding agree with each other.

use super::{Attribution, Mark, POOLED, SCHEMA, Stretch, TextResult, Verdict, WatermarkFinding, e_value};
use crate::{Digest, Finding, FindingKind, Predicate};
use serde_json::Value;
use std::collections::BTreeSet;

/// How far two numbers that say the same may be apart, relative to the exponent.
const TOLERANCE: f64 = 1e-9;

/// Names under which key files hold what must stay secret.
const SECRETS: [&str; 6] = ["key", "keys", "seed", "secret", "master", "password"];

/// What may be sealed as a finding: its numbers can be checked, and it says which log holds it.
pub trait Judgment: Predicate {
    /// Every contradiction in it.
    fn faults(&self) -> Vec<Finding>;

    /// The verifier key of the log that holds its statement.
    fn log(&self) -> Option<&str>;

    /// The same, said to be in the log of that verifier key.
    #[must_use]
    fn in_log(self, log: Option<String>) -> Self;
}

/// Every contradiction in a finding; none where its numbers can all be true.
pub fn check(finding: &WatermarkFinding) -> Vec<Finding> {
    let mut found = Findings::default();
    found.schema(&finding.schema, SCHEMA);
    found.level(finding.level);
    for (name, value) in &finding.parameters {
        found.parameter(name, value);
    }
    for (name, digest) in [("key", &finding.key), ("tokenizer_sha256", &finding.tokenizer_sha256)] {
        found.digest(name, digest.as_deref());
    }
    found.tried(finding.keys_tried, finding.texts_tried, finding.texts.len());
    found.ids(&finding.texts.iter().map(|text| text.id.as_str()).collect::<Vec<_>>());
    for result in finding.results() {
        found.result(finding, result);
    }
    if finding.pooled.id != POOLED {
        found.malformed("pooled", format!("its id is `{}`", finding.pooled.id));
    }
    let scored = finding.texts.iter().fold(0_u64, |sum, text| sum.saturating_add(text.scored));
    if finding.pooled.scored > scored {
        found.contradiction("pooled", format!("{} scored, {scored} in the texts", finding.pooled.scored));
    }
    found.all
}

/// Every contradiction in an attribution.
pub fn check_attribution(attribution: &Attribution) -> Vec<Finding> {
    let mut found = Findings::default();
    found.schema(&attribution.schema, Attribution::SCHEMA);
    found.level(attribution.level);
    found.tried(attribution.keys_tried, attribution.texts_tried, attribution.texts.len());
    found.ids(&attribution.texts.iter().map(|text| text.id.as_str()).collect::<Vec<_>>());
    for text in &attribution.texts {
        for candidate in &text.best {
            found.digest(&text.id, candidate.commitment.as_deref());
            found.logarithm(&text.id, "ln_p", Some(candidate.ln_p));
            found.logarithm(&text.id, "adjusted_ln_p", Some(candidate.adjusted_ln_p));
            found.not_below(&text.id, candidate.adjusted_ln_p, candidate.ln_p);
        }
        let best = text.best.first();
        let agrees = match text.verdict {
            Verdict::Attributed => best.is_some_and(|best| text.tenant.as_ref() == Some(&best.key_name)),
            Verdict::NoEvidence | Verdict::Inconclusive => text.tenant.is_none(),
            Verdict::Unknown => {
                found.unsupported(&text.id, "a verdict this version does not know");
                true
            }
        };
        if !agrees {
            let detail = format!("the verdict `{}` does not fit the tenant named", text.verdict.as_str());
            found.contradiction(&text.id, detail);
        }
        let reaches = best.is_some_and(|best| {
            best.adjusted_ln_p <= attribution.level.ln() + TOLERANCE
                || best.ln_e_value.is_some_and(|ln_e_value| ln_e_value >= -attribution.level.ln())
        });
        if text.verdict == Verdict::Attributed && !reaches {
            found.contradiction(&text.id, "attributed, and the best key does not reach the level");
        }
    }
    found.all
}

impl Judgment for WatermarkFinding {
    fn faults(&self) -> Vec<Finding> {
        check(self)
    }

    fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    fn in_log(self, log: Option<String>) -> Self {
        Self { log, ..self }
    }
}

impl Judgment for Attribution {
    fn faults(&self) -> Vec<Finding> {
        check_attribution(self)
    }

    fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    fn in_log(self, log: Option<String>) -> Self {
        Self { log, ..self }
    }
}

#[derive(Default)]
struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    fn malformed(&mut self, subject: &str, detail: impl Into<String>) {
        self.all.push(Finding::new(FindingKind::Malformed, subject, detail));
    }

    fn contradiction(&mut self, subject: &str, detail: impl Into<String>) {
        self.all.push(Finding::new(FindingKind::Contradiction, subject, detail));
    }

    fn unsupported(&mut self, subject: &str, detail: &str) {
        self.all.push(Finding::new(FindingKind::Unsupported, subject, detail));
    }

    fn schema(&mut self, schema: &str, expected: &str) {
        if schema != expected {
            self.malformed("schema", format!("`{schema}` instead of `{expected}`"));
        }
    }

    fn level(&mut self, level: f64) {
        if !(level > 0.0 && level < 1.0) {
            self.malformed("level", format!("{level} is not between 0 and 1"));
        }
    }

    /// A parameter that bears the name of a secret, at any depth.
    fn parameter(&mut self, name: &str, value: &Value) {
        let last = name.rsplit(['_', '.', '-']).next().unwrap_or(name).to_ascii_lowercase();
        let is_public = name.ends_with("_table_seed");
        if SECRETS.contains(&last.as_str()) && !is_public {
            self.malformed("parameters", format!("`{name}` is the name of key material"));
        }
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.parameter(name, value)),
            Value::Array(items) => {
                let inner = items.iter().filter(|item| item.is_object() || item.is_array());
                inner.for_each(|item| self.parameter("", item));
            }
            _ => {}
        }
    }

    fn digest(&mut self, subject: &str, digest: Option<&str>) {
        if let Some(Err(error)) = digest.map(str::parse::<Digest>) {
            self.malformed(subject, error.to_string());
        }
    }

    fn tried(&mut self, keys: u64, texts: u64, shown: usize) {
        if keys == 0 {
            self.contradiction("keys_tried", "no key was tried");
        }
        if texts < shown as u64 {
            self.contradiction("texts_tried", format!("{texts} texts tried, {shown} shown"));
        }
    }

    fn ids(&mut self, ids: &[&str]) {
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id) {
                self.malformed("texts", format!("the id `{id}` stands twice"));
            }
        }
    }

    fn result(&mut self, finding: &WatermarkFinding, result: &TextResult) {
        let id = result.id.as_str();
        let counted = result.scored.saturating_add(result.unscored.total());
        if counted > result.tokens {
            self.contradiction(id, format!("{counted} tokens scored or not, {} in all", result.tokens));
        }
        if result.green.is_some_and(|green| green > result.scored) {
            self.contradiction(id, "more green tokens than scored ones");
        }
        self.probability(id, "p", result.p, result.ln_p);
        self.probability(id, "decoy_p", result.decoy_p, result.decoy_ln_p);
        self.probability(id, "p_normal", result.p_normal, None);
        self.logarithm(id, "adjusted_ln_p", result.adjusted_ln_p);
        if result.withheld.is_some() && (result.p.is_some() || result.ln_p.is_some()) {
            self.contradiction(id, "an analytic p-value that is said to be withheld");
        }
        for decoy_p in result.decoy_p.into_iter().chain(result.stretch.and_then(|stretch| stretch.decoy_p)) {
            self.rank(id, decoy_p, finding.decoys);
        }
        if let (Some(value), Some(ln)) = (result.e_value, result.ln_e_value) {
            let expected = e_value(ln);
            if !is_close(value, expected, ln) {
                self.contradiction(id, format!("an e-value of {value}, whose logarithm is said to be {ln}"));
            }
        }
        if let Some(stretch) = result.stretch {
            self.stretch(id, stretch, result.tokens);
        }
        self.mark(id, finding.level, result);
    }

    fn probability(&mut self, id: &str, name: &str, p: Option<f64>, ln_p: Option<f64>) {
        if let Some(p) = p.filter(|p| !(0.0..=1.0 + TOLERANCE).contains(p)) {
            self.malformed(id, format!("`{name}` is {p}"));
        }
        self.logarithm(id, name, ln_p);
        if let (Some(p), Some(ln_p)) = (p, ln_p)
            && !is_close(p, ln_p.exp(), ln_p)
        {
            self.contradiction(id, format!("`{name}` is {p}, its logarithm is said to be {ln_p}"));
        }
    }

    fn logarithm(&mut self, id: &str, name: &str, ln_p: Option<f64>) {
        if let Some(ln_p) = ln_p.filter(|ln_p| !(ln_p.is_finite() && *ln_p <= TOLERANCE)) {
            self.malformed(id, format!("the logarithm of `{name}` is {ln_p}"));
        }
    }

    fn not_below(&mut self, id: &str, adjusted: f64, plain: f64) {
        if adjusted < plain - TOLERANCE * plain.abs().max(1.0) {
            self.contradiction(id, format!("ln p is {plain}, and smaller once corrected: {adjusted}"));
        }
    }

    /// A rank among K decoys is at least 1 of K + 1.
    fn rank(&mut self, id: &str, decoy_p: f64, decoys: u64) {
        let least = 1.0 / (decoys as f64 + 1.0);
        if decoys == 0 || decoy_p < least * (1.0 - TOLERANCE) {
            self.contradiction(id, format!("a rank p-value of {decoy_p} among {decoys} decoys"));
        }
    }

    fn stretch(&mut self, id: &str, stretch: Stretch, tokens: u64) {
        if stretch.from >= stretch.to || stretch.to > tokens {
            let detail = format!("a stretch from {} to {} of {tokens} tokens", stretch.from, stretch.to);
            self.contradiction(id, detail);
        }
        self.logarithm(id, "stretch", Some(stretch.ln_p));
        self.probability(id, "stretch.decoy_p", stretch.decoy_p, None);
    }

    /// `marked` needs a number that reaches the level.
    fn mark(&mut self, id: &str, level: f64, result: &TextResult) {
        match result.mark {
            Mark::NoEvidence | Mark::Inconclusive => {}
            Mark::Unknown => self.unsupported(id, "a mark this version does not know"),
            Mark::Marked => {
                let logarithms = [
                    result.ln_p,
                    result.adjusted_ln_p,
                    result.decoy_ln_p,
                    result.decoy_p.map(f64::ln),
                    result.ln_e_value.map(|ln| -ln),
                    result.stretch.map(|stretch| stretch.ln_p),
                ];
                if !logarithms.into_iter().flatten().any(|ln| ln <= level.ln() + TOLERANCE) {
                    self.contradiction(id, "marked, and no number reaches the level");
                }
            }
        }
    }
}

/// Whether a number and the one recomputed from its logarithm are the same but for rounding.
fn is_close(stated: f64, expected: f64, logarithm: f64) -> bool {
    (stated - expected).abs() <= TOLERANCE * logarithm.abs().max(1.0) * expected + f64::MIN_POSITIVE
}
