//! What a bill declares: claims about the student, the evidence for each, and who assessed it.

use serde_json::{Value, json};

use super::Facts;

const STUDENT: &str = "student";
const ASSESSOR: &str = "assessor:signer";

/// The declarations of a bill.
pub(super) fn of(facts: &Facts<'_>) -> Value {
    let evidence: Vec<Value> =
        facts.family("evidence ").into_iter().map(|(path, digest)| proof(facts, path, digest)).collect();
    let proofs = |stem: &str| -> Vec<String> {
        let paths = facts.family("evidence ").into_iter().map(|(path, _)| path);
        paths.filter(|path| path.contains(stem)).map(reference).collect()
    };
    let claims = vec![
        claim(
            "claim:verdict",
            facts.shown("verdict"),
            "The agreement check's verdict on the plan, from the terms pack.",
            &proofs("data."),
        ),
        claim(
            "claim:shares",
            "The shares of the teachers are those that the records give.",
            "Recounted from the records, whose files the dataset manifest pins.",
            &proofs("data."),
        ),
        claim(
            "claim:run",
            "The run made this very model from this very data by this very plan.",
            "The run's provenance names all of them by digest.",
            &proofs("run."),
        ),
    ];
    let ids = ["claim:verdict", "claim:shares", "claim:run"];
    json!({
        "assessors": [{ "bom-ref": ASSESSOR, "thirdParty": false }],
        "attestations": [{
            "summary": "Signed by the maker; `stillmark verify` checks each claim offline against the bundles beside this bill.",
            "assessor": ASSESSOR,
            "map": ids.map(|id| json!({ "requirement": "urn:stillmark:run-folder:v1", "claims": [id] })),
        }],
        "claims": claims,
        "evidence": evidence,
        "targets": { "components": [] },
    })
}

fn claim(id: &str, predicate: &str, reasoning: &str, evidence: &[String]) -> Value {
    json!({ "bom-ref": id, "target": STUDENT, "predicate": predicate, "reasoning": reasoning, "evidence": evidence })
}

fn proof(facts: &Facts<'_>, path: &str, digest: &str) -> Value {
    let mut proof = json!({
        "bom-ref": reference(path),
        "propertyName": "stillmark:bundle",
        "description": format!("Sigstore bundle, sha256 {digest}"),
        "data": [{ "name": path, "contents": { "url": path } }],
    });
    if let Some(finished) = facts.finished() {
        proof["created"] = json!(finished);
    }
    proof
}

fn reference(path: &str) -> String {
    format!("evidence:{path}")
}
