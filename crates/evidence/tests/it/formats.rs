//! Digests, dates, keys, envelopes and bundles.

use proptest::prelude::*;
use stillmark_evidence::bundle::{self, Bundle};
use stillmark_evidence::keys::{PrivateKey, PublicKey};
use stillmark_evidence::provenance::Provenance;
use stillmark_evidence::{Date, Digest, FindingKind, Statement, Subject, Trust, dsse, model_signing, verify};

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_entropy(&[byte; 32]).unwrap()
}

fn statement() -> Statement<model_signing::Manifest> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.txt"), b"a").unwrap();
    model_signing::statement(dir.path()).unwrap()
}

#[test]
fn digests_and_dates_take_their_own_spelling_only() {
    let digest = Digest::of(b"abc");
    assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    for bad in ["", "ab", &digest.to_string().to_uppercase(), &format!("{digest}0"), &"é".repeat(32)] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
    let date: Date = "2024-02-29".parse().unwrap();
    assert!(date < "2024-03-01".parse().unwrap());
    for bad in
        ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-01", "2024-01-00", "24-01-01", "2024-01-01T"]
    {
        assert!(bad.parse::<Date>().is_err(), "{bad}");
    }
}

#[test]
fn keys_come_back_from_their_pem_and_sign_the_same_bits() {
    let key = key(1);
    let pem = key.to_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let again = PrivateKey::from_pem(&pem).unwrap();
    assert_eq!(again.sign(b"message"), key.sign(b"message"));
    let public = PublicKey::from_pem(key.public().to_pem()).unwrap();
    assert_eq!(public.id(), Digest::of(key.public().to_pem().as_bytes()));
    assert!(public.verifies(b"message", &again.sign(b"message")));
    assert!(!public.verifies(b"massage", &again.sign(b"message")));
    assert!(PrivateKey::from_pem(key.public().to_pem()).is_err());
}

#[test]
fn entropy_outside_the_group_still_gives_a_key() {
    for entropy in [[0; 32], [0xff; 32]] {
        assert!(PrivateKey::from_entropy(&entropy).is_ok());
    }
}

#[test]
fn the_authenticated_bytes_are_those_of_the_dsse_specification() {
    assert_eq!(
        dsse::pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

#[test]
fn a_bundle_verifies_under_its_key_and_under_no_other() {
    let bytes = Bundle::sign(&statement(), &key(1)).unwrap().to_bytes().unwrap();
    let trust = Trust::of([key(1).public().clone(), key(2).public().clone()]);
    let verified = verify::bundle::<model_signing::Manifest>(&bytes, &trust).unwrap();
    assert_eq!(verified.signer(), Some(key(1).public().id()));
    assert_eq!(*verified, statement_named(&verified.subject[0].name));
    let kind = |trust| verify::bundle::<model_signing::Manifest>(&bytes, &trust).unwrap_err().kind;
    assert_eq!(kind(Trust::of([key(2).public().clone()])), FindingKind::UnknownSigner);
    let foreign = verify::bundle::<Provenance>(&bytes, &trust).unwrap_err();
    assert_eq!(foreign.kind, FindingKind::WrongPredicate);
}

fn statement_named(name: &str) -> Statement<model_signing::Manifest> {
    let made = statement();
    Statement::new(vec![Subject::new(name, made.subject[0].digest.sha256)], made.predicate)
}

#[test]
fn a_signature_by_another_key_than_the_hint_says_is_bad() {
    let bytes = Bundle::sign(&statement(), &key(1)).unwrap().to_bytes().unwrap();
    let (first, second) = (key(1).public().id().to_string(), key(2).public().id().to_string());
    let forged = String::from_utf8(bytes).unwrap().replace(&first, &second);
    let trust = Trust::of([key(2).public().clone()]);
    let finding = verify::bundle::<model_signing::Manifest>(forged.as_bytes(), &trust).unwrap_err();
    assert_eq!(finding.kind, FindingKind::BadSignature);
}

proptest! {
    #[test]
    fn no_bytes_make_the_bundle_reader_stumble(bytes: Vec<u8>) {
        prop_assert!(bundle::parse(&bytes).is_err());
    }

    #[test]
    fn any_changed_byte_of_a_bundle_is_a_finding(at in 0_usize..900, flip in 1_u8..=255) {
        let mut bytes = Bundle::sign(&statement(), &key(1)).unwrap().to_bytes().unwrap();
        let at = at % (bytes.len() - 1);
        bytes[at] ^= flip;
        let trust = Trust::of([key(1).public().clone()]);
        // The key id inside the signature entry is a hint that no verifier reads.
        let keyid = String::from_utf8_lossy(&bytes).find("\"keyid\"").unwrap_or(0);
        if at < keyid {
            prop_assert!(verify::bundle::<model_signing::Manifest>(&bytes, &trust).is_err());
        }
    }
}
