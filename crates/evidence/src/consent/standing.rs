//! Whether a grant holds, and for what was done under it.

use super::{Grant, fault};
use crate::keys::KeyId;
use crate::{Date, Digest, Finding, FindingKind, Statement};
use std::fmt;

/// A grant with what its parties did about it. Made by [`crate::verify::consent`].
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// The grant's name.
    pub id: Digest,
    /// The grant.
    pub grant: Statement<Grant>,
    /// Whose key granted.
    pub issuer: KeyId,
    /// Whether that key is trusted.
    pub is_issuer_trusted: bool,
    /// To whose key.
    pub grantee: KeyId,
    /// Whether it was accepted or taken back.
    pub standing: Standing,
}

/// What became of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The builder has not countersigned it.
    Offered,
    /// Both have signed.
    Accepted {
        /// The day of the countersignature.
        on: Date,
        /// Whether the countersignature is proven to be in the log that it names.
        is_logged: bool,
    },
    /// The provider took it back.
    Revoked {
        /// From this day on.
        on: Date,
        /// Why.
        reason: String,
        /// The day of the countersignature, where there was one in the log.
        accepted: Option<Date>,
    },
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offered => f.write_str("not countersigned by the builder"),
            Self::Accepted { on, is_logged: true } => {
                write!(f, "countersigned on {on}, in the builder's log")
            }
            Self::Accepted { on, .. } => write!(f, "countersigned on {on}, but not proven to be logged"),
            Self::Revoked { on, reason, .. } => write!(f, "taken back from {on} on: {reason}"),
        }
    }
}

/// What was done, or is about to be done, under a grant; what is not known is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Whose key stands for the student.
    pub builder: Option<KeyId>,
    /// The digest of the teacher's weights or of its offer.
    pub asset: Option<Digest>,
    /// The name by which the teacher was asked.
    pub name: Option<String>,
    /// Who can reach the student.
    pub audience: Option<String>,
    /// How many parameters the student has.
    pub student_parameters: Option<u64>,
    /// Tokens counted.
    pub tokens: Option<u64>,
    /// The first and the last day of the work.
    pub days: Option<(Date, Date)>,
}

/// The audiences from the narrowest to the widest.
const AUDIENCES: [&str; 3] = ["private", "served", "distributed"];

impl Consent {
    /// Everything that keeps the grant from covering a use. An audience that is not stated counts as the widest.
    pub fn faults(&self, of: &Use) -> Vec<Finding> {
        let mut faults = Vec::new();
        let mut push = |kind, detail: String| faults.push(fault(kind, self.id, detail));
        self.standing_faults(of, &mut push);
        if let Some(builder) = of.builder.filter(|builder| *builder != self.grantee) {
            push(
                FindingKind::WrongGrantee,
                format!("it was given to the key {}, not to {builder}", self.grantee),
            );
        }
        if self.issuer == self.grantee {
            push(FindingKind::WrongGrantee, "its issuer granted it to itself".to_owned());
        }
        let (grant, subject) = (&self.grant.predicate, &self.grant.subject[0]);
        if of.asset.is_some_and(|asset| asset != subject.digest.sha256) {
            push(FindingKind::WrongAsset, format!("it is about another model than `{}`", grant.asset.name));
        }
        if let Some(name) = of.name.as_ref().filter(|name| **name != grant.asset.name) {
            push(FindingKind::WrongAsset, format!("it is about `{}`, not about `{name}`", grant.asset.name));
        }
        self.cap_faults(of, &mut push);
        faults
    }

    fn standing_faults(&self, of: &Use, push: &mut dyn FnMut(FindingKind, String)) {
        let grant = &self.grant.predicate;
        let accepted = match &self.standing {
            Standing::Offered => None,
            Standing::Accepted { on, is_logged } => Some(on).filter(|_| *is_logged),
            Standing::Revoked { accepted, .. } => accepted.as_ref(),
        };
        match accepted {
            None => {
                let detail = "no countersignature of the grantee is proven to be in a log";
                push(FindingKind::GrantNotAccepted, detail.to_owned());
            }
            Some(on) if of.days.as_ref().is_some_and(|(first, _)| first < on) => {
                push(FindingKind::GrantNotAccepted, format!("it was accepted on {on}, after the work began"));
            }
            Some(_) => {}
        }
        if let Standing::Revoked { on, reason, .. } = &self.standing
            && of.days.as_ref().is_none_or(|(_, last)| on <= last)
        {
            push(FindingKind::GrantRevoked, format!("it was taken back from {on} on: {reason}"));
        }
        let Some((first, last)) = &of.days else {
            push(FindingKind::GrantExpired, "nothing says on which days the work was done".to_owned());
            return;
        };
        if first < &grant.not_before || &grant.until < last {
            let (from, until) = (&grant.not_before, &grant.until);
            let detail = format!("it holds from {from} to {until}; the work was done from {first} to {last}");
            push(FindingKind::GrantExpired, detail);
        }
    }

    fn cap_faults(&self, of: &Use, push: &mut dyn FnMut(FindingKind, String)) {
        let caps = &self.grant.predicate.caps;
        if let (Some(cap), Some(tokens)) = (caps.tokens, of.tokens)
            && cap < tokens
        {
            push(FindingKind::OverCap, format!("{tokens} tokens, of {cap} granted"));
        }
        if let (Some(cap), Some(size)) = (caps.student_parameters, of.student_parameters)
            && cap < size
        {
            let detail = format!("the student has {size} parameters, of {cap} granted");
            push(FindingKind::StudentTooLarge, detail);
        }
        if let Some(cap) = &caps.audience {
            let rank = |word: &str| AUDIENCES.iter().position(|known| *known == word);
            let audience = of.audience.as_deref().unwrap_or("distributed");
            // A word that is not known is wider than all.
            if rank(cap).unwrap_or(0) < rank(audience).unwrap_or(AUDIENCES.len()) {
                let detail = format!("the student is {audience}, the grant reaches {cap}");
                push(FindingKind::WrongAudience, detail);
            }
        }
    }
}
