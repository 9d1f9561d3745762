//! A grant with its acceptance and revocation, each signed soundly whatever it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::consent::{Files, Use};
use stillmark_evidence::verify;
use stillmark_fuzz::{key, trust};

fuzz_target!(|parts: (&[u8], &[u8], &[u8], &[u8])| {
    let (grant, acceptance, proof, revocation) = parts;
    let pem = key().public().to_pem().replace('\n', "\\n");
    let grant = String::from_utf8_lossy(grant).replace("PROVIDER", &pem).replace("BUILDER", &pem);
    let signed =
        |bytes: &[u8]| Bundle::sign_bytes(bytes, &key()).to_bytes().expect("a bundle can be written");
    let files = Files {
        grant: signed(grant.as_bytes()),
        acceptance: (!acceptance.is_empty()).then(|| signed(acceptance)),
        acceptance_proof: (!proof.is_empty()).then(|| proof.to_vec()),
        revocation: (!revocation.is_empty()).then(|| signed(revocation)),
    };
    if let Ok(consent) = verify::consent(&files, &trust()) {
        let _ = consent.faults(&Use::default());
    }
});
