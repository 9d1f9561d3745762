//! Signed notes (`c2sp.org/signed-note`) with Ed25519 keys: signature type `0x01`, and `0x04` for witnesses.

use crate::{Error, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey as Secret, VerifyingKey as Public};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The signature type byte of plain Ed25519.
const ED25519: u8 = 0x01;
/// The signature type byte of a timestamped cosignature with Ed25519 (`c2sp.org/tlog-cosignature`).
const COSIGNATURE: u8 = 0x04;
/// How many signature lines a note may carry.
const MAX_SIGNATURES: usize = 64;
/// What a signature line starts with: an em dash and a space.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// A log's secret key, with its name.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    secret: Secret,
}

/// A log's public key, with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: Public,
}

/// A witness's public key, with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    public: Public,
}

/// A parsed note: the text that is signed, and its signature lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The signed text, its last newline included.
    pub text: String,
    /// The signature lines in their order.
    pub signatures: Vec<SignatureLine>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The key's short id.
    pub key_id: [u8; 4],
    /// The signature itself.
    pub signature: Vec<u8>,
}

impl SigningKey {
    /// Makes the key of that name from 32 random bytes.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, Error> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), secret: Secret::from_bytes(seed) })
    }

    /// Reads the text form `PRIVATE+KEY+name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text
            .trim_end()
            .strip_prefix("PRIVATE+KEY+")
            .ok_or(Error::KeyText { what: "no `PRIVATE+KEY+` at its start" })?;
        let (name, id, bytes) = key_parts(rest, ED25519)?;
        let key = Self::from_seed(&name, &bytes)?;
        if key.verifier().key_id() == id {
            Ok(key)
        } else {
            Err(Error::KeyText { what: "the id does not fit the key" })
        }
    }

    /// The text form, which is secret.
    pub fn encode(&self) -> String {
        let id = hex(self.verifier().key_id());
        format!("PRIVATE+KEY+{}+{id}+{}", self.name, encode_key(ED25519, self.secret.as_bytes()))
    }

    /// The public half.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), public: self.secret.verifying_key() }
    }

    /// The public half where the key is a witness's: the same secret must not cosign under two names.
    pub fn cosigner(&self) -> CosignerKey {
        CosignerKey { name: self.name.clone(), public: self.secret.verifying_key() }
    }

    /// Cosigns a checkpoint's text as of a time in seconds since 1970, giving the signature line.
    pub fn cosign(&self, text: &str, time: u64) -> String {
        let mut bytes = self.cosigner().key_id().to_vec();
        bytes.extend_from_slice(&time.to_be_bytes());
        bytes.extend_from_slice(&self.secret.sign(cosigned(text, time).as_bytes()).to_bytes());
        format!("{SIGNATURE_MARK}{} {}\n", self.name, STANDARD.encode(bytes))
    }

    /// Signs a text that ends in a newline, giving the whole note.
    pub fn sign(&self, text: &str) -> String {
        let mut bytes = self.verifier().key_id().to_vec();
        bytes.extend_from_slice(&self.secret.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{SIGNATURE_MARK}{} {}\n", self.name, STANDARD.encode(bytes))
    }
}

impl VerifierKey {
    /// Reads the text form `name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, public) = parse_public(text, ED25519)?;
        Ok(Self { name, public })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The short id: the first bytes of SHA-256 over name, newline, type and key.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, ED25519, &self.public)
    }
}

impl CosignerKey {
    /// Reads the text form `name+id+base64`, whose type is `0x04`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, public) = parse_public(text, COSIGNATURE)?;
        Ok(Self { name, public })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The short id: the first bytes of SHA-256 over name, newline, type and key.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, COSIGNATURE, &self.public)
    }

    /// Whether both are one secret, under whatever names.
    pub fn is_same_secret(&self, other: &Self) -> bool {
        self.public == other.public
    }

    /// The time of this witness's cosignature in a line of a note; none where the line is another's.
    pub fn time_of(&self, text: &str, line: &SignatureLine) -> Option<Result<u64, Refusal>> {
        let is_its = line.name == self.name && line.key_id == self.key_id();
        is_its.then(|| self.verify(text, &line.signature))
    }

    fn verify(&self, text: &str, signature: &[u8]) -> Result<u64, Refusal> {
        let bad = || Refusal::BadSignature { name: self.name.clone() };
        let (time, signature) = signature.split_first_chunk::<8>().ok_or_else(bad)?;
        let time = u64::from_be_bytes(*time);
        let good = Signature::from_slice(signature)
            .and_then(|signature| self.public.verify_strict(cosigned(text, time).as_bytes(), &signature));
        if good.is_ok() && i64::try_from(time).is_ok() { Ok(time) } else { Err(bad()) }
    }
}

