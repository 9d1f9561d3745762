//! A verified grant, put before the engine: it only adds permission, and only to what its issuer's terms keep back.

use std::collections::BTreeSet;

use stillmark_evidence::consent::{self, Use, stem};
use stillmark_evidence::{Date, Digest, Verified};

use crate::pack::Entry;
use crate::words::{Action, Audience, DutyKind, Word as _};

/// A grant about one asset of a graph, with what is known of its use.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    verified: Verified<consent::Consent>,
    used: Use,
    permits: BTreeSet<Action>,
}

/// A grant that counted, as a permit carries it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The grant's name.
    pub id: Digest,
    /// Who granted.
    pub issuer: String,
    /// Tokens of answers and scored texts that may be taken.
    pub tokens: Option<u64>,
    /// Parameters that the student may have.
    pub student_parameters: Option<u64>,
    /// The name of the grantee's key.
    pub grantee: Digest,
    /// The name by which the model is asked for.
    pub asset: String,
    /// The first day.
    pub not_before: Date,
    /// The last day.
    pub until: Date,
    /// The verifier key of the log of receipts, where the provider gives them.
    pub receipts: Option<String>,
}

impl Consent {
    /// A grant, and what is known of its use: builder, asset and name; audience and day come from the graph.
    pub fn new(verified: Verified<consent::Consent>, used: Use) -> Self {
        let words = verified.grant.predicate.permits.iter();
        let permits = words.filter_map(|word| Action::from_word(word)).collect();
        Self { verified, used, permits }
    }

    /// The grant's name.
    pub fn id(&self) -> Digest {
        self.verified.id
    }

    /// What its parties signed.
    pub fn grant(&self) -> &consent::Grant {
        &self.verified.grant.predicate
    }

    /// The model that it is about.
    pub fn subject(&self) -> &stillmark_evidence::Subject {
        &self.verified.grant.subject[0]
    }

    /// How messages call the grant.
    pub(crate) fn name(&self) -> String {
        format!("grant {}", stem(self.id()))
    }

    /// What keeps it from counting, each in a sentence.
    pub(crate) fn faults(&self, entries: &[&Entry], audience: Option<Audience>, on: &Date) -> Vec<String> {
        let used = Use {
            audience: audience.map(|audience| audience.as_str().to_owned()),
            days: Some((on.clone(), on.clone())),
            ..self.used.clone()
        };
        let mut faults: Vec<String> =
            self.verified.faults(&used).into_iter().map(|fault| sentence(&fault.detail)).collect();
        let grant = &self.verified.grant.predicate;
        if !self.verified.is_issuer_trusted {
            faults.push(format!("The key of its issuer `{}` is not trusted.", grant.issuer.name));
        }
        for entry in entries {
            if grant.departs_from(&entry.id).is_some_and(|digest| digest != entry.digest()) {
                faults.push(format!("It was given on another reading of `{}` than today's.", entry.id));
            }
        }
        for duty in &grant.duties {
            if DutyKind::from_word(&duty.kind).is_none() {
                faults.push(format!("It asks for `{}`, a duty that is not known here.", duty.kind));
            }
        }
        faults
    }

    /// Whether it permits an action that a text keeps back.
    pub(crate) fn covers(&self, entry: &Entry, actions: &[Action]) -> bool {
        self.verified.grant.predicate.departs_from(&entry.id) == Some(entry.digest())
            && actions.iter().any(|action| self.permits.contains(action))
    }

    /// What it asks for in return.
    pub(crate) fn duties(&self) -> impl Iterator<Item = (DutyKind, &str)> {
        let duties = self.verified.grant.predicate.duties.iter();
        duties.filter_map(|duty| Some((DutyKind::from_word(&duty.kind)?, duty.text.as_str())))
    }

    /// What a permit carries on of it.
    pub(crate) fn granted(&self) -> Granted {
        let grant = &self.verified.grant.predicate;
        Granted {
            id: self.id(),
            issuer: grant.issuer.name.clone(),
            tokens: grant.caps.tokens,
            student_parameters: grant.caps.student_parameters,
            grantee: self.verified.grantee,
            asset: grant.asset.name.clone(),
            not_before: grant.not_before.clone(),
            until: grant.until.clone(),
            receipts: grant.receipts.as_ref().map(|receipts| receipts.log.clone()),
        }
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
