//! What the two parties sign.

use crate::keys::PublicKey;
use crate::manifest::Terms;
use crate::{Date, Digest, Error, Predicate};
use serde::{Deserialize, Serialize};

/// A provider's yes to one builder: what may be done with one model, how much of it, for whom, and until when.
///
/// Its subject is the model: the digest of the weights, or of the offer that the API makes. It only adds permission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Who grants.
    pub issuer: Party,
    /// To whom.
    pub grantee: Party,
    /// What it is about.
    pub asset: Asset,
    /// The actions that are permitted, in the words of provenance files; words not known permit nothing.
    pub permits: Vec<String>,
    /// Up to where.
    #[serde(default)]
    pub caps: Caps,
    /// What has to be done in return, beside the duties of the terms.
    #[serde(default)]
    pub duties: Vec<GivenDuty>,
    /// The terms it departs from; other terms of the asset go on to hold.
    pub terms: Vec<Terms>,
    /// The day of issue.
    pub issued_on: Date,
    /// The first day on which it holds.
    pub not_before: Date,
    /// The last day on which it holds.
    pub until: Date,
    /// Where revocations are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<String>,
    /// Where each answer's receipt is logged; where this is absent, no receipts are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<Receipts>,
    /// Makes two grants of the same content differ.
    pub nonce: String,
}

/// One side of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// What the party calls itself; nothing vouches for it.
    pub name: String,
    /// Its public key, PEM.
    pub key: String,
}

/// The model that a grant is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asset {
    /// The name by which it is asked for.
    pub name: String,
    /// `api` or `weights`.
    pub kind: String,
}

/// Up to where a grant reaches; what is absent is not bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caps {
    /// Tokens of answers and of scored texts, over the life of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Parameters of the student.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student_parameters: Option<u64>,
    /// The widest audience: `private`, `served` or `distributed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// Something the provider asks for in return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenDuty {
    /// The kind, in the words of the terms pack.
    pub kind: String,
    /// What to do.
    pub text: String,
}

/// The log of a provider's receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipts {
    /// The log's verifier key, as a signed note writes it.
    pub log: String,
    /// Where proofs are fetched, if not at the API's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The builder's countersignature; its subject is the grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acceptance {
    /// The day of acceptance.
    pub accepted_on: Date,
    /// The verifier key of the log that holds it.
    pub log: String,
}

/// The provider's withdrawal; its subject is the grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// The first day on which the grant no longer holds.
    pub revoked_on: Date,
    /// Why.
    pub reason: String,
}

impl Predicate for Grant {
    const TYPE: &'static str = "urn:stillmark:distillation-grant:v1";
}

impl Predicate for Acceptance {
    const TYPE: &'static str = "urn:stillmark:distillation-acceptance:v1";
}

impl Predicate for Revocation {
    const TYPE: &'static str = "urn:stillmark:distillation-revocation:v1";
}

impl Party {
    /// A party by its key.
    pub fn new(name: impl Into<String>, key: &PublicKey) -> Self {
        Self { name: name.into(), key: key.to_pem().to_owned() }
    }

    /// Its key.
    pub fn public_key(&self) -> Result<PublicKey, Error> {
        PublicKey::from_pem(&self.key)
    }
}

impl Grant {
    /// The digest of the terms of that id, where the grant departs from them.
    pub fn departs_from(&self, terms: &str) -> Option<Digest> {
        self.terms.iter().find(|base| base.id == terms).map(|base| base.digest)
    }
}
