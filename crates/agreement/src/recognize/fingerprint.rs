//! A known text as hashes of its runs of words.

use stillmark_evidence::Digest;

use super::words::words;
use crate::error::{Error, Expected};
use crate::read::{Source, line_feeds};

/// Words in a run.
const RUN: usize = 5;
/// Letters of an encoded hash, six bits each.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Letters for one hash.
const LETTERS_A_HASH: usize = 4;
/// Hashes in a line of the file.
const HASHES_A_LINE: usize = 32;

/// What is kept of a license text: the digest of its words, and a hash of each run of five.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    id: String,
    source: String,
    words_sha256: Digest,
    /// 24 bits of the SHA-256 of each run, in ascending order, each once.
    hashes: Vec<u32>,
}

impl Fingerprint {
    /// Takes the fingerprint of a text.
    pub fn of(id: &str, source: &str, text: &str) -> Self {
        let words = words(text);
        let mut hashes: Vec<u32> = words.windows(RUN.min(words.len()).max(1)).map(hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let words_sha256 = Digest::of(words.join(" ").as_bytes());
        Self { id: id.to_owned(), source: source.to_owned(), words_sha256, hashes }
    }

    /// Reads a fingerprint file.
    pub fn parse(file: &str) -> Result<Self, Error> {
        let feeds = line_feeds(file);
        let (source, document) = Source::parse(file, &feeds)?;
        let mut table = source.table("the fingerprint", &document);
        let sha256 = table.required("words_sha256")?;
        let runs = table.required("runs")?;
        let fingerprint = Self {
            id: table.required("id")?.string()?,
            source: table.required("source")?.string()?,
            words_sha256: sha256.string()?.parse().map_err(|_| sha256.refuse(Expected::Digest))?,
            hashes: decode(&runs.string()?).ok_or_else(|| runs.refuse(Expected::Hashes))?,
        };
        table.finish()?;
        Ok(fingerprint)
    }

    /// Writes it as a file.
    pub fn to_file(&self) -> String {
        let lines: Vec<String> = self
            .hashes
            .chunks(HASHES_A_LINE)
            .map(|line| line.iter().copied().map(encode).collect())
            .collect();
        format!(
            "id = \"{}\"\nsource = \"{}\"\nwords_sha256 = \"{}\"\nruns = \"\"\"\n{}\n\"\"\"\n",
            self.id,
            self.source,
            self.words_sha256,
            lines.join("\n")
        )
    }

    /// The id of the terms pack.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the text was read.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The digest of the words that count, joined by spaces.
    pub fn words_sha256(&self) -> Digest {
        self.words_sha256
    }

    /// How many different runs of words there are.
    pub fn runs(&self) -> usize {
        self.hashes.len()
    }

    /// Whether the text had no words.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub(super) fn hashes(&self) -> &[u32] {
        &self.hashes
    }
}

fn hash(run: &[String]) -> u32 {
    let digest = Digest::of(run.join(" ").as_bytes());
    let [first, second, third, ..] = *digest.as_bytes();
    u32::from_be_bytes([0, first, second, third])
}

fn encode(hash: u32) -> String {
    let letter = |place: u32| char::from(LETTERS[(hash >> (6 * place) & 63) as usize]);
    [3, 2, 1, 0].map(letter).iter().collect()
}

/// Reads the hashes, which have to ascend.
fn decode(text: &str) -> Option<Vec<u32>> {
    let letters: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let whole = letters.len().is_multiple_of(LETTERS_A_HASH);
    let value = |letter: &u8| LETTERS.iter().position(|known| known == letter);
    let hashes: Option<Vec<u32>> = letters
        .chunks(LETTERS_A_HASH)
        .map(|four| four.iter().try_fold(0, |sum, letter| Some(sum << 6 | value(letter)? as u32)))
        .collect();
    hashes.filter(|hashes| whole && hashes.windows(2).all(|pair| pair[0] < pair[1]))
}
