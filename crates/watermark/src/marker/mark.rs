//! The keyed mark: its key, its bytes, its code.

use std::fmt;

use c2pa_unstructured_text::vs;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::report::{Authenticity, Bound};
use super::visible::{nfc, visible};

/// The longest payload of a mark.
pub const PAYLOAD_LIMIT_BYTES: usize = 64;

/// What every mark begins with: the invisible separator.
pub(super) const STARTER: char = '\u{2063}';

/// The first bytes of a frame.
const MAGIC: [u8; 2] = *b"sm";
/// Magic, form, length.
const HEADER_BYTES: usize = 4;
/// Half of SHA-256's output: 2^128 tries to forge.
const CODE_BYTES: usize = 16;

const TAG_DOMAIN: &[u8] = b"stillmark text-marker v1 tag\0";
const BIND_DOMAIN: &[u8] = b"stillmark text-marker v1 bind\0";

/// The secret that marks are made and tested with.
#[derive(Clone, PartialEq, Eq)]
pub struct MarkKey([u8; 32]);

impl MarkKey {
    /// A key of 256 bits.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let digits: Option<Vec<u8>> = text.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
        let digits = digits.ok_or(Error::Key)?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        if digits.len() != 64 {
            return Err(Error::Key);
        }
        bytes.try_into().map(Self).map_err(|_| Error::Key)
    }

    fn code(&self, domain: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        // A key shorter than a block is a block that ends in zeros (RFC 2104, section 2).
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut code = Hmac::<Sha256>::new(&block.into());
        code.update(domain);
        for part in parts {
            code.update(part);
        }
        code
    }
}

impl fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarkKey(secret)")
    }
}

/// What a mark is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// Nothing: the mark holds in a piece of the text, and in any text that it is copied into.
    Free,
    /// The visible text: the mark says whether one letter was changed.
    Text,
}

impl Binding {
    fn form(self) -> u8 {
        match self {
            Self::Free => 0x11,
            Self::Text => 0x12,
        }
    }

    fn from_form(form: u8) -> Option<Self> {
        [Self::Free, Self::Text].into_iter().find(|binding| binding.form() == form)
    }

    fn code_bytes(self) -> usize {
        match self {
            Self::Free => 0,
            Self::Text => CODE_BYTES,
        }
    }
}

/// The digest of a text that marks are bound to: of its normal form without hidden characters.
pub(super) fn text_digest(text: &str) -> [u8; 32] {
    Sha256::digest(nfc(&visible(text)).as_bytes()).into()
}

/// A mark in characters.
pub(super) fn encode(payload: &[u8], key: &MarkKey, bound_to: Option<&[u8; 32]>) -> Result<String, Error> {
    let length =
        u8::try_from(payload.len()).ok().filter(|_| (1..=PAYLOAD_LIMIT_BYTES).contains(&payload.len()));
    let Some(length) = length else {
        return Err(Error::Payload { bytes: payload.len(), limit: PAYLOAD_LIMIT_BYTES });
    };
    let binding = if bound_to.is_some() { Binding::Text } else { Binding::Free };
    let mut frame = [&MAGIC[..], &[binding.form(), length], payload].concat();
    if let Some(digest) = bound_to {
        let code = key.code(BIND_DOMAIN, &[&frame, digest]).finalize().into_bytes();
        frame.extend(&code[..CODE_BYTES]);
    }
    let tag = key.code(TAG_DOMAIN, &[&frame]).finalize().into_bytes();
    frame.extend(&tag[..CODE_BYTES]);
    Ok(std::iter::once(STARTER).chain(frame.into_iter().map(vs::byte_to_vs)).collect())
}

/// The bytes of a mark, cut into their parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    binding: Binding,
    payload_bytes: usize,
}

impl Frame {
    /// Reads the frame that a run of selector bytes begins with.
    pub(super) fn read(run: &[u8]) -> Option<Self> {
        let [first, second, form, length, rest @ ..] = run else { return None };
        let binding = Binding::from_form(*form).filter(|_| [*first, *second] == MAGIC)?;
        let payload_bytes = usize::from(*length);
        if !(1..=PAYLOAD_LIMIT_BYTES).contains(&payload_bytes) {
            return None;
        }
        let total = payload_bytes + binding.code_bytes() + CODE_BYTES;
        (total <= rest.len()).then(|| Self {
            bytes: run[..HEADER_BYTES + total].to_vec(),
            binding,
            payload_bytes,
        })
    }

    /// How many characters the mark has.
    pub(super) fn characters(&self) -> usize {
        self.bytes.len() + 1
    }

    /// How many bytes its characters have in UTF-8.
    pub(super) fn text_bytes(&self) -> usize {
        let selectors = self.bytes.iter().map(|byte| vs::byte_to_vs(*byte).len_utf8());
        STARTER.len_utf8() + selectors.sum::<usize>()
    }

    /// What the mark carries.
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..HEADER_BYTES + self.payload_bytes]
    }

    /// Tests the codes under each key.
    pub(super) fn judge(
        &self,
        keys: &[MarkKey],
        digest: &mut impl FnMut() -> [u8; 32],
    ) -> (Authenticity, Bound) {
        let (signed, tag) = self.bytes.split_at(self.bytes.len() - CODE_BYTES);
        let holds = |key: &&MarkKey| key.code(TAG_DOMAIN, &[signed]).verify_truncated_left(tag).is_ok();
        let found = keys.iter().enumerate().find(|(_, key)| holds(key));
        let authenticity = match found {
            Some((idx, _)) => Authenticity::Holds { key: idx },
            None if keys.is_empty() => Authenticity::Untested,
            None => Authenticity::Fails,
        };
        let bound = match (self.binding, found) {
            (Binding::Free, _) => Bound::Free,
            (Binding::Text, None) => Bound::Unknown,
            (Binding::Text, Some((_, key))) => {
                let (head, code) = signed.split_at(HEADER_BYTES + self.payload_bytes);
                let code_of_this = key.code(BIND_DOMAIN, &[head, &digest()]);
                if code_of_this.verify_truncated_left(code).is_ok() {
                    Bound::ThisText
                } else {
                    Bound::AnotherText
                }
            }
        };
        (authenticity, bound)
    }
}
