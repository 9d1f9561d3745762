//! The text of a key: `sm_`, 12 characters that name it, 43 that are secret, 6 that catch misspellings.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID: usize = 12;
const SECRET: usize = 43;
const CHECK: usize = 6;

/// A key as it is shown once, to its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A key as a request brings it.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// Its public name.
    pub id: &'a str,
    secret: &'a str,
}

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `sm_…_…_…`, or was misspelled")]
pub struct Malformed;

/// What is mixed into every hash, so that a stolen database opens nothing.
#[derive(Clone)]
pub struct Pepper([u8; 32]);

impl Secret {
    /// Makes a key of 44 random bytes: nine for the name, 35 for the secret.
    pub fn new(random: &[u8; 64]) -> Self {
        let id = base62(&random[..16], ID);
        Self::with_id(&id, random)
    }

    /// Makes another secret for a name, as a rotation does.
    pub fn with_id(id: &str, random: &[u8; 64]) -> Self {
        let body = format!("sm_{id}_{}", base62(&random[16..], SECRET));
        let check = check(&body);
        Self(format!("{body}_{check}"))
    }

    /// The whole text; whoever shows it does so once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The key as a request would bring it.
    ///
    /// # Errors
    /// Never, for a key that was made here.
    pub fn presented(&self) -> Result<Presented<'_>, Malformed> {
        Presented::parse(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({}, …)", self.id)
    }
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper(…)")
    }
}

impl<'a> Presented<'a> {
    /// Reads the text of a key.
    ///
    /// # Errors
    /// Where it is none; nothing is looked up for such a text.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let is_it = text.len() == 3 + ID + 1 + SECRET + 1 + CHECK
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let (body, found) = text.rsplit_once('_').filter(|_| is_it).ok_or(Malformed)?;
        let (id, secret) = body.strip_prefix("sm_").and_then(|body| body.split_once('_')).ok_or(Malformed)?;
        if id.len() != ID || secret.len() != SECRET || check(body) != found {
            return Err(Malformed);
        }
        Ok(Self { id, secret })
    }
}

impl Pepper {
    /// From 32 random bytes that are kept beside the database, not in it.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A number that stands for something and that nobody without the pepper can compute.
    pub(crate) fn number(&self, of: &[u8]) -> u64 {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(b"stillmark/number/v1\n")
            .chain_update(of)
            .finalize();
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A key of its own for a purpose, which nobody without the pepper can compute.
    pub(crate) fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(purpose);
        mac.finalize().into_bytes().into()
    }

    /// The hash by which a key is kept: HMAC-SHA-256. A slow hash would guard nothing: the secret has 256 bits.
    pub fn hash(&self, key: Presented<'_>) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(key.id.as_bytes());
        mac.update(b"_");
        mac.update(key.secret.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// Whether two hashes are the same, in a time that tells nothing.
pub(super) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// Random bytes as so many digits: each digit from two bytes, so that none is favored by more than 62/65536.
fn base62(random: &[u8], digits: usize) -> String {
    // The bytes are stretched, since two of them are wanted for each digit.
    let mut stretched = Vec::with_capacity(digits * 2 + 32);
    let mut round = 0_u8;
    while stretched.len() < digits * 2 {
        stretched.extend_from_slice(&Sha256::new().chain_update([round]).chain_update(random).finalize());
        round += 1;
    }
    let digit = |pair: &[u8]| char::from(DIGITS[usize::from(u16::from_le_bytes([pair[0], pair[1]]) % 62)]);
    stretched.chunks_exact(2).take(digits).map(digit).collect()
}

fn check(body: &str) -> String {
    base62(body.as_bytes(), CHECK)
}
