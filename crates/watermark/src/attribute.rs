//! Whose key was it?
//!
//! Every tenant's key is tried on every text; p-values are corrected by Holm over all of them. Tenants' keys are decoys for
//! each other, and decoys proper say whether the analytic p-value may be used at all.

use rayon::prelude::*;
use stillmark_evidence::watermark::{Attributed, Attribution, Candidate, Verdict};
use stillmark_stats::{PValue, decoys, multiple};

use crate::detect::{self, Input, Settings};
use crate::scheme::{Null, Scheme};
use crate::sites::{Sites, Text};
use crate::{Error, Key, power};

/// A key that may be the one, by its name.
#[derive(Debug)]
pub struct Suspect {
    /// The name it goes by.
    pub name: String,
    /// Its commitment in hex, where it has one.
    pub commitment: Option<String>,
    /// The key.
    pub key: Key,
}

/// Candidates that are shown of each text.
const SHOWN: usize = 3;

/// Tries all keys on all texts. The keys must be of one scheme with the same parameters.
pub fn attribute(
    suspects: &[Suspect],
    inputs: &[Input<'_>],
    settings: &Settings,
    tick: &(dyn Fn() + Sync),
) -> Result<Attribution, Error> {
    let Some(first) = suspects.first() else {
        return Err(Error::Lengths { what: "keys", expected: 1, found: 0 });
    };
    let parameters = first.key.parameters();
    let alike = |suspect: &&Suspect| {
        suspect.key.scheme().name() == first.key.scheme().name() && suspect.key.parameters() == parameters
    };
    let like = suspects.iter().filter(alike).count();
    if like < suspects.len() {
        return Err(Error::Lengths {
            what: "keys of one scheme with the same parameters",
            expected: suspects.len(),
            found: like,
        });
    }
    let own: Vec<Option<Box<dyn Scheme>>> =
        suspects.iter().map(|suspect| suspect.key.scheme().distinctive()).collect();
    let schemes: Vec<&dyn Scheme> = own
        .iter()
        .zip(suspects)
        .map(|(own, suspect)| own.as_deref().unwrap_or_else(|| suspect.key.scheme()))
        .collect();
    let texts: Vec<Text<'_>> = inputs.iter().map(|input| input.text).collect();
    let sites = Sites::find(&texts, &schemes[0].effective_rule());
    let sums = sums_of(&schemes, &sites, tick);
    let texts = judge(suspects, inputs, &sites, &schemes, &sums, settings);
    Ok(Attribution {
        schema: Attribution::SCHEMA.to_owned(),
        scheme: first.key.scheme().name().to_owned(),
        level: settings.level,
        keys_tried: suspects.len() as u64,
        texts_tried: inputs.len() as u64,
        texts,
        assumptions: detect::attribution_assumptions(suspects.len(), inputs.len()),
        cannot_show: detect::CANNOT_SHOW.map(str::to_owned).to_vec(),
        log: None,
    })
}

/// The sums of scores, a row a key and a column a text.
fn sums_of(schemes: &[&dyn Scheme], sites: &Sites, tick: &(dyn Fn() + Sync)) -> Vec<Vec<f64>> {
    schemes
        .par_iter()
        .map_init(Vec::new, |scores, scheme| {
            detect::score(*scheme, sites, 0..sites.texts.len(), scores);
            tick();
            sites.texts.iter().map(|range| scores[range.clone()].iter().sum()).collect()
        })
        .collect()
}

/// The sum of a text's scores under one key.
fn sum(scheme: &dyn Scheme, sites: &Sites, text: usize, scores: &mut Vec<f64>) -> f64 {
    detect::score(scheme, sites, text..text + 1, scores);
    scores.iter().sum()
}

/// Whether the decoys of a key bear out the analytic null on a text.
fn is_sound(scheme: &dyn Scheme, sites: &Sites, text: usize, settings: &Settings) -> bool {
    let (null, scored) = (scheme.null(), sites.texts[text].len());
    let decoy_of = scheme.decoys(settings.decoy_seed, settings.decoys);
    let intervals: Vec<_> = (0..settings.decoys)
        .into_par_iter()
        .map_init(Vec::new, |scores, decoy| {
            detect::rough_interval(&null, scored, sum(decoy_of(decoy).as_ref(), sites, text, scores))
        })
        .collect();
    decoys::agreement(&intervals).verdict.admits_analytic()
}

fn judge(
    suspects: &[Suspect],
    inputs: &[Input<'_>],
    sites: &Sites,
    schemes: &[&dyn Scheme],
    sums: &[Vec<f64>],
    settings: &Settings,
) -> Vec<Attributed> {
    let planned = power::plan(schemes[0], 1.0);
    let needed = planned.and_then(|plan| plan.tokens(settings.level / suspects.len() as f64, 0.9));
    let p_of =
        |null: &Null, text: usize, sum| detect::p_value(null, sites.texts[text].len(), sum, settings.level);
    let null = schemes[0].null();
    let all: Vec<PValue> = (0..inputs.len())
        .flat_map(|text| sums.iter().map(move |row| (text, row[text])))
        .map(|(text, sum)| p_of(&null, text, sum))
        .collect();
    let adjusted = multiple::holm(&all);
    let (keys, mut found) = (suspects.len(), Vec::new());
    for (text, input) in inputs.iter().enumerate() {
        let scored = sites.texts[text].len();
        let mut order: Vec<usize> = (0..keys).collect();
        order.sort_by(|a, b| all[text * keys + a].total_cmp(&all[text * keys + b]).then(a.cmp(b)));
        let reaches = |key: &usize| adjusted[text * keys + key].ln() <= settings.level.ln();
        // What a key has in common with the first is evidence for the first: another must reach the level without it.
        let by_itself = |key: &usize| {
            schemes[*key].apart_from(schemes[order[0]]).is_none_or(|scheme| {
                let p = p_of(&scheme.null(), text, sum(scheme.as_ref(), sites, text, &mut Vec::new()));
                p.times((keys * inputs.len()) as f64).ln() <= settings.level.ln()
            })
        };
        let reaching = order.iter().take_while(|key| reaches(key)).filter(|key| by_itself(key)).count();
        let short = needed.is_none_or(|needed| (scored as u64) < needed);
        let verdict = match reaching {
            1 if is_sound(schemes[order[0]], sites, text, settings) => Verdict::Attributed,
            0 if !short => Verdict::NoEvidence,
            _ => Verdict::Inconclusive,
        };
        let candidate = |key: &usize| Candidate {
            key_name: suspects[*key].name.clone(),
            commitment: suspects[*key].commitment.clone(),
            ln_p: all[text * keys + key].ln().max(f64::MIN),
            adjusted_ln_p: adjusted[text * keys + key].ln().max(f64::MIN),
            ln_e_value: None,
        };
        let tenant = (verdict == Verdict::Attributed).then(|| suspects[order[0]].name.clone());
        let best = order.iter().take(SHOWN).map(candidate).collect();
        found.push(Attributed { id: input.id.to_owned(), scored: scored as u64, best, verdict, tenant });
    }
    found
}
