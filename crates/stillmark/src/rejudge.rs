//! The part of `verify` that knows Parquet and terms: records are counted, and the plan is judged again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use stillmark_agreement::{Accepted, Consent, DutyKind, Pack, Refusal, Ruling, evaluate};
use stillmark_distill::plan::Place;
use stillmark_distill::records::Recount;
use stillmark_distill::{Plan, TEACHER};
use stillmark_evidence::checks::{Aspect, Check, CheckVerdict};
use stillmark_evidence::consent::Use;
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::layout::path;
use stillmark_evidence::manifest::{Duty, SourceKind};
use stillmark_evidence::provenance::name;
use stillmark_evidence::verify::{Case, RecordFacts, RecordReader};
use stillmark_evidence::{Date, Digest, Finding, FindingKind};

use crate::run::teacher::published;

/// What the front door brings to `verify`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rim;

impl RecordReader for Rim {
    fn read(&self, file: &Path) -> Result<RecordFacts, Finding> {
        Recount.read(file)
    }

    fn judge(&self, case: &Case<'_>) -> Vec<Check> {
        let plan = match Plan::parse(case.plan) {
            Ok(plan) => plan,
            Err(err) => {
                return vec![Finding::new(FindingKind::Malformed, path::PLAN, err.to_string()).into()];
            }
        };
        let mut checks: Vec<Check> = unplanned(case, &plan).into_iter().map(Check::from).collect();
        checks.extend(match ruling(case, &plan) {
            Ok((ruling, Pinned::Same)) => compare(case, &ruling),
            Ok((ruling, Pinned::Other(recorded))) => compare_with_other(case, &ruling, recorded),
            Err(check) => vec![*check],
        });
        checks
    }
}

/// Where the record does not follow from the signed plan: other sources, another teacher, other terms, another consent.
fn unplanned(case: &Case<'_>, plan: &Plan) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut off = |subject: &str, detail: String| {
        found.push(Finding::new(FindingKind::BrokenEdge, subject, detail));
    };
    let planned: BTreeSet<&str> = plan.sources().iter().map(|source| source.id.as_str()).collect();
    let recorded: BTreeSet<&str> = case.data.sources.iter().map(|source| source.id.as_str()).collect();
    for id in planned.symmetric_difference(&recorded) {
        off(id, "only one of the plan and the record has this source".to_owned());
    }
    let (name, api) = match &plan.teacher().place {
        Place::Remote(remote) => (remote.model.clone(), Some(&remote.url)),
        Place::Embedded { model } => (published(model), None),
    };
    let grants: BTreeSet<Option<Digest>> = case.data.sources.iter().map(|source| source.grant).collect();
    match (&plan.teacher().grant, grants.iter().collect::<Vec<_>>().as_slice()) {
        (None, [None] | []) | (Some(_), [Some(_)]) => {}
        (None, _) => off(path::MANIFEST, "it names a grant, and the plan names none".to_owned()),
        (Some(_), _) => off(
            path::MANIFEST,
            "the plan names a grant, and not every source names one and the same".to_owned(),
        ),
    }
    for source in &case.data.sources {
        let Some(teacher) = source.teacher.as_ref().filter(|_| source.kind == SourceKind::Teacher) else {
            off(&source.id, format!("the plan has `{name}` teach it, and the record names no teacher"));
            continue;
        };
        if teacher.name != name || teacher.api.as_ref() != api {
            off(&source.id, format!("the plan has `{name}` teach it, the record names `{}`", teacher.name));
        }
        let of_plan = plan.sources().iter().find(|one| one.id == source.id);
        let wanted = plan.teacher().terms.iter().chain(of_plan.into_iter().flat_map(|one| &one.terms));
        let wanted: BTreeSet<&str> = wanted.map(String::as_str).collect();
        let named: BTreeSet<&str> = source.terms.iter().map(|terms| terms.id.as_str()).collect();
        if wanted != named {
            let list = |ids: &BTreeSet<&str>| ids.iter().copied().collect::<Vec<_>>().join(", ");
            off(
                &source.id,
                format!("the plan names the terms {}, the record {}", list(&wanted), list(&named)),
            );
        }
    }
    found
}

