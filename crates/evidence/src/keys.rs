//! ECDSA P-256 keys: the one algorithm that every public verifier of DSSE and model signatures takes.

use crate::{Digest, Error};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use std::fmt;

/// A key's name: the SHA-256 of the PEM text of its public half, with line feeds.
pub type KeyId = Digest;

/// What a public key's text ends with.
const END: &str = "-----END PUBLIC KEY-----";

/// A signing key; it never shows itself in debug output.
#[derive(Clone)]
pub struct PrivateKey {
    secret: SigningKey,
    public: PublicKey,
}

/// A key that checks signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The point, uncompressed.
    point: Vec<u8>,
    pem: String,
    id: KeyId,
}

impl PrivateKey {
    /// Makes a key from 32 random bytes; the rare value outside the group's order is hashed until one fits.
    pub fn from_entropy(entropy: &[u8; 32]) -> Result<Self, Error> {
        let mut candidate = *entropy;
        loop {
            if let Ok(secret) = SigningKey::from_slice(&candidate) {
                return Self::of(secret);
            }
            candidate = *Digest::of(&candidate).as_bytes();
        }
    }

    /// Reads a PKCS #8 key, `-----BEGIN PRIVATE KEY-----`.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let secret = SigningKey::from_pkcs8_pem(pem)
            .map_err(|error| Error::KeyText { half: "private", what: error.to_string() })?;
        Self::of(secret)
    }

    /// The PKCS #8 text, which is secret.
    pub fn to_pem(&self) -> Result<String, Error> {
        let pem = self.secret.to_pkcs8_pem(LineEnding::LF);
        let pem = pem.map_err(|error| Error::KeyText { half: "private", what: error.to_string() })?;
        Ok(pem.as_str().to_owned())
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The DER signature over some bytes; deterministic (RFC 6979), so it needs no entropy.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.secret.sign(message);
        signature.as_bytes().to_vec()
    }

    fn of(secret: SigningKey) -> Result<Self, Error> {
        let public = PublicKey::of(*secret.verifying_key())?;
        Ok(Self { secret, public })
    }
}

impl PublicKey {
    /// Reads an SPKI key, `-----BEGIN PUBLIC KEY-----`.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let verifying = VerifyingKey::from_public_key_pem(pem)
            .map_err(|error| Error::KeyText { half: "public", what: error.to_string() })?;
        Self::of(verifying)
    }

    /// Reads one SPKI key after another.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, Error> {
        let mut keys = Vec::new();
        let mut rest = text;
        while !rest.trim().is_empty() {
            let number = keys.len() + 1;
            let wrong =
                |what: String| Error::KeyText { half: "public", what: format!("key {number}: {what}") };
            let end = rest.find(END).map(|start| start + END.len());
            let end = end.ok_or_else(|| wrong(format!("no `{END}`")))?;
            keys.push(Self::from_pem(rest[..end].trim_start()).map_err(|error| wrong(error.to_string()))?);
            rest = &rest[end..];
        }
        Ok(keys)
    }

    /// The SPKI text, with line feeds: what the key id is the digest of.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The key's name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether the DER signature over these bytes is by this key (docs/decisions/104-verifying-with-ring.md).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point).verify(message, signature).is_ok()
    }

    fn of(verifying: VerifyingKey) -> Result<Self, Error> {
        let pem = verifying
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| Error::KeyText { half: "public", what: error.to_string() })?;
        let id = Digest::of(pem.as_bytes());
        Ok(Self { point: verifying.to_sec1_point(false).as_bytes().to_vec(), pem, id })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.id)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}
