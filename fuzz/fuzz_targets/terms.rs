//! An entry of the terms pack.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_agreement::Pack;

fuzz_target!(|text: &str| {
    let Ok(pack) = Pack::parse([text]) else { return };
    let entry = pack.entries().next().expect("one file, one entry");
    assert!(pack.get(&entry.id).is_some());
    assert_eq!(pack.digest(), Pack::parse([text]).expect("it was read before").digest());
});