/// Whether the record was judged by the terms pack that this program has.
#[derive(Debug, Clone, Copy)]
enum Pinned {
    /// The very same.
    Same,
    /// Another, or none.
    Other(Option<Digest>),
}

/// What our terms say to the signed plan, or why they are not asked.
fn ruling(case: &Case<'_>, plan: &Plan) -> Result<(Ruling, Pinned), Box<Check>> {
    let open = |detail: String| Box::new(Check::not_recorded(Aspect::Judgment, path::PLAN, detail));
    let broken = |error: &dyn std::error::Error| {
        Box::new(Check::from(Finding::new(FindingKind::Malformed, path::PLAN, error.to_string())))
    };
    let pack = Pack::shipped().map_err(|err| broken(&err))?;
    let recorded = case.run.dependency(name::TERMS_PACK);
    let pinned = if recorded == Some(pack.digest()) { Pinned::Same } else { Pinned::Other(recorded) };
    if case.consents.iter().any(|consent| !consent.is_issuer_trusted) {
        return Err(open("the key of the grant's issuer is not trusted".to_owned()));
    }
    let started = case.run.run_details.metadata.started_on.as_deref().unwrap_or_default();
    let Ok(on) = started.get(..10).unwrap_or_default().parse::<Date>() else {
        let finding = Finding::new(FindingKind::Malformed, "startedOn", "the run does not say when it began");
        return Err(Box::new(finding.into()));
    };
    let consents = consents(case);
    let provenance = plan.provenance().map_err(|err| broken(&err))?.with_consents(consents);
    let ruling = evaluate(&pack, &provenance, &on).map_err(|err| broken(&err))?;
    Ok((ruling, pinned))
}

/// With another terms pack, a difference may be ours: what would be a finding is open instead.
fn compare_with_other(case: &Case<'_>, ruling: &Ruling, recorded: Option<Digest>) -> Vec<Check> {
    let recorded = recorded.map_or("no terms pack".to_owned(), |digest| format!("the terms pack {digest}"));
    let told = |detail: String| format!("it was judged by {recorded}, which is not ours; {detail}");
    let mut failed = compare(case, ruling);
    failed
        .retain(|check| check.verdict == CheckVerdict::Fail && check.id != FindingKind::AlteredTerms.code());
    if failed.is_empty() {
        let detail = told("ours leads to the same verdict and duties".to_owned());
        return vec![Check::not_recorded(Aspect::Judgment, path::PLAN, detail)];
    }
    let open = |check: Check| {
        let detail = told(format!("by ours, {}: {}", check.id, check.detail));
        Check::new(Aspect::Judgment.code(), CheckVerdict::Inconclusive, check.subject, detail)
    };
    failed.into_iter().map(open).collect()
}

/// The teacher's grant, as the record names it.
fn consents(case: &Case<'_>) -> BTreeMap<String, Consent> {
    let source = case.data.sources.iter().find(|source| {
        source.kind == SourceKind::Teacher
            && case.consents.iter().any(|consent| source.grant == Some(consent.id))
    });
    let Some(source) = source else { return BTreeMap::new() };
    let consent = case.consents.iter().find(|consent| source.grant == Some(consent.id));
    let teacher = source.teacher.as_ref();
    let used = Use {
        builder: case.builder,
        asset: teacher.and_then(|teacher| teacher.weights.or(teacher.offer)),
        name: teacher.filter(|teacher| teacher.api.is_some()).map(|teacher| teacher.name.clone()),
        ..Use::default()
    };
    consent.map(|consent| (TEACHER.to_owned(), Consent::new(consent.clone(), used))).into_iter().collect()
}

