//! Applies one rule of one text to one asset.

use super::{Findings, Place, Question, shares};
use crate::names::begins_with;
use crate::pack::{Breach, Duty, Exception, Limit, Met, Rule, Test};
use crate::provenance::{Asset, Declaration};
use crate::ruling::{Obligation, RuleCode, UsedFact, Verdict};
use crate::words::{Action, Audience, Confidence, DutyKind, Effect, Fact, Kind, Trigger};

/// Whether a rule's exceptions take the case out of it.
enum Exempt {
    Yes,
    No,
    /// It turns on the architecture family, which is not stated.
    FamilyUnstated,
}

/// Applies a rule: its exceptions, effect, limits, questions and duties.
pub(super) fn rule(findings: &mut Findings<'_>, rule: &Rule, asset: &Asset, place: &Place<'_>) {
    let covered = place.covered && findings.covers(place, &rule.on);
    let place = Place { clause: &rule.clause, confidence: rule.confidence, covered, ..place.clone() };
    match exempt(findings, rule, asset, &place) {
        Exempt::Yes => {
            findings.push(
                &place,
                Verdict::Permit,
                RuleCode::Clause,
                format!("{} A listed exception applies.", rule.says),
            );
        }
        Exempt::FamilyUnstated => {
            let text = format!("To which architecture family does `{}` belong? {}", asset.id, rule.says);
            let question = Question { topic: "family", fact: None, text };
            findings.review(&place, RuleCode::UnstatedFamily, rule.says.clone(), question);
        }
        Exempt::No => bound(findings, rule, asset, &place),
    }
    let is_small =
        rule.small.is_some_and(|small| shares::is_small(findings.provenance, &place.assets, small));
    for duty in rule.duties.iter().filter(|duty| !is_small || duty.kind == DutyKind::Attribute) {
        add_duty(findings, duty, asset, &place);
    }
}

/// Adds a review because a text has no rule for an action.
pub(super) fn unlisted(findings: &mut Findings<'_>, action: Action, place: &Place<'_>) {
    let clause = format!("rule unlisted-action (docs/spec/agreement.md) on {}", place.entry.source);
    let place = Place { clause: &clause, ..place.clone() };
    let says = format!("No rule about `{action}` is listed for `{}`.", place.entry.id);
    let text = format!("Does `{}` permit `{action}`?", place.entry.id);
    findings.review(
        &place,
        RuleCode::UnlistedAction,
        says,
        Question { topic: "unlisted-action", fact: None, text },
    );
}

/// Adds a review because a text leaves later generations open.
pub(super) fn unclear_reach(findings: &mut Findings<'_>, rule: &Rule, place: &Place<'_>) {
    let place = Place { clause: &rule.clause, confidence: rule.confidence, ..place.clone() };
    let says = format!("It is unclear whether this reaches so late a generation: {}", rule.says);
    let text = format!("Does this clause reach `{}`, and is it kept? {}", place.subject(), rule.says);
    findings.review(&place, RuleCode::UnclearReach, says, Question { topic: "reach", fact: None, text });
}

/// Applies effect, limits and questions where no exception holds.
fn bound(findings: &mut Findings<'_>, rule: &Rule, asset: &Asset, place: &Place<'_>) {
    let before = findings.reasons.len();
    match rule.effect {
        Effect::Forbid => findings.push(place, Verdict::Forbid, RuleCode::Clause, rule.says.clone()),
        Effect::Unknown => undecided(findings, rule, place),
        Effect::Permit if rule.confidence == Confidence::Low => undecided(findings, rule, place),
        Effect::Permit => {}
    }
    for limit in &rule.limits {
        self::limit(findings, limit, rule, asset, place);
    }
    for text in &rule.ask {
        let question = Question { topic: "question", fact: None, text: text.clone() };
        findings.review(place, RuleCode::UndecidedText, rule.says.clone(), question);
    }
    if findings.reasons.len() == before {
        let code = if rule.silent { RuleCode::Silent } else { RuleCode::Clause };
        findings.push(place, Verdict::Permit, code, rule.says.clone());
    }
}

fn undecided(findings: &mut Findings<'_>, rule: &Rule, place: &Place<'_>) {
    let text = format!("Does the text of `{}` permit this? {}", place.entry.id, rule.says);
    findings.review(
        place,
        RuleCode::UndecidedText,
        rule.says.clone(),
        Question { topic: "text", fact: None, text },
    );
}

fn exempt(findings: &mut Findings<'_>, rule: &Rule, asset: &Asset, place: &Place<'_>) -> Exempt {
    let mut answer = Exempt::No;
    for exception in &rule.unless {
        match exception {
            Exception::Family(families) => match in_family(findings, families, asset, place) {
                Some(true) => return Exempt::Yes,
                Some(false) => {}
                None => answer = Exempt::FamilyUnstated,
            },
            Exception::Declared { fact, audience } => {
                let declared = findings.provenance.declared();
                let reaches = |own: Option<Audience>| own.is_none_or(|own| audience.contains(&own));
                let holds = declared.get(*fact) == Some(Declaration::Flag(true))
                    && (audience.is_empty() || reaches(declared.audience));
                used(findings, *fact, place);
                if holds {
                    return Exempt::Yes;
                }
            }
        }
    }
    answer
}

