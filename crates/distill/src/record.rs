//! The dataset manifest: where every token came from, under what terms (docs/spec/dataset-manifest.md).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stillmark_agreement::{Permit, Verdict};
use stillmark_evidence::Digest;
use stillmark_evidence::layout::path;
use stillmark_evidence::manifest::{
    self, Counts, DatasetManifest, Prompts, SourceKind as Kind, Teacher, Terms,
};
use stillmark_evidence::signing::write_manifest;

use crate::capture::receipts::Receipts;
use crate::capture::{Loaded, Summary};
use crate::plan::{Place, Source, SourceAt, SourceKind};
use crate::setup::Setup;
use crate::{Error, Plan, granted};

/// Writes `data/manifest.json` from what was captured.
pub(crate) fn write(
    setup: &Setup<'_>,
    loaded: &[Loaded],
    weights: Option<Digest>,
    permit: &Permit,
    summary: &Summary,
) -> Result<(), Error> {
    let plan = setup.plan;
    let totals = summary.counts.values().fold(Counts::default(), |sum, counts| Counts {
        rows: sum.rows + counts.rows,
        tokens: sum.tokens + counts.tokens,
    });
    let teacher =
        Teacher { name: setup.teacher_name.to_owned(), weights, api: api_of(plan), offer: setup.offer };
    let grant = granted::of(permit).map(|granted| granted.id);
    let mut receipts = Receipts::of(&setup.folder.join(path::DATA)).close()?;
    let sources = plan.sources().iter().zip(loaded).map(|(source, loaded)| {
        let counts = summary.counts.get(&source.id).copied().unwrap_or_default();
        Ok(manifest::Source {
            id: source.id.clone(),
            kind: Kind::Teacher,
            teacher: Some(teacher.clone()),
            terms: terms(source, plan, permit),
            grant,
            receipts: receipts.remove(&source.id).unwrap_or_default(),
            prompts: Some(Prompts { origin: origin(source), digest: digest(&loaded.sha256)? }),
            watermark: setup.watermark().filter(|_| source.kind == SourceKind::Prompts).cloned(),
            generation: if source.kind == SourceKind::Prompts { generation(plan) } else { BTreeMap::new() },
            filters: vec![format!("longer than {} tokens", plan.capture().max_length)],
            rows: counts.rows,
            tokens: counts.tokens,
            share: totals.share(counts.tokens),
        })
    });
    let record = DatasetManifest {
        sources: sources.collect::<Result<_, Error>>()?,
        tokenizer: setup.tokens.tokenizer.digest(),
        totals,
        verdict: verdict(permit.verdict()),
        duties: duties(permit),
        accepted: accepted(permit),
    };
    write_manifest(setup.folder, record)?;
    Ok(())
}

/// How answers were sampled, by name.
pub(crate) fn generation(plan: &Plan) -> BTreeMap<String, Value> {
    let capture = plan.capture();
    let mut settings = BTreeMap::from([
        ("temperature".to_owned(), json!(capture.temperature)),
        ("topK".to_owned(), json!(capture.top_k)),
        ("topP".to_owned(), json!(capture.top_p)),
        ("minP".to_owned(), json!(capture.min_p)),
        ("maxTokens".to_owned(), json!(capture.max_tokens)),
        ("seed".to_owned(), json!(capture.seed)),
        ("topLogprobs".to_owned(), json!(capture.top_logprobs)),
    ]);
    if let Some(system) = &capture.system {
        settings.insert("system".to_owned(), json!(system));
    }
    settings
}

/// What a source is, in a word.
pub(crate) fn kind_word(source: &Source) -> &'static str {
    match source.kind {
        SourceKind::Prompts => "prompts",
        SourceKind::Texts => "texts",
    }
}

fn origin(source: &Source) -> String {
    let place = match &source.at {
        SourceAt::BuiltIn(name) => format!("built in: {name}"),
        SourceAt::File(name) => name.clone(),
    };
    source.origin.clone().unwrap_or(place)
}

fn terms(source: &Source, plan: &Plan, permit: &Permit) -> Vec<Terms> {
    let ids = plan.teacher().terms.iter().chain(&source.terms);
    let known = ids.filter_map(|id| permit.terms_digests().get(id).map(|digest| (id.clone(), *digest)));
    known.collect::<BTreeMap<_, _>>().into_iter().map(|(id, digest)| Terms { id, digest }).collect()
}

fn digest(hex: &str) -> Result<Digest, Error> {
    hex.parse().map_err(Error::from)
}

fn verdict(verdict: Verdict) -> manifest::Verdict {
    match verdict {
        Verdict::Permit => manifest::Verdict::Permit,
        Verdict::PermitWithDuties => manifest::Verdict::PermitWithDuties,
        Verdict::Review => manifest::Verdict::Review,
        Verdict::Forbid => manifest::Verdict::Forbid,
    }
}

fn duties(permit: &Permit) -> Vec<manifest::Duty> {
    let duty = |obligation: &stillmark_agreement::Obligation| manifest::Duty {
        id: obligation.kind.as_str().to_owned(),
        text: obligation.text.clone(),
        terms: obligation.terms.clone(),
        clause: obligation.clause.clone(),
    };
    permit.duties().iter().map(duty).collect()
}

fn accepted(permit: &Permit) -> Vec<manifest::Accepted> {
    let one = |accepted: &stillmark_agreement::Accepted| manifest::Accepted {
        ask: accepted.ask.clone(),
        person: accepted.person.clone(),
        date: accepted.date.clone(),
        reason: accepted.reason.clone(),
    };
    permit.accepted().iter().map(one).collect()
}

/// The address of a teacher behind an API.
fn api_of(plan: &Plan) -> Option<String> {
    match &plan.teacher().place {
        Place::Remote(remote) => Some(remote.url.clone()),
        Place::Embedded { .. } => None,
    }
}
