//! ECDSA P-256 keys: the one algorithm that every public verifier of DSSE and model signatures takes.

use crate::{Digest, Error};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use std::fmt;

/// A key's name: the SHA-256 of the PEM text of its public half, with line feeds.
pub type KeyId = Digest;

/// A signing key; it never shows itself in debug output.
#[derive(Clone)]
pub struct PrivateKey {
    secret: SigningKey,
    public: PublicKey,
}

/// A key that checks signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    verifying: VerifyingKey,
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

    /// The SPKI text, with line feeds: what the key id is the digest of.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The key's name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether the DER signature over these bytes is by this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = DerSignature::try_from(signature);
        signature.is_ok_and(|signature| self.verifying.verify(message, &signature).is_ok())
    }

    fn of(verifying: VerifyingKey) -> Result<Self, Error> {
        let pem = verifying
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| Error::KeyText { half: "public", what: error.to_string() })?;
        let id = Digest::of(pem.as_bytes());
        Ok(Self { verifying, pem, id })
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
