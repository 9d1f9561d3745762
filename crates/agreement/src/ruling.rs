//! What the engine found: a verdict, its reasons, and what remains to be done or answered.

use std::collections::BTreeMap;

use stillmark_evidence::{Date, Digest};

use crate::consent::Granted;
use crate::provenance::Declaration;
use crate::words::{Action, Confidence, DutyKind, Fact, Trigger};

/// The four answers, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No listed clause forbids it, and nothing has to be done in return.
    Permit,
    /// No listed clause forbids it, and duties fall due.
    PermitWithDuties,
    /// A fact, a text or an answer is missing that would decide.
    Review,
    /// A listed clause forbids it.
    Forbid,
}

impl Verdict {
    /// The word as it is spelled in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::PermitWithDuties => "permit-with-duties",
            Self::Review => "review",
            Self::Forbid => "forbid",
        }
    }
}

/// The rule of docs/spec/agreement.md that led to a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleCode {
    /// A clause of a text allows or forbids.
    Clause,
    /// A text does not mention the action.
    Silent,
    /// A declared fact lies outside a clause's bounds, or has to be stood for.
    DeclaredFact,
    /// A fact that a clause needs is not declared.
    UndeclaredFact,
    /// A clause needs the architecture family, and it is not stated.
    UnstatedFamily,
    /// A source has no terms.
    UnknownSource,
    /// A text has no listed rule for the action.
    UnlistedAction,
    /// A text leaves open whether it reaches this generation.
    UnclearReach,
    /// The listed text was not yet in force on the day asked about.
    NotYetInForce,
    /// The listed reading is of low confidence, or the text does not decide.
    UndecidedText,
    /// Two duties on one asset cannot both be met.
    DutyConflict,
    /// A published name does not begin as a clause asks.
    NamePrefix,
    /// A grant of the provider permits what the clause does not.
    Granted,
    /// A grant is named that does not count here.
    VoidGrant,
    /// The license text beside an asset is another than its terms or its card say.
    LicenseMismatch,
}

/// One step from the assets to the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The way from the source to the asset judged, such as `teacher -[init]-> student`.
    pub path: String,
    /// The asset ids along the way.
    pub assets: Vec<String>,
    /// The id of the terms; absent where the source has none.
    pub terms: Option<String>,
    /// The clause; for assets without terms, the rule of docs/spec/agreement.md.
    pub clause: String,
    /// What it means for the verdict: permit, review or forbid.
    pub effect: Verdict,
    /// How sure the reading is.
    pub confidence: Confidence,
    /// Which rule of docs/spec/agreement.md was applied.
    pub rule: RuleCode,
    /// Why, in one sentence.
    pub says: String,
    /// The id of the question that an answer would settle; absent unless `effect` is review.
    pub ask: Option<String>,
}

/// Something that has to be done for the target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Obligation {
    /// What sort of duty it is.
    pub kind: DutyKind,
    /// The asset that bears it.
    pub asset: String,
    /// The id of the terms.
    pub terms: String,
    /// The clause.
    pub clause: String,
    /// The word to begin with, the sentence to show, or what to do.
    pub text: String,
    /// When it falls due.
    pub due: Trigger,
    /// Texts of other licenses that meet it as well.
    pub compatible: Vec<String>,
}

/// A question that only a person can answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    /// Its id, by which a plan's `[accepted]` names it.
    pub id: String,
    /// The question.
    pub question: String,
    /// The fact whose declaration would settle it, if one would.
    pub fact: Option<Fact>,
    /// The id of the terms; absent where the source has none.
    pub terms: Option<String>,
    /// The asset that it is about.
    pub asset: String,
    /// The clause that raises it.
    pub clause: String,
}

/// A declared fact that a rule made use of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedFact {
    /// Its declared value.
    pub value: Declaration,
    /// Ids of the terms that made use of it.
    pub terms: Vec<String>,
}

/// How much of the target came from where, as far as tokens are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The source.
    pub from: String,
    /// How it was used.
    pub action: Action,
    /// Tokens counted on the edge.
    pub tokens: u64,
    /// Its part of all counted tokens.
    pub share: f64,
}

/// The engine's answer about one provenance graph on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// The worst effect of all reasons, or permit with or without duties.
    pub verdict: Verdict,
    /// Why, worst first.
    pub reasons: Vec<Reason>,
    /// What has to be done for the target.
    pub duties: Vec<Obligation>,
    /// What only a person can answer.
    pub asks: Vec<Ask>,
    /// The declared facts that were made use of.
    pub declared: BTreeMap<Fact, UsedFact>,
    /// Shares of the counted tokens.
    pub shares: Vec<Share>,
    /// What a reader should know beside the reasons, such as terms read long ago.
    pub notes: Vec<String>,
    pub(crate) grants: BTreeMap<String, Granted>,
    pub(crate) target: String,
    pub(crate) on: Date,
    pub(crate) provenance_digest: Digest,
    pub(crate) terms_digests: BTreeMap<String, Digest>,
}

impl Ruling {
    /// The asset whose making and use was asked about.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The day whose terms were applied.
    pub fn on(&self) -> &Date {
        &self.on
    }

    /// The digest of the provenance graph that was judged.
    pub fn provenance_digest(&self) -> Digest {
        self.provenance_digest
    }

    /// The grants that counted, by the asset that they are about.
    pub fn grants(&self) -> &BTreeMap<String, Granted> {
        &self.grants
    }

    /// The digests of the entries of the terms pack that were applied, by id.
    pub fn terms_digests(&self) -> &BTreeMap<String, Digest> {
        &self.terms_digests
    }

    /// The same ruling, where a permission that rests on silence or on less than high confidence
    /// becomes review.
    #[must_use]
    pub fn strict(mut self) -> Self {
        for reason in &mut self.reasons {
            let firm = reason.confidence == Confidence::High && reason.rule != RuleCode::Silent;
            if reason.effect == Verdict::Permit && !firm {
                let subject = reason.assets.last().cloned().unwrap_or_default();
                let terms = reason.terms.clone().unwrap_or_default();
                let id = format!("strict/{terms}/{subject}");
                reason.effect = Verdict::Review;
                reason.ask = Some(id.clone());
                self.asks.push(Ask {
                    id,
                    question: format!("Does `{terms}` permit this? {}", reason.says),
                    fact: None,
                    terms: reason.terms.clone(),
                    asset: subject,
                    clause: reason.clause.clone(),
                });
            }
        }
        self.settle();
        self
    }

    /// Orders the lists and takes the verdict from them.
    pub(crate) fn settle(&mut self) {
        self.reasons.sort_by(|left, right| {
            (right.effect, &left.path, &left.terms, &left.clause).cmp(&(
                left.effect,
                &right.path,
                &right.terms,
                &right.clause,
            ))
        });
        self.reasons.dedup();
        self.duties.sort();
        self.duties.dedup();
        self.asks.sort();
        self.asks.dedup_by(|left, right| left.id == right.id);
        let worst = self.reasons.iter().map(|reason| reason.effect).max().unwrap_or(Verdict::Review);
        self.verdict = match worst {
            Verdict::Permit if !self.duties.is_empty() => Verdict::PermitWithDuties,
            other => other,
        };
    }
}
