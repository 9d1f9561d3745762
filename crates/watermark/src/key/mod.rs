//! Keys: read from key files, made for tenants, committed to before use. What they hold is never shown.

mod fields;
mod schemes;

use std::collections::BTreeMap;
use std::fmt;

use hkdf::Hkdf;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::scheme::Scheme;
use fields::Reader;

/// A key: one scheme with its parameters and its secret.
pub struct Key {
    scheme: Box<dyn Scheme>,
}

/// The fields of key files that nobody but their owner may know.
const SECRET: [&str; 9] =
    ["key", "key_a", "key_b", "hashing_key", "hash_key", "keys", "secret_key", "seed", "secret"];

/// Who a tenant's key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant<'a> {
    /// The tenant's public, pseudonymous id.
    pub id: &'a str,
    /// The period for which the key holds.
    pub epoch: &'a str,
    /// The model that is marked with it.
    pub model: &'a str,
}

impl Key {
    /// Reads a key file (docs/spec/watermark-key.md).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut reader = Reader::new(text)?;
        Self::read(&mut reader)
    }

    /// Reads a key file as one of another scheme.
    pub fn parse_as(text: &str, scheme: &str) -> Result<Self, Error> {
        let mut reader = Reader::new(text)?;
        reader.set_scheme(scheme);
        Self::read(&mut reader)
    }

    /// A key of a scheme with its default parameters, or those given as TOML, made of 32 uniform bytes.
    pub fn generate(scheme: &str, parameters: &str, entropy: &[u8; 32]) -> Result<Self, Error> {
        let mut reader = Reader::new(parameters)?;
        reader.set_scheme(scheme);
        reader.fill_secret();
        Ok(Self::of(Self::read(&mut reader)?.scheme.with_key(entropy)))
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        let scheme = schemes::read(reader)?;
        reader.finish(scheme.name())?;
        Ok(Self::of(scheme))
    }

    fn of(mut scheme: Box<dyn Scheme>) -> Self {
        scheme.keep();
        Self { scheme }
    }

    /// The scheme.
    pub fn scheme(&self) -> &dyn Scheme {
        self.scheme.as_ref()
    }

    /// What may be told of it: the fields of its file but the secret ones.
    pub fn parameters(&self) -> BTreeMap<String, Value> {
        let public = self.scheme.fields().into_iter().filter(|(name, _)| !SECRET.contains(name));
        public
            .map(|(name, value)| (name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null)))
            .collect()
    }

    /// Its key file, whole and in one form: fields in alphabetical order, defaults written out.
    pub fn to_toml(&self) -> String {
        format!("scheme = \"{}\"\n{}", self.scheme.name(), lines(self.scheme.fields().iter()))
    }

    /// The SHA-256 that commits to this key and shows nothing of it, as long as the salt is kept.
    pub fn commitment(&self, salt: &[u8; 32]) -> [u8; 32] {
        let hasher = Sha256::new().chain_update(b"stillmark/watermark-key-commitment/v1\n");
        hasher.chain_update(salt).chain_update(self.to_toml()).finalize().into()
    }

    /// The key of a tenant: HKDF-SHA256 (RFC 5869) of this key, with tenant, epoch and model as context.
    #[must_use]
    pub fn tenant(&self, tenant: &Tenant<'_>) -> Self {
        let fields = self.scheme.fields();
        let material = lines(fields.iter().filter(|(name, _)| SECRET.contains(name)));
        let mut info = b"stillmark/watermark-tenant/v1\n".to_vec();
        for part in [tenant.id, tenant.epoch, tenant.model] {
            info.extend_from_slice(&(part.len() as u64).to_le_bytes());
            info.extend_from_slice(part.as_bytes());
        }
        let mut bytes = [0; 32];
        // 32 bytes are within what HKDF gives, so this cannot fail.
        let filled = Hkdf::<Sha256>::new(None, material.as_bytes()).expand(&info, &mut bytes);
        debug_assert!(filled.is_ok());
        Self::of(self.scheme.tenant(&bytes))
    }
}

fn lines<'a>(fields: impl Iterator<Item = (&'a &'static str, &'a toml::Value)>) -> String {
    fields.map(|(name, value)| [name, " = ", &value.to_string(), "\n"].concat()).collect()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("scheme", &self.scheme.name()).finish_non_exhaustive()
    }
}
