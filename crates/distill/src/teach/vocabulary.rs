//! Tokens by their bytes: what an API, which gives no ids, has in common with our tokenizer.

use std::collections::BTreeMap;

use stillmark_model::Tokenizer;

/// The id of every token that stands for bytes.
#[derive(Debug)]
pub(super) struct Vocabulary {
    ids: BTreeMap<Vec<u8>, u32>,
}

/// How a vocabulary writes bytes.
#[derive(Clone, Copy)]
enum Spelling {
    /// A letter for each byte, as GPT-2 has it.
    Letters,
    /// Text with `▁` for a space, and `<0x0A>` for a byte, as `SentencePiece` has it.
    Pieces,
}

impl Vocabulary {
    /// The tokens of a tokenizer; of two with the same bytes the first one counts.
    pub(super) fn new(tokenizer: &Tokenizer) -> Self {
        let spelling = if tokenizer.id("Ġ").is_some() { Spelling::Letters } else { Spelling::Pieces };
        let letters = letters();
        let mut ids = BTreeMap::new();
        for id in 0..tokenizer.vocab_size() as u32 {
            let Some(token) = tokenizer.token(id) else { continue };
            let bytes = if tokenizer.specials().contains_key(&id) {
                token.as_bytes().to_vec()
            } else {
                spelling.bytes(token, &letters)
            };
            ids.entry(bytes).or_insert(id);
        }
        Self { ids }
    }

    /// The token that stands for these bytes.
    pub(super) fn id(&self, bytes: &[u8]) -> Option<u32> {
        self.ids.get(bytes).copied()
    }
}

impl Spelling {
    fn bytes(self, token: &str, letters: &BTreeMap<char, u8>) -> Vec<u8> {
        let plain = || token.as_bytes().to_vec();
        match self {
            Self::Letters => {
                let bytes: Option<Vec<u8>> =
                    token.chars().map(|letter| letters.get(&letter).copied()).collect();
                bytes.unwrap_or_else(plain)
            }
            Self::Pieces => {
                let code = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
                match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                    Some(byte) => vec![byte],
                    None => token.replace('▁', " ").into_bytes(),
                }
            }
        }
    }
}

/// GPT-2's letters: printable bytes are themselves, the others are numbered from U+0100 on.
fn letters() -> BTreeMap<char, u8> {
    let is_printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut others = '\u{100}'..;
    let mut letter = |byte| if is_printable(byte) { Some(char::from(byte)) } else { others.next() };
    (0..=u8::MAX).filter_map(|byte| Some((letter(byte)?, byte))).collect()
}
