//! Every test vector of the ledger's specification page.

use crate::memory::Memory;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;
use stillmark_ledger::log::signed_checkpoint;
use stillmark_ledger::note::{CosignerKey, SigningKey, VerifierKey};
use stillmark_ledger::tree::Hash;
use stillmark_ledger::{Error, Quorum, Refusal, check, checkpoint, proof, witness};

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}

fn list<T>(vector: &Value, field: &str, read: impl Fn(&str) -> T) -> Vec<T> {
    vector[field].as_array().into_iter().flatten().map(|one| read(one.as_str().unwrap())).collect()
}

fn judge(vector: &Value) -> Result<(), Refusal> {
    let key = VerifierKey::parse(text(vector, "key")).unwrap();
    if vector.get("files").is_some() {
        return refused(judge_files(vector, &key));
    }
    if let Some(asked) = vector.get("witness") {
        let last = checkpoint::open(text(asked, "last"), std::slice::from_ref(&key)).unwrap();
        let path = list(asked, "path", |hash| Hash::from_base64(hash).unwrap());
        let own = SigningKey::from_seed("witness.example/w1", &[9; 32]).unwrap();
        return witness::cosign(Some(&last), text(asked, "checkpoint"), &path, &key, (&own, 1)).map(|_| ());
    }
    let quorum = Quorum {
        witnesses: list(vector, "witnesses", |witness| CosignerKey::parse(witness).unwrap()),
        needed: vector["quorum"].as_u64().unwrap_or(0) as usize,
    };
    let proof = proof::parse(text(vector, "proof").as_bytes())?;
    proof::verify_witnessed(&proof, text(vector, "entry").as_bytes(), &[key], &quorum).map(|_| ())
}

fn judge_files(vector: &Value, key: &VerifierKey) -> Result<(), Error> {
    let store = Memory::default();
    for (path, bytes) in vector["files"].as_object().unwrap() {
        store.put_file(path, STANDARD.decode(bytes.as_str().unwrap()).unwrap());
    }
    let (_, checkpoint) = signed_checkpoint(&store, "checkpoint", key)?;
    let found = check::survey(&store, checkpoint.head(), &mut |_| ())?;
    if let Some(first) = found.differences.into_iter().next() {
        return Err(first.into());
    }
    if let Some(since) = vector["since"].as_str() {
        let old = checkpoint::open(since, std::slice::from_ref(key))?;
        check::grown(&store, checkpoint.head(), old.head())?;
    }
    Ok(())
}

fn refused(judged: Result<(), Error>) -> Result<(), Refusal> {
    match judged {
        Ok(()) => Ok(()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(other) => unreachable!("{other}"),
    }
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/ledger");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let judged = judge(&vector);
        let code = judged.as_ref().err().map_or("success", |refusal| refusal.code());
        assert_eq!(code, text(&vector, "expect"), "{}", path.display());
        assert_eq!(
            judged.err().and_then(|refusal| refusal.index()),
            vector["index"].as_u64(),
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen > 30);
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