/// Whether the asset belongs to one of the families: by what is stated, or because it was made
/// from weights under the same terms.
fn in_family(findings: &Findings<'_>, families: &[String], asset: &Asset, place: &Place<'_>) -> Option<bool> {
    let Some(stated) = asset.family.as_deref() else {
        return if holds_same_terms(findings, asset, &place.entry.id) { Some(true) } else { None };
    };
    let stated = stated.to_ascii_lowercase();
    let is = |family: &String| {
        stated
            .strip_prefix(family.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', ' ']))
    };
    if families.iter().any(is) {
        return Some(true);
    }
    // A stated family that is only the beginning of a listed one, such as `llama`, decides nothing.
    let too_wide = |family: &String| family.starts_with(stated.as_str());
    if families.iter().any(too_wide) { None } else { Some(false) }
}

fn holds_same_terms(findings: &Findings<'_>, asset: &Asset, terms: &str) -> bool {
    let into = |edge: &&crate::provenance::Edge| edge.to == asset.id && edge.action.holds_weights();
    findings.provenance.edges().iter().filter(into).any(|edge| {
        findings.provenance.asset(&edge.from).is_some_and(|from| from.terms.iter().any(|id| id == terms))
    })
}

fn used(findings: &mut Findings<'_>, fact: Fact, place: &Place<'_>) {
    let Some(value) = findings.provenance.declared().get(fact) else { return };
    let entry = findings.declared.entry(fact).or_insert(UsedFact { value, terms: Vec::new() });
    if !entry.terms.contains(&place.entry.id) {
        entry.terms.push(place.entry.id.clone());
        entry.terms.sort();
    }
}

fn limit(findings: &mut Findings<'_>, limit: &Limit, rule: &Rule, asset: &Asset, place: &Place<'_>) {
    let fact = limit.fact;
    let Some(value) = findings.provenance.declared().get(fact) else {
        let says = format!("{} This turns on `{fact}`, which is not declared.", rule.says);
        let text = format!("What is `{fact}`? {}", rule.says);
        let question = Question { topic: fact.as_str(), fact: Some(fact), text };
        findings.review(place, RuleCode::UndeclaredFact, says, question);
        return;
    };
    used(findings, fact, place);
    let met = match (&limit.test, value) {
        (Test::Is(wanted), Declaration::Flag(value)) => *wanted == value,
        (Test::AtMost(most), Declaration::Number(value)) => value <= *most,
        (Test::In(allowed), Declaration::Audience(value)) => allowed.contains(&value),
        _ => false,
    };
    let says = format!("{} Declared: {fact} = {}.", rule.says, shown(value));
    match (met, &limit.breach, limit.met) {
        (true, _, Met::Permit) => {}
        (true, _, Met::Review) | (false, Breach::Review, _) => {
            let text = format!("Who stands for `{fact} = {}`? {}", shown(value), rule.says);
            let question = Question { topic: fact.as_str(), fact: None, text };
            findings.review(place, RuleCode::DeclaredFact, says, question);
        }
        (false, Breach::Forbid, _) => findings.push(place, Verdict::Forbid, RuleCode::DeclaredFact, says),
        (false, Breach::Duties(duties), _) => {
            for duty in duties {
                add_duty(findings, duty, asset, place);
            }
        }
    }
}

fn shown(value: Declaration) -> String {
    match value {
        Declaration::Flag(flag) => flag.to_string(),
        Declaration::Number(number) => number.to_string(),
        Declaration::Audience(audience) => audience.to_string(),
    }
}

/// Adds a duty to the target's list if it is due, and holds any published name against it.
fn add_duty(findings: &mut Findings<'_>, duty: &Duty, asset: &Asset, place: &Place<'_>) {
    let is_target = asset.id == findings.provenance.target();
    if is_target && duty.due != Trigger::Always {
        used(findings, Fact::Audience, place);
    }
    let audience = if is_target { findings.provenance.declared().audience } else { None };
    let is_model = matches!(asset.kind, Kind::Weights | Kind::Api);
    if !duty.due.is_due(audience) || (duty.kind == DutyKind::NamePrefix && !is_model) {
        return;
    }
    if duty.kind == DutyKind::NamePrefix {
        check_name(findings, duty, asset, place);
    }
    if is_target {
        findings.duties.push(Obligation {
            kind: duty.kind,
            asset: asset.id.clone(),
            terms: place.entry.id.clone(),
            clause: place.clause.to_owned(),
            text: duty.text.clone(),
            due: duty.due,
            compatible: duty.compatible.clone(),
        });
    }
}

fn check_name(findings: &mut Findings<'_>, duty: &Duty, asset: &Asset, place: &Place<'_>) {
    let prefix = &duty.text;
    let says = match &asset.name {
        Some(name) if begins_with(name, prefix) => return,
        Some(name) => format!("The published name `{name}` does not begin with `{prefix}`."),
        None if asset.id != findings.provenance.target() => return,
        None => format!("The published name has to begin with `{prefix}`, and no name is stated."),
    };
    let text = format!("Will `{}` be published under a name that begins with `{prefix}`?", asset.id);
    findings.review(place, RuleCode::NamePrefix, says, Question { topic: "name", fact: None, text });
}
