//! A Sigstore bundle, up to its signature.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::{bundle, model_signing, verify};
use stillmark_fuzz::{key, trust};

fuzz_target!(|bytes: &[u8]| {
    let Ok(parsed) = bundle::parse(bytes) else { return };
    let written = parsed.to_bytes().expect("what was read can be written");
    assert_eq!(bundle::parse(&written).expect("what was written can be read"), parsed);
    _ = parsed.signer();
    _ = parsed.envelope().open(key().public());
    _ = verify::bundle::<model_signing::Manifest>(bytes, &trust());
    _ = verify::bundle::<Disclosure>(bytes, &trust());
});