/// Holds the record against the ruling.
fn compare(case: &Case<'_>, ruling: &Ruling) -> Vec<Check> {
    let mut checks: Vec<Check> = altered(case, ruling).map(Check::from).collect();
    let wrong = |detail: String| Check::from(Finding::new(FindingKind::WrongVerdict, path::MANIFEST, detail));
    let (recorded, judged) = (case.data.verdict.as_str(), ruling.verdict.as_str());
    if recorded != judged {
        checks.push(wrong(format!("the record says `{recorded}`, the terms lead to `{judged}`")));
    }
    let due: Vec<Duty> = ruling
        .duties
        .iter()
        .map(|duty| Duty {
            id: duty.kind.as_str().to_owned(),
            text: duty.text.clone(),
            terms: duty.terms.clone(),
            clause: duty.clause.clone(),
        })
        .collect();
    for duty in due.iter().filter(|duty| !case.data.duties.contains(duty)) {
        checks.push(wrong(format!("the record leaves out `{}` of {}, {}", duty.id, duty.terms, duty.clause)));
    }
    checks.extend(unpermitted(case, ruling));
    checks.extend(unmet(case.disclosure, ruling).map(Check::from));
    if checks.is_empty() {
        let detail = format!("{judged}, judged again for {}", ruling.on());
        checks.push(Check::pass(Aspect::Judgment, path::PLAN, detail));
    }
    checks
}

/// Terms that go by the id of ours and are others.
fn altered(case: &Case<'_>, ruling: &Ruling) -> impl Iterator<Item = Finding> {
    let named = case.data.sources.iter().flat_map(|source| &source.terms);
    let differ = named.filter_map(|terms| {
        let ours = ruling.terms_digests().get(&terms.id)?;
        (*ours != terms.digest).then(|| {
            let detail = format!("the record names {} of it, the terms pack has {ours}", terms.digest);
            Finding::new(FindingKind::AlteredTerms, terms.id.clone(), detail)
        })
    });
    let mut all: Vec<Finding> = differ.collect();
    all.dedup();
    all.into_iter()
}

/// What stands against a permit, by the rule that says so.
fn unpermitted(case: &Case<'_>, ruling: &Ruling) -> Vec<Check> {
    let accepted: Vec<Accepted> = case
        .data
        .accepted
        .iter()
        .map(|one| Accepted {
            ask: one.ask.clone(),
            person: one.person.clone(),
            date: one.date.clone(),
            reason: one.reason.clone(),
        })
        .collect();
    match ruling.permit(&accepted) {
        Ok(_) => Vec::new(),
        Err(Refusal::Open { asks }) => {
            let code = |id: &str| {
                let reason = ruling.reasons.iter().find(|reason| reason.ask.as_deref() == Some(id));
                reason.and_then(|reason| {
                    let code = serde_json::to_value(reason.rule).ok()?;
                    code.as_str().map(str::to_owned)
                })
            };
            let check = |ask: stillmark_agreement::Ask| {
                let code = code(&ask.id).unwrap_or_else(|| FindingKind::NotPermitted.code().to_owned());
                Check::new(&code, CheckVerdict::Fail, ask.id, ask.question)
            };
            asks.into_iter().map(check).collect()
        }
        Err(refusal) => {
            vec![Finding::new(FindingKind::NotPermitted, path::PLAN, refusal.to_string()).into()]
        }
    }
}

/// Share-alike duties that the disclosed license does not meet.
fn unmet(disclosure: Option<&Disclosure>, ruling: &Ruling) -> impl Iterator<Item = Finding> {
    let license = disclosure.map(|disclosure| disclosure.claims.license.to_lowercase());
    let meets = |text: &String| Some(text.to_lowercase()) == license;
    let alike = |kind: DutyKind| matches!(kind, DutyKind::SameTerms | DutyKind::SameLicense);
    let unmet = ruling.duties.iter().filter(|duty| {
        license.is_some() && alike(duty.kind) && !meets(&duty.text) && !duty.compatible.iter().any(meets)
    });
    let finding = |duty: &stillmark_agreement::Obligation| {
        let stated = license.clone().unwrap_or_default();
        let detail =
            format!("it is to be offered under `{}` ({}), and is under `{stated}`", duty.text, duty.clause);
        Finding::new(FindingKind::OpenDuty, duty.kind.as_str(), detail)
    };
    unmet.map(finding).collect::<Vec<_>>().into_iter()
}
