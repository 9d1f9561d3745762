//! An offer, `distillation.toml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_agreement::Offer;

fuzz_target!(|text: &str| {
    let Ok(offer) = Offer::parse(text) else { return };
    // What is read can be written again, and says the same.
    let again = Offer::parse(&offer.draft.render()).expect("a draft that was read is a sound one");
    assert_eq!(again.draft, offer.draft);
});
