//! Signatures: what is believed, and what a good signature makes of a statement.

use crate::bundle::{self, Bundle, Signer};
use crate::keys::{KeyId, PublicKey};
use crate::statement::{Outside, STATEMENT_TYPE};
use crate::{Finding, FindingKind, Predicate, Statement};
use std::collections::BTreeMap;
use std::ops::Deref;

/// A value whose evidence was checked. It cannot be made outside this module.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified<T> {
    value: T,
    signer: Option<KeyId>,
}

impl<T> Verified<T> {
    pub(super) fn new(value: T, signer: Option<KeyId>) -> Self {
        Self { value, signer }
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The key whose signature was checked, where one signature covers the value.
    pub fn signer(&self) -> Option<KeyId> {
        self.signer
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The keys that are believed.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    keys: BTreeMap<KeyId, PublicKey>,
}

impl Trust {
    /// Believes these keys and no others.
    pub fn of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.id(), key)).collect() }
    }

    /// Whether the key of that id is believed.
    pub fn contains(&self, id: KeyId) -> bool {
        self.keys.contains_key(&id)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.values()
    }

    fn named(&self, hint: &str) -> Option<&PublicKey> {
        self.keys.get(&hint.parse().ok()?)
    }
}

/// Verifies a bundle's bytes: shape, signer, signature, statement type and predicate.
pub fn bundle<P: Predicate>(bytes: &[u8], trust: &Trust) -> Result<Verified<Statement<P>>, Finding> {
    let parsed = bundle::parse(bytes)?;
    let (payload, signer) = open(&parsed, trust)?;
    Ok(Verified { value: statement(&payload)?, signer: Some(signer) })
}

/// Checks the signature of a parsed bundle and gives the payload and who signed it.
pub(crate) fn open(bundle: &Bundle, trust: &Trust) -> Result<(Vec<u8>, KeyId), Finding> {
    let Signer::Key(hint) = bundle.signer()? else {
        let detail = "only bundles signed with a key are verified, not certificates";
        return Err(Finding::new(FindingKind::Unsupported, "verificationMaterial", detail));
    };
    let key = trust.named(hint).ok_or_else(|| {
        Finding::new(FindingKind::UnknownSigner, "publicKey.hint", format!("the key `{hint}` is not trusted"))
    })?;
    Ok((bundle.envelope().open(key)?, key.id()))
}

/// Reads a payload as a statement with the predicate `P`.
pub(crate) fn statement<P: Predicate>(payload: &[u8]) -> Result<Statement<P>, Finding> {
    let malformed =
        |error: serde_json::Error| Finding::new(FindingKind::Malformed, "payload", error.to_string());
    let outside: Outside = serde_json::from_slice(payload).map_err(malformed)?;
    if outside.kind != STATEMENT_TYPE {
        let detail = format!("`{}` instead of `{STATEMENT_TYPE}`", outside.kind);
        return Err(Finding::new(FindingKind::Malformed, "_type", detail));
    }
    if outside.predicate_type != P::TYPE {
        let detail = format!("`{}` instead of `{}`", outside.predicate_type, P::TYPE);
        return Err(Finding::new(FindingKind::WrongPredicate, "predicateType", detail));
    }
    body(payload)
}

/// Reads a payload whose type and predicate type were looked at.
pub(super) fn body<P: Predicate>(payload: &[u8]) -> Result<Statement<P>, Finding> {
    let malformed =
        |error: serde_json::Error| Finding::new(FindingKind::Malformed, "payload", error.to_string());
    let statement: Statement<P> = serde_json::from_slice(payload).map_err(malformed)?;
    if statement.subject.is_empty() {
        return Err(Finding::new(FindingKind::Malformed, "subject", "there is none"));
    }
    Ok(statement)
}
