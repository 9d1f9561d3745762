//! Every test vector of the ledger's specification page.

use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::{Refusal, proof};

fn judge(vector: &Value) -> Result<(), Refusal> {
    let text = |field: &str| vector[field].as_str().unwrap();
    let key = VerifierKey::parse(text("key")).unwrap();
    let proof = proof::parse(text("proof").as_bytes())?;
    proof::verify(&proof, text("entry").as_bytes(), &[key]).map(|_| ())
}

#[test]
fn proofs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/ledger");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let code = judge(&vector).err().map_or("success", |refusal| refusal.code());
        assert_eq!(code, vector["expect"].as_str().unwrap(), "{}", path.display());
        seen += 1;
    }
    assert!(seen > 3);
}

proptest! {
    #[test]
    fn no_bytes_make_the_proof_reader_stumble(head in "(c2sp.org/tlog-proof@v1\n)?(extra [a-zA-Z=]*\n)?(index [0-9]*\n)?", rest: Vec<u8>) {
        let bytes: Vec<u8> = head.into_bytes().into_iter().chain(rest).collect();
        if let Ok(proof) = proof::parse(&bytes) {
            prop_assert_eq!(proof::parse(proof.encode().as_bytes()), Ok(proof));
        }
    }
}
