//! DSSE envelopes: the bytes that were signed, kept beside their signature.

use crate::keys::{PrivateKey, PublicKey};
use crate::{Finding, FindingKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A DSSE envelope in its JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    sig: String,
    /// Always written, since verifiers exist that demand it; read when absent or null too.
    #[serde(default, deserialize_with = "text_or_null")]
    keyid: String,
}

/// The pre-authentication encoding: what a DSSE signature is over.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs an in-toto payload.
    pub fn sign(payload: &[u8], key: &PrivateKey) -> Self {
        let sig = STANDARD.encode(key.sign(&pae(IN_TOTO, payload)));
        let signatures = vec![Signature { sig, keyid: key.public().id().to_string() }];
        Self { payload: STANDARD.encode(payload), payload_type: IN_TOTO.to_owned(), signatures }
    }

    /// The payload, which nothing vouches for yet.
    pub fn payload(&self) -> Result<Vec<u8>, Finding> {
        if self.payload_type != IN_TOTO {
            let detail = format!("payload type `{}` instead of `{IN_TOTO}`", self.payload_type);
            return Err(Finding::new(FindingKind::Malformed, "payloadType", detail));
        }
        decode("payload", &self.payload)
    }

    /// The payload, after its first signature was checked: the only one that public verifiers look at.
    pub fn open(&self, key: &PublicKey) -> Result<Vec<u8>, Finding> {
        let payload = self.payload()?;
        let first = self.signatures.first();
        let first =
            first.ok_or_else(|| Finding::new(FindingKind::Malformed, "signatures", "there is none"))?;
        if key.verifies(&pae(IN_TOTO, &payload), &decode("signatures[0].sig", &first.sig)?) {
            return Ok(payload);
        }
        let detail = format!("the signature is not by the key {}", key.id());
        Err(Finding::new(FindingKind::BadSignature, "signatures[0]", detail))
    }
}

fn decode(field: &str, text: &str) -> Result<Vec<u8>, Finding> {
    STANDARD
        .decode(text)
        .map_err(|error| Finding::new(FindingKind::Malformed, field, format!("base64: {error}")))
}

fn text_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}
