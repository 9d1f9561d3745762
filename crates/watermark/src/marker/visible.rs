//! The text without what is hidden in it, and its normal form.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

use super::scan::Scan;

/// The text in Unicode's composed normal form (NFC), as it is where it has that form.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// The text without hidden characters, otherwise as it is.
pub fn visible(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    for place in Scan::of(text) {
        kept.push_str(&text[from..place.byte]);
        from = place.byte + place.bytes;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}
