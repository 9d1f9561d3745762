//! From numbers to an answer: the same rules for all tests.

use stillmark_evidence::contamination::{
    Check, ContaminationFinding, Kind, Power, Seen, Statistic, Validity,
};
use stillmark_stats::{PValue, tail};

/// How often the least effect that is printed would be found.
const POWER: f64 = 0.8;

/// What a look at an assumption may call broken by chance.
pub const CHECK_LEVEL: f64 = 0.01;

/// What a test computed, before anything follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    /// The test's name.
    pub test: &'static str,
    /// The rate of false alarms asked for.
    pub level: f64,
    /// The p-value, where there is one.
    pub p: Option<PValue>,
    /// The smallest p-value that these items could have given.
    pub least_p: PValue,
    /// How far it may be relied on.
    pub kind: Kind,
    /// Why.
    pub why: &'static str,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// An answer without its numbers: what follows from a p-value, and whether it may be stated.
///
/// A broken assumption takes the p-value away. Where even the clearest answers could not have reached the level, or there is no
/// p-value, nothing follows.
pub fn conclude(computed: Computed, statistic: (&str, Option<f64>)) -> ContaminationFinding {
    let broken = computed.checks.iter().find(|check| !check.holds);
    let (kind, why) = match broken {
        Some(check) => (Kind::NoPValue, format!("an assumption is broken: {}", check.name)),
        None if computed.p.is_none() => (Kind::NoPValue, computed.why.to_owned()),
        None => (computed.kind, computed.why.to_owned()),
    };
    let p = computed.p.filter(|_| broken.is_none());
    let reaches = |p: PValue| p.ln() <= computed.level.ln();
    let verdict = match p {
        Some(p) if reaches(p) => Seen::Seen,
        Some(_) if reaches(computed.least_p) => Seen::NoEvidence,
        _ => Seen::Inconclusive,
    };
    ContaminationFinding {
        schema: ContaminationFinding::schema(computed.test),
        test: computed.test.to_owned(),
        verdict,
        level: computed.level,
        p: p.map(PValue::value),
        ln_p: p.map(PValue::ln),
        valid: Validity { kind, why },
        statistic: Statistic { name: statistic.0.to_owned(), value: statistic.1 },
        items: 0,
        units: 0,
        power: Power { power: POWER, least_effect: None, effect: String::new() },
        checks: computed.checks,
        parts: Vec::new(),
        questions: None,
        model: None,
        assumptions: Vec::new(),
        cannot_show: vec![
            "how the items came to the model: trained on, retrieved, or told".to_owned(),
            "that a model without evidence is clean: a paraphrase or a translation leaves no trace here"
                .to_owned(),
        ],
    }
}

/// The least effect that a finding's test would see at a level, in units of a statistic whose standard deviation under the null
/// is `sd`. Where the level can be reached at all, the greatest effect that there is reaches it.
pub fn least_effect(
    finding: &ContaminationFinding,
    level: f64,
    (sd, greatest): (f64, f64),
    effect: &str,
) -> Power {
    let reach = tail::normal_critical(PValue::new(level)) + tail::normal_critical(PValue::new(1.0 - POWER));
    let least = Some(reach * sd).filter(|least| least.is_finite());
    let least_effect = match finding.verdict {
        Seen::Seen | Seen::NoEvidence => least.map(|least| least.min(greatest)),
        Seen::Inconclusive | Seen::Unknown => least.filter(|least| *least <= greatest),
    };
    Power { power: POWER, least_effect, effect: effect.to_owned() }
}

/// Lines as owned texts.
pub fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}
