//! A provenance file, judged by the shipped terms.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stillmark_agreement::{Pack, Provenance, evaluate};

static PACK: LazyLock<Pack> = LazyLock::new(|| Pack::shipped().expect("the shipped pack is good"));

fuzz_target!(|text: &str| {
    let Ok(provenance) = Provenance::parse(text) else { return };
    _ = provenance.digest_under(&BTreeMap::new());
    let day = "2026-11-01".parse().expect("a good day");
    if let Ok(ruling) = evaluate(&PACK, &provenance, &day) {
        assert_eq!(evaluate(&PACK, &provenance, &day).expect("it was judged before"), ruling);
    }
});
