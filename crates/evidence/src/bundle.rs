//! Sigstore bundles, version 0.3, in the layout that public verifiers of model signatures take.

use crate::dsse::Envelope;
use crate::keys::PrivateKey;
use crate::{Error, Finding, FindingKind, Predicate, Statement};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The media type, in the only spelling that public verifiers take.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A bundle: an envelope, and what is needed to check it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Envelope,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<KeyHint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x509_certificate_chain: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tlog_entries: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeyHint {
    hint: String,
}

/// How a bundle says that it can be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer<'a> {
    /// By the public key of that id.
    Key(&'a str),
    /// By a certificate chain.
    CertificateChain,
    /// By a short-lived certificate and a public log.
    Keyless,
}

impl Bundle {
    /// Signs a statement.
    pub fn sign<P: Predicate>(statement: &Statement<P>, key: &PrivateKey) -> Result<Self, Error> {
        Ok(Self::sign_bytes(&statement.to_canonical()?, key))
    }

    /// Signs the bytes of a statement as they are.
    pub fn sign_bytes(payload: &[u8], key: &PrivateKey) -> Self {
        let hint = KeyHint { hint: key.public().id().to_string() };
        let verification_material =
            Material { public_key: Some(hint), tlog_entries: Some(Vec::new()), ..Material::default() };
        let dsse_envelope = Envelope::sign(payload, key);
        Self { media_type: MEDIA_TYPE.to_owned(), verification_material, dsse_envelope }
    }

    /// The bytes of the bundle's file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.dsse_envelope
    }

    /// How the bundle says that it can be checked.
    pub fn signer(&self) -> Result<Signer<'_>, Finding> {
        let material = &self.verification_material;
        let ways = (&material.public_key, &material.x509_certificate_chain, &material.certificate);
        match ways {
            (Some(key), None, None) => Ok(Signer::Key(&key.hint)),
            (None, Some(_), None) => Ok(Signer::CertificateChain),
            (None, None, Some(_))
                if material.tlog_entries.as_ref().is_some_and(|entries| !entries.is_empty()) =>
            {
                Ok(Signer::Keyless)
            }
            (None, None, Some(_)) => Err(malformed("tlogEntries", "a keyless bundle needs a log entry")),
            _ => Err(malformed("verificationMaterial", "not exactly one of key, chain and certificate")),
        }
    }
}

/// Reads a bundle and checks its shape, not its signature.
pub fn parse(bytes: &[u8]) -> Result<Bundle, Finding> {
    let bundle = outside(bytes)?;
    bundle.dsse_envelope.payload()?;
    Ok(bundle)
}

/// As [`parse`], for whoever opens the envelope next, which looks at the payload itself.
pub(crate) fn outside(bytes: &[u8]) -> Result<Bundle, Finding> {
    let bundle: Bundle =
        serde_json::from_slice(bytes).map_err(|error| malformed("bundle", &error.to_string()))?;
    if bundle.media_type != MEDIA_TYPE {
        return Err(malformed("mediaType", &format!("`{}` instead of `{MEDIA_TYPE}`", bundle.media_type)));
    }
    bundle.signer()?;
    Ok(bundle)
}

fn malformed(subject: &str, detail: &str) -> Finding {
    Finding::new(FindingKind::Malformed, subject, detail)
}
