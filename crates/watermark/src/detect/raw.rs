//! What the reference implementation itself would say.

use stillmark_evidence::watermark::{Mark, SCHEMA, TextResult, WatermarkFinding};
use stillmark_stats::{PValue, tail};

use super::{Settings, tails, words};
use crate::key::Key;
use crate::scheme::synthid::SynthId;
use crate::scheme::{Null, Scheme};
use crate::sites::Slice;

/// A finding without results.
pub(super) fn frame(key: &Key, settings: &Settings, texts: usize) -> WatermarkFinding {
    let scheme = key.scheme();
    WatermarkFinding {
        schema: SCHEMA.to_owned(),
        scheme: scheme.name().to_owned(),
        reference: scheme.reference().to_owned(),
        key: None,
        parameters: key.parameters(),
        tokenizer_sha256: None,
        level: settings.level,
        decoys: 0,
        decoy_seed: settings.decoy_seed,
        keys_tried: settings.keys_tried.max(1) as u64,
        texts_tried: texts as u64,
        statistic: words::statistic(&scheme.null()).to_owned(),
        texts: Vec::new(),
        pooled: TextResult::new("pooled", 0),
        assumptions: vec![words::RAW.to_owned()],
        cannot_show: words::CANNOT_SHOW.map(str::to_owned).to_vec(),
        log: None,
    }
}

/// Fills in the statistic, the counts and the p-value of the reference.
pub(super) fn fill(
    result: &mut TextResult,
    scheme: &dyn Scheme,
    sites: Slice<'_>,
    scores: &[f64],
    level: f64,
) {
    let (n, sum) = (scores.len(), scores.iter().sum::<f64>());
    result.scored = n as u64;
    let null = scheme.null();
    if n == 0 {
        // Nothing scored is no evidence: the references that answer at all say 1.
        (result.p, result.ln_p) = (Some(1.0), Some(0.0));
        result.statistic = matches!(null, Null::Exponential | Null::Fused { .. }).then_some(0.0);
        return;
    }
    result.statistic = Some(tails::statistic(&null, n, sum));
    let p = match &null {
        Null::Fused { alpha } => fused(*alpha, n, sum),
        Null::Green { gamma } if scheme.name() == "textseal-greenlist" => {
            result.green = Some(sum as u64);
            tail::binomial_mid(sum as u64, n as u64, *gamma)
        }
        Null::Green { gamma } => {
            result.green = Some(sum as u64);
            result.p_normal = Some(tail::normal(tails::z(*gamma, n, sum)).value());
            tails::interval(&null, n, sum).upper
        }
        Null::Exponential | Null::Bits { .. } => tails::interval(&null, n, sum).upper,
    };
    if let Some(synthid) = scheme.as_any().downcast_ref::<SynthId>() {
        let bits: u64 = synthid.site_bits(sites).iter().map(|bits| u64::from(bits.count_ones())).sum();
        result.mean_score = Some(bits as f64 / (n * synthid.depth) as f64);
        result.weighted_mean_score = result.statistic;
        if scheme.name() == "synthid-vllm" {
            (result.statistic, result.weighted_mean_score) = (Some(bits as f64), None);
        }
    }
    (result.p, result.ln_p) = (Some(p.value()), Some(p.ln().max(f64::MIN)));
    result.mark = if p.ln() <= level.ln() { Mark::Marked } else { Mark::NoEvidence };
}

/// Q(n/v, S/v), as the references have it; where v divides 1 evenly the shape is rounded.
fn fused(alpha: f64, n: usize, sum: f64) -> PValue {
    let v = alpha * alpha + (1.0 - alpha) * (1.0 - alpha);
    let shape = n as f64 / v;
    let shape = if [0.0, 0.5, 1.0].contains(&alpha) { shape.round() } else { shape };
    tail::gamma(shape, sum / v)
}
