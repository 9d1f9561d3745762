//! Agreements at the door: which grants hold today, for whom, and what is said where one does not.

use std::collections::BTreeMap;

use stillmark_evidence::consent::{Consent, Use};
use stillmark_evidence::verify::Verified;
use stillmark_evidence::{Date, Digest, Finding};

use crate::keys::Key;

/// A grant of the provider, with what its parties did about it.
#[derive(Debug)]
pub struct Granted {
    /// The grant.
    pub consent: Verified<Consent>,
    /// The bundle of its revocation, which is served to whoever asks.
    pub revocation: Option<Vec<u8>>,
}

/// The grants that keys take under, as they stand on a day.
#[derive(Debug)]
pub struct Grants {
    of: BTreeMap<Digest, Granted>,
    today: Date,
}

/// Why a request under a grant is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The provider's folder does not hold the grant.
    Unknown,
    /// It does not cover the request: a finding in the words of `verify`.
    Fault(Finding),
}

impl Grants {
    /// The grants of a folder, as they stand today.
    pub fn new(all: impl IntoIterator<Item = Granted>, today: Date) -> Self {
        Self { of: all.into_iter().map(|granted| (granted.consent.id, granted)).collect(), today }
    }

    /// What keeps a key's grant from covering a request for a model under an offer; none where nothing does, or the key has no grant.
    pub(crate) fn refusal(&self, key: &Key, model: &str, offer: Option<Digest>) -> Option<Refused> {
        let Some(granted) = self.of.get(&key.grant?) else { return Some(Refused::Unknown) };
        let grant = &granted.consent.grant.predicate;
        let of = Use {
            builder: Some(key.tenant),
            asset: offer.filter(|_| grant.asset.kind == "api"),
            name: Some(model.to_owned()),
            days: Some((self.today.clone(), self.today.clone())),
            // What comes of the answers is not seen here; `verify` holds these caps against the student.
            audience: grant.caps.audience.clone(),
            student_parameters: grant.caps.student_parameters,
            tokens: None,
        };
        granted.consent.faults(&of).into_iter().next().map(Refused::Fault)
    }

    /// How many tokens of answers a key's grant allows for ever.
    pub(crate) fn cap(&self, key: &Key) -> Option<u64> {
        self.of.get(&key.grant?)?.consent.grant.predicate.caps.tokens
    }

    /// The bundle by which a grant was taken back; none where it was not.
    pub(crate) fn revocation(&self, id: Digest) -> Option<&[u8]> {
        self.of.get(&id)?.revocation.as_deref()
    }
}