/// The text form `name+id+base64`, which may be published.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(self.key_id()), encode_key(ED25519, self.public.as_bytes()))
    }
}

/// The text form `name+id+base64`, which may be published.
impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(self.key_id()), encode_key(COSIGNATURE, self.public.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({self})")
    }
}

/// The line as it stands in a note, its newline included.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.key_id.as_slice(), &self.signature].concat();
        writeln!(f, "{SIGNATURE_MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.name)
    }
}

/// Parses a note without judging its signatures.
pub fn parse(note: &str) -> Result<Note, Refusal> {
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(Refusal::Malformed { what: "note: control character" });
    }
    let split = note.rfind("\n\n").ok_or(Refusal::Malformed { what: "note: no blank line" })?;
    let (text, rest) = (&note[..=split], &note[split + 2..]);
    let lines = rest.strip_suffix('\n').ok_or(Refusal::Malformed { what: "note: no newline at its end" })?;
    let signatures: Vec<_> = lines.split('\n').map(signature_line).collect::<Result<_, _>>()?;
    if signatures.len() > MAX_SIGNATURES {
        return Err(Refusal::Malformed { what: "note: too many signatures" });
    }
    Ok(Note { text: text.to_owned(), signatures })
}

/// Parses a note and demands a good signature by one of the `keys` and no bad one by any of them.
pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Note, Refusal> {
    let note = parse(note)?;
    let mut verified = false;
    for line in &note.signatures {
        let known = keys.iter().find(|key| key.name == line.name && key.key_id() == line.key_id);
        let Some(key) = known else { continue };
        let good = Signature::from_slice(&line.signature)
            .and_then(|signature| key.public.verify_strict(note.text.as_bytes(), &signature));
        if good.is_err() {
            return Err(Refusal::BadSignature { name: line.name.clone() });
        }
        verified = true;
    }
    if verified { Ok(note) } else { Err(Refusal::UnknownSigner) }
}

fn signature_line(line: &str) -> Result<SignatureLine, Refusal> {
    const MALFORMED: Refusal = Refusal::Malformed { what: "note: signature line" };
    let rest = line.strip_prefix(SIGNATURE_MARK).ok_or(MALFORMED)?;
    let (name, encoded) = rest.split_once(' ').ok_or(MALFORMED)?;
    check_name(name).map_err(|_| MALFORMED)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| MALFORMED)?;
    let (key_id, signature) = bytes.split_first_chunk::<4>().ok_or(MALFORMED)?;
    if signature.is_empty() {
        return Err(MALFORMED);
    }
    Ok(SignatureLine { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ') {
        return Err(Error::KeyName { name: name.to_owned() });
    }
    Ok(())
}

/// What a witness signs of a checkpoint's text.
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn key_id(name: &str, kind: u8, public: &Public) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(name.as_bytes())
        .chain_update([b'\n', kind])
        .chain_update(public.as_bytes())
        .finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn parse_public(text: &str, kind: u8) -> Result<(String, Public), Error> {
    let (name, id, bytes) = key_parts(text.trim_end(), kind)?;
    check_name(&name)?;
    let public =
        Public::from_bytes(&bytes).map_err(|_| Error::KeyText { what: "not a point of the curve" })?;
    if key_id(&name, kind, &public) == id {
        Ok((name, public))
    } else {
        Err(Error::KeyText { what: "the id does not fit the key" })
    }
}

fn key_parts(text: &str, kind: u8) -> Result<(String, [u8; 4], [u8; 32]), Error> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::KeyText { what: "fewer than three parts" });
    };
    let id = unhex(id).ok_or(Error::KeyText { what: "the id is not eight hex digits" })?;
    let bytes = STANDARD.decode(key).map_err(|_| Error::KeyText { what: "not base64" })?;
    match bytes.split_first() {
        Some((found, key)) if *found == kind => {
            let key = key.try_into().map_err(|_| Error::KeyText { what: "not 32 bytes" })?;
            Ok((name.to_owned(), id, key))
        }
        _ if kind == COSIGNATURE => Err(Error::KeyText { what: "not a witness's key" }),
        _ => Err(Error::KeyText { what: "not an Ed25519 key" }),
    }
}

fn encode_key(kind: u8, key: &[u8; 32]) -> String {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

fn hex(bytes: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(bytes))
}

fn unhex(text: &str) -> Option<[u8; 4]> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if digits { u32::from_str_radix(text, 16).ok().map(u32::to_be_bytes) } else { None }
}
