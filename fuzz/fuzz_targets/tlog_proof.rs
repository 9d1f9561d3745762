//! An inclusion proof with its signed checkpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_ledger::note::SigningKey;
use stillmark_ledger::{checkpoint, note, proof};

fuzz_target!(|bytes: &[u8]| {
    let key = SigningKey::from_seed("example.org/log", &[7; 32]).expect("the name is plain");
    let Ok(mut parsed) = proof::parse(bytes) else { return };
    assert_eq!(proof::parse(parsed.encode().as_bytes()).expect("what was written can be read"), parsed);
    let keys = [key.verifier()];
    _ = proof::verify(&parsed, b"entry", &keys);
    // The same with a good signature, so that the audit path is walked.
    let Ok(signed) = note::parse(&parsed.checkpoint) else { return };
    let Ok(mut head) = checkpoint::parse(&signed.text) else { return };
    head.origin = "example.org/log".to_owned();
    parsed.checkpoint = head.sign(&key);
    if let Ok(checkpoint) = proof::verify(&parsed, b"entry", &keys) {
        assert!(parsed.index < checkpoint.size);
    }
});
