//! Hidden markers in any text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_watermark::marker::{
    Authenticity, Binding, Bound, MarkKey, Padding, embed, embed_manifest, extract_manifest, find, nfc, strip,
};

/// A superbox with nothing but its description.
const STORE: &[u8] = b"\0\0\0\x26jumb\0\0\0\x1ejumdc2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0";

fuzz_target!(|text: &str| {
    let key = MarkKey::from_bytes([7; 32]);
    let (stripped, report) = strip(text);
    let (again, rest) = strip(&stripped);
    assert_eq!(again, stripped);
    assert!(!rest.is_marked() && rest.kept == report.kept);
    _ = extract_manifest(text);
    let plain = strip(&nfc(text)).0;
    if let Ok(marked) = embed(text, b"tern-42", &key, Binding::Text) {
        assert_eq!(strip(&marked).0, plain);
        let ours = find(&marked, &[key]).marks.into_iter().find(|mark| mark.bound == Bound::ThisText);
        assert_eq!(ours.expect("it was just put there").authenticity, Authenticity::Holds { key: 0 });
    }
    if let Ok(wrapped) = embed_manifest(text, STORE, Padding::Deterministic) {
        assert_eq!(strip(&wrapped).0, plain);
        let found = extract_manifest(&wrapped).expect("one wrapper").expect("it was just put there");
        assert_eq!(found.bytes, STORE);
    }
});
