//! Witnesses: what they cosign, what they refuse, and what a quorum demands.

use stillmark_ledger::checkpoint::{self, Quorum};
use stillmark_ledger::note::{CosignerKey, SigningKey};
use stillmark_ledger::{Log, Refusal, proof, witness};

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, &[name.len() as u8; 32]).unwrap()
}

fn log_key() -> SigningKey {
    key("example.org/log")
}

const TIME: u64 = 1_679_315_147;

#[test]
fn a_witness_cosigns_what_grew_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::create(dir.path(), log_key()).unwrap();
    let own = key("witness.example/w1");
    let keys = [log.verifier()];
    log.append(&[b"one", b"two", b"three"]).unwrap();
    let verifier = log.verifier();
    let first = witness::cosign(None, log.checkpoint(), &[], &verifier, (&own, TIME)).unwrap();
    let last = checkpoint::open(&first, &keys).unwrap();
    log.append(&[b"four", b"five"]).unwrap();
    let path = log.consistency(3, 5).unwrap().unwrap();
    let cosign =
        |signed: &str, path: &[_]| witness::cosign(Some(&last), signed, path, &verifier, (&own, TIME));
    let second = cosign(log.checkpoint(), &path).unwrap();
    let quorum = Quorum { witnesses: vec![own.cosigner()], needed: 1 };
    assert_eq!(checkpoint::open_witnessed(&second, &keys, &quorum).unwrap().size, 5);
    assert_eq!(cosign(log.checkpoint(), &[]), Err(Refusal::Inconsistent));
    assert_eq!(cosign(log.checkpoint(), &path[1..]), Err(Refusal::Inconsistent));
    // The same checkpoint again is cosigned again, with one line of ours.
    assert_eq!(cosign(&first, &[]).unwrap().matches("witness.example/w1").count(), 1);
    let other = tempfile::tempdir().unwrap();
    let mut forged = Log::create(other.path(), log_key()).unwrap();
    assert_eq!(cosign(forged.checkpoint(), &[]), Err(Refusal::Stale { found: 0, known: 3 }));
    forged.append(&[b"1", b"2", b"3"]).unwrap();
    assert_eq!(cosign(forged.checkpoint(), &[]), Err(Refusal::SplitView { size: 3 }));
    let stranger = key("elsewhere.example").verifier();
    let unknown = witness::cosign(None, log.checkpoint(), &[], &stranger, (&own, TIME));
    assert_eq!(unknown, Err(Refusal::UnknownSigner));
    // The log publishes the cosignature, and its proofs carry it.
    log.cosigned(&second, &quorum.witnesses).unwrap();
    drop(log);
    let log = Log::open(dir.path(), log_key()).unwrap();
    let proof = log.prove(1).unwrap();
    proof::verify_witnessed(&proof, b"two", &keys, &quorum).unwrap();
    assert_eq!(log.checkpoint(), second);
}

#[test]
fn a_quorum_counts_secrets_and_refuses_bad_cosignatures() {
    let log = log_key();
    let (one, two) = (key("witness.example/w1"), key("witness.example/second"));
    let plain = checkpoint::Checkpoint {
        origin: "example.org/log".to_owned(),
        size: 0,
        root: stillmark_ledger::tree::empty_root(),
    }
    .sign(&log);
    let text = plain.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let keys = [log.verifier()];
    let both = vec![one.cosigner(), two.cosigner()];
    let open = |note: &str, witnesses: &[CosignerKey], needed| {
        let quorum = Quorum { witnesses: witnesses.to_vec(), needed };
        checkpoint::open_witnessed(note, &keys, &quorum).map(|checkpoint| checkpoint.size)
    };
    let lacking = |found, needed| Err(Refusal::TooFewWitnesses { found, needed });
    assert_eq!(open(&plain, &both, 0), Ok(0));
    assert_eq!(open(&plain, &both, 1), lacking(0, 1));
    let once = format!("{plain}{}", one.cosign(&text, TIME));
    assert_eq!(open(&once, &both, 1), Ok(0));
    assert_eq!(open(&once, &both, 2), lacking(1, 2));
    let twice = format!("{once}{}", one.cosign(&text, TIME + 1));
    assert_eq!(open(&twice, &both, 2), lacking(1, 2));
    assert_eq!(open(&format!("{once}{}", two.cosign(&text, TIME)), &both, 2), Ok(0));
    // The same secret under two names is one witness.
    let alias = SigningKey::from_seed("alias.example", &["witness.example/w1".len() as u8; 32]).unwrap();
    let aliased = format!("{once}{}", alias.cosign(&text, TIME));
    assert_eq!(open(&aliased, &[one.cosigner(), alias.cosigner()], 2), lacking(1, 2));
    let of_another = format!("{plain}{}", one.cosign("another\n0\nAAAA\n", TIME));
    assert_eq!(open(&of_another, &both, 0), Err(Refusal::BadSignature { name: "witness.example/w1".into() }));
    let far = format!("{plain}{}", one.cosign(&text, u64::MAX));
    assert_eq!(open(&far, &both, 0), Err(Refusal::BadSignature { name: "witness.example/w1".into() }));
    // A witness's plain signature is no cosignature.
    let signed = one.sign(&text);
    let plainly = format!("{plain}{}", signed.rsplit_once("\n\n").unwrap().1);
    assert_eq!(open(&plainly, &both, 1), lacking(0, 1));
}

#[test]
fn witness_keys_come_back_from_their_text_and_are_no_log_keys() {
    let own = key("witness.example/w1");
    let text = own.cosigner().to_string();
    assert_eq!(CosignerKey::parse(&text).unwrap(), own.cosigner());
    assert!(stillmark_ledger::note::VerifierKey::parse(&text).is_err());
    assert!(CosignerKey::parse(&own.verifier().to_string()).is_err());
}

/// The example of the specification verifies under no key that we know, but follows the format.
#[test]
fn the_example_of_the_specification_parses() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let parsed = stillmark_ledger::note::parse(note).unwrap();
    assert_eq!(parsed.signatures.len(), 2);
    assert_eq!(parsed.signatures[1].signature[..8], TIME.to_be_bytes());
    assert_eq!(parsed.signatures[1].to_string(), format!("{}\n", note.lines().last().unwrap()));
}
