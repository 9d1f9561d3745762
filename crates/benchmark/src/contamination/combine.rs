//! Several tests of one model and benchmark together.

use stillmark_evidence::contamination::{Adjusted, CombinedContamination, ContaminationFinding, Kind, Seen};
use stillmark_stats::{PValue, multiple};

use super::verdict::lines;

/// The tests together, each with the name of the file it comes from: Holm's correction over those whose p-value is valid, and the
/// mean of the e-values that these are worth.
pub fn combine(findings: &[(String, ContaminationFinding)], level: f64) -> CombinedContamination {
    let valid = |finding: &ContaminationFinding| {
        let ln_p = finding.ln_p.filter(|ln_p| *ln_p <= 0.0);
        ln_p.filter(|_| matches!(finding.valid.kind, Kind::Exact | Kind::Approximate)).map(PValue::from_ln)
    };
    let p: Vec<PValue> = findings.iter().filter_map(|(_, finding)| valid(finding)).collect();
    let mut adjusted = multiple::holm(&p).into_iter();
    let tests: Vec<Adjusted> = findings
        .iter()
        .map(|(file, finding)| {
            let p = valid(finding);
            Adjusted {
                file: file.clone(),
                test: finding.test.clone(),
                alone: finding.verdict,
                kind: finding.valid.kind,
                ln_p: p.map(PValue::ln),
                adjusted_ln_p: p.and_then(|_| adjusted.next()).map(PValue::ln),
                power: finding.power.clone(),
            }
        })
        .collect();
    let best = tests.iter().filter_map(|test| test.adjusted_ln_p).min_by(f64::total_cmp);
    let could_see =
        findings.iter().any(|(_, finding)| matches!(finding.verdict, Seen::Seen | Seen::NoEvidence));
    let verdict = match best {
        Some(best) if best <= level.ln() => Seen::Seen,
        Some(_) if could_see => Seen::NoEvidence,
        _ => Seen::Inconclusive,
    };
    let ln_e: Vec<f64> = p.iter().map(|p| ln_e_value(*p)).collect();
    CombinedContamination {
        schema: CombinedContamination::SCHEMA.to_owned(),
        verdict,
        level,
        p: best.map(f64::exp),
        ln_p: best,
        ln_e_value: (!ln_e.is_empty()).then(|| multiple::ln_mean_e(&ln_e)),
        tests,
        assumptions: lines(&[
            "all tests that were made of this model and benchmark are among these",
            "what each test rests on; how they depend on each other does not matter",
        ]),
        cannot_show: lines(&[
            "more than the strongest of the tests",
            "that a model without evidence is clean",
        ]),
    }
}

/// The e-value that a p-value is worth: (1 − p + p ln p) / (p ln² p), the mixture of all calibrators κ p^(κ − 1) (Vovk and Wang 2021,
/// eq. 2).
pub fn ln_e_value(p: PValue) -> f64 {
    let ln = p.ln();
    if ln > -1e-4 {
        // The limit at p = 1 is ½.
        return (0.5 - ln / 6.0).ln();
    }
    if ln == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    (1.0 - p.value() + p.value() * ln).ln() - ln - 2.0 * (-ln).ln()
}
