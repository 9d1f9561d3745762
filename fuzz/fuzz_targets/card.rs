//! A model card: its front matter and its claims.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_evidence::card;

fuzz_target!(|text: &str| {
    let Ok((claims, _)) = card::parse(text) else { return };
    let written = format!("{}\n{}", card::render_front_matter(&claims), card::render_claims_block(&claims));
    if let Ok((again, found)) = card::parse(&written) {
        assert_eq!((again.base_model, again.record), (claims.base_model, claims.record));
        assert!(found.is_empty(), "{found:?}");
    }
});
