//! Where marks go: after words, so that what a reader sees and where lines break does not change.

use c2pa_unstructured_text::wrapper;

use super::alphabet::Class;
use super::error::Error;
use super::mark::{self, Binding, MarkKey};
use super::scripts::is_east_asian;
use super::visible::nfc;

/// After how many characters a mark is repeated, so that a longer piece of the text keeps one.
pub const SPACING_CHARACTERS: usize = 500;

/// Puts a keyed mark into the text's normal form (NFC): after the first word, after every [`SPACING_CHARACTERS`], and at the end.
pub fn embed(text: &str, payload: &[u8], key: &MarkKey, binding: Binding) -> Result<String, Error> {
    let text = nfc(text);
    let end = text.trim_end().len();
    if end == 0 {
        return Err(Error::Blank);
    }
    if !wrapper::locate_all(&text).is_empty() {
        return Err(Error::ManifestFirst);
    }
    let digest = (binding == Binding::Text).then(|| mark::text_digest(&text));
    let mark = mark::encode(payload, key, digest.as_ref())?;
    let mut marked = String::with_capacity(text.len() + 2 * mark.len());
    let mut from = 0;
    let mut since = SPACING_CHARACTERS;
    let mut before = None;
    for (byte, c) in text[..end].char_indices() {
        if SPACING_CHARACTERS <= since && before.is_some_and(|before| is_seam(before, c)) {
            marked.push_str(&text[from..byte]);
            marked.push_str(&mark);
            (from, since) = (byte, 0);
        }
        since += 1;
        before = Some(c);
    }
    marked.push_str(&text[from..end]);
    marked.push_str(&mark);
    marked.push_str(&text[end..]);
    Ok(marked)
}

/// Whether a mark may stand between two characters: neither needs the other for what it is.
fn is_seam(before: char, after: char) -> bool {
    let plain = |c| Class::of(c).is_none();
    let breaks = after.is_whitespace() && !before.is_whitespace();
    plain(before) && plain(after) && (breaks || is_east_asian(before) && is_east_asian(after))
}
