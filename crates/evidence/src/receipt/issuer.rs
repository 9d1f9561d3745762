//! The reference issuer: what a provider does for each answer.

use super::{Leaf, Model, Receipt, SCHEMA, Tokens, commitment};
use crate::keys::KeyId;
use crate::{Digest, Error};
use std::collections::BTreeMap;
use stillmark_ledger::{Log, Proof};

/// One answer as the provider saw it.
#[derive(Debug, Clone)]
pub struct Answered<'a> {
    /// Whose.
    pub tenant: KeyId,
    /// The grant that the tenant's key is bound to.
    pub grant: Option<Digest>,
    /// The offer in force.
    pub offer: Option<Digest>,
    /// Which model.
    pub model: Model,
    /// What was asked.
    pub prompt: &'a str,
    /// What was answered.
    pub answer: &'a str,
    /// How long both are.
    pub tokens: Tokens,
    /// The commitment of the mark in it.
    pub watermark: Option<Digest>,
    /// When, RFC 3339 in UTC.
    pub time: &'a str,
    /// 32 random bytes each, for prompt and answer.
    pub salts: [[u8; 32]; 2],
}

/// The receipt for an answer, the `sequence`th under its grant, with which `spent` tokens of answers were given under it.
pub fn receipt(answered: &Answered<'_>, sequence: u64, spent: u64) -> Result<Receipt, Error> {
    let [prompt_salt, answer_salt] = answered.salts.map(Digest::from_bytes);
    let leaf = Leaf {
        schema: SCHEMA.to_owned(),
        sequence,
        spent,
        time: answered.time.to_owned(),
        tenant: answered.tenant,
        grant: answered.grant,
        offer: answered.offer,
        model: answered.model.clone(),
        prompt: commitment(&prompt_salt, answered.prompt.as_bytes()),
        answer: commitment(&answer_salt, answered.answer.as_bytes()),
        tokens: answered.tokens,
        watermark: answered.watermark,
    };
    Ok(Receipt { leaf: serde_json_canonicalizer::to_string(&leaf)?, prompt_salt, answer_salt })
}

/// A log of receipts and the counts of each grant.
#[derive(Debug)]
pub struct Issuer {
    log: Log,
    given: BTreeMap<(KeyId, Option<Digest>), Given>,
    /// Where each leaf is, by its hash.
    places: BTreeMap<Digest, u64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Given {
    answers: u64,
    tokens: u64,
}

impl Issuer {
    /// Issues into an empty log; into one that holds entries it would count from nothing, and gives none.
    pub fn new(log: Log) -> Option<Self> {
        (log.size() == 0).then(|| Self { log, given: BTreeMap::new(), places: BTreeMap::new() })
    }

    /// Logs an answer and gives its receipt.
    pub fn issue(&mut self, answered: &Answered<'_>) -> Result<Receipt, Error> {
        let mut given = self.given.get(&(answered.tenant, answered.grant)).copied().unwrap_or_default();
        given.answers += 1;
        given.tokens = given.tokens.saturating_add(answered.tokens.answer);
        let receipt = receipt(answered, given.answers, given.tokens)?;
        let place = self.log.append(&[receipt.leaf.as_bytes()])?.start;
        self.given.insert((answered.tenant, answered.grant), given);
        self.places.insert(receipt.hash(), place);
        Ok(receipt)
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The proof that a leaf, known by its hash, is under the last checkpoint; none where it is not in the log.
    pub fn prove(&self, hash: &Digest) -> Result<Option<Proof>, Error> {
        Ok(self.places.get(hash).map(|index| self.log.prove(*index)).transpose()?)
    }
}
