//! Every vector of grants and receipts.

use serde_json::{Value, json};
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::consent::{Files, Use, id};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::receipt::Receipt;
use stillmark_evidence::{Digest, Finding, FindingKind, Trust, verify};
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

use crate::vectors::each;

fn key(name: &str) -> PrivateKey {
    let seed = match name {
        "provider" | "PROVIDER" => 1,
        "builder" | "BUILDER" => 2,
        _ => 3,
    };
    PrivateKey::from_entropy(&[seed; 32]).unwrap()
}

/// Puts the parties' keys where a vector names them.
fn keyed(statement: &Value) -> Value {
    let mut text = statement.to_string();
    for name in ["PROVIDER", "BUILDER"] {
        let pem = json!(key(name).public().to_pem()).to_string();
        text = text.replace(&format!("\"{name}\""), &pem);
    }
    serde_json::from_str(&text).unwrap()
}

fn signed(vector: &Value, which: &str, statement: &Value) -> Vec<u8> {
    let key = key(vector["signers"][which].as_str().unwrap());
    Bundle::sign_bytes(&serde_json::to_vec(statement).unwrap(), &key).to_bytes().unwrap()
}

fn about(vector: &Value, grant: Digest, kind: &str, predicate: &Value) -> Value {
    let named = vector["about"].as_str().map_or(grant.to_string(), str::to_owned);
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "grant", "digest": { "sha256": named } }],
        "predicateType": format!("urn:stillmark:distillation-{kind}:v1"),
        "predicate": predicate,
    })
}

fn files(vector: &Value) -> Files {
    let grant = signed(vector, "grant", &keyed(&vector["grant"]));
    let name = id(&grant).unwrap();
    let mut files = Files { grant, ..Files::default() };
    if !vector["acceptance"].is_null() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), SigningKey::from_seed("nova", &[9; 32]).unwrap()).unwrap();
        let mut predicate = vector["acceptance"].clone();
        predicate["log"] = log.verifier().to_string().into();
        let bytes = signed(vector, "acceptance", &about(vector, name, "acceptance", &predicate));
        let index = log.append(&[Digest::of(&bytes).as_bytes()]).unwrap().start;
        if vector["logged"] == true {
            files.acceptance_proof = Some(log.prove(index).unwrap().encode().into_bytes());
        }
        files.acceptance = Some(bytes);
    }
    if !vector["revocation"].is_null() {
        let statement = about(vector, name, "revocation", &vector["revocation"]);
        files.revocation = Some(signed(vector, "revocation", &statement));
    }
    files
}

fn used(of: &Value) -> Use {
    let text = |name: &str| of[name].as_str().map(str::to_owned);
    let day = |at: usize| of["days"][at].as_str().unwrap().parse().unwrap();
    Use {
        builder: text("builder").map(|name| key(&name).public().id()),
        asset: text("asset").map(|digest| digest.parse().unwrap()),
        name: text("name"),
        audience: text("audience"),
        student_parameters: of["parameters"].as_u64(),
        tokens: of["tokens"].as_u64(),
        days: Some((day(0), day(1))),
    }
}

fn codes(findings: Vec<Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| finding.kind.code().to_owned()).collect()
}

#[test]
fn grants() {
    each("grant", |vector| match verify::consent(&files(vector), &Trust::default()) {
        Err(finding) => codes(vec![finding]),
        Ok(consent) => codes(consent.faults(&used(&vector["use"]))),
    });
}

#[test]
fn a_grant_says_whether_its_issuer_is_trusted() {
    let vector = include_str!("../../../../docs/spec/vectors/grant/good.json");
    let files = files(&serde_json::from_str(vector).unwrap());
    let trusted = Trust::of([key("provider").public().clone()]);
    assert!(verify::consent(&files, &trusted).unwrap().is_issuer_trusted);
    assert!(!verify::consent(&files, &Trust::default()).unwrap().is_issuer_trusted);
}

#[test]
fn any_cut_of_a_grant_is_refused() {
    let vector = include_str!("../../../../docs/spec/vectors/grant/good.json");
    let whole = files(&serde_json::from_str(vector).unwrap());
    for end in (0..whole.grant.len() - 1).step_by(7) {
        let cut = Files { grant: whole.grant[..end].to_vec(), ..whole.clone() };
        assert!(verify::consent(&cut, &Trust::default()).is_err(), "cut at {end}");
    }
}

#[test]
fn receipts() {
    each("receipt", |vector| {
        let found = Receipt::from_header(vector["header"].as_str().unwrap()).and_then(|receipt| {
            let leaf = receipt.leaf()?;
            if receipt.is_for(&leaf, vector["answer"].as_str().unwrap()) {
                return Ok(());
            }
            Err(Finding::new(FindingKind::ForgedReceipt, "answer", "it does not open"))
        });
        codes(found.err().into_iter().collect())
    });
}
