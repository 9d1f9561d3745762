//! The digests that lm-eval writes beside samples, derived anew.

use sha2::{Digest as _, Sha256};

use super::Class;
use super::findings::{Contrast, Findings};
use crate::log::{About, Sample};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Checks the digests of one sample after another.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    /// Room for one item as Python spells it.
    spelled: String,
    /// Over the digests of all rows.
    all: Sha256,
    with: u64,
    without: u64,
}

impl Hashes {
    /// Checks the digests of one sample, whose first prompt this is.
    pub(super) fn check(
        &mut self,
        sample: &Sample<'_>,
        asked: Option<&str>,
        findings: &mut Findings<'_, '_>,
    ) {
        let hashes = &sample.hashes;
        let (Some(doc), Some(prompt)) = (&hashes.doc, &hashes.prompt) else {
            self.without += 1;
            return;
        };
        self.with += 1;
        for stated in [Some(doc), Some(prompt), hashes.target.as_ref()].into_iter().flatten() {
            self.all.update(stated.as_bytes());
        }
        if hashes.target.is_none() {
            self.without += 1;
        }
        if let Some(value) = &sample.doc {
            self.spelled.clear();
            value.write_indented(&mut self.spelled);
            compare("item", doc, self.spelled.as_bytes(), sample, findings);
        }
        if let Some(asked) = asked {
            compare("prompt", prompt, asked.as_bytes(), sample, findings);
        }
        if let (Some(stated), Some(target)) = (&hashes.target, &sample.target) {
            compare("target", stated, target.get().as_bytes(), sample, findings);
        }
    }

    /// Checks the digest over all rows.
    pub(super) fn close(self, about: &About<'_>, findings: &mut Findings<'_, '_>) {
        if self.without > 0 {
            findings.unchecked(
                Class::HashMismatch,
                "the log has rows without digests, as older versions write them",
            );
            return;
        }
        let Some(stated) = &about.task_hash else { return };
        let derived = hexadecimal(&self.all.finalize());
        if self.with > 0 && *stated != derived {
            let detail = "the digest over all rows is another".to_owned();
            findings.task(Class::HashMismatch, detail, Contrast::of(&derived, stated));
        }
    }
}

fn compare(what: &str, stated: &str, bytes: &[u8], sample: &Sample<'_>, findings: &mut Findings<'_, '_>) {
    let derived = Sha256::digest(bytes);
    if !is_spelled(stated, &derived) {
        let detail = format!("the digest of the {what} is another");
        findings.sample(Class::HashMismatch, sample, detail, Contrast::of(&hexadecimal(&derived), stated));
    }
}

fn is_spelled(stated: &str, digest: &[u8]) -> bool {
    let stated = stated.as_bytes();
    stated.len() == 2 * digest.len()
        && stated.chunks_exact(2).zip(digest).all(|(pair, byte)| {
            pair[0] == DIGITS[usize::from(byte >> 4)] && pair[1] == DIGITS[usize::from(byte & 15)]
        })
}

fn hexadecimal(digest: &[u8]) -> String {
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
