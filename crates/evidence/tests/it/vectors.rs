//! Every test vector of this room's specification pages.

use crate::folder::{self, Made};
use serde_json::Value;
use std::fs;
use std::path::Path;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::keys::{PrivateKey, PublicKey};
use stillmark_evidence::manifest::DatasetManifest;
use stillmark_evidence::provenance::Provenance;
use stillmark_evidence::watermark::{self, WatermarkFinding};
use stillmark_evidence::{
    Finding, FindingKind, Predicate, Statement, Trust, Verified, model_signing, verify,
};

pub(crate) fn each(name: &str, judge: impl Fn(&Value) -> Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(name);
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let (found, expect) = (judge(&vector), vector["expect"].as_str().unwrap());
        let known = expect == "success" || FindingKind::ALL.iter().any(|kind| kind.code() == expect);
        assert!(known, "{}: `{expect}` is no finding", path.display());
        let as_expected =
            if expect == "success" { found.is_empty() } else { found.iter().any(|code| code == expect) };
        assert!(as_expected, "{}: expected {expect}, found {found:?}", path.display());
        seen += 1;
    }
    assert!(seen > 3, "{} holds too few vectors", folder.display());
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap()
}

fn judge_payload<P: Predicate>(vector: &Value) -> Vec<String> {
    let judged = verify_payload::<P>(vector);
    judged.err().map(|finding| finding.kind.code().to_owned()).into_iter().collect()
}

fn verify_payload<P: Predicate>(vector: &Value) -> Result<Verified<Statement<P>>, Finding> {
    let key = PrivateKey::from_entropy(&[1; 32]).unwrap();
    let payload = serde_json::to_vec(&vector["statement"]).unwrap();
    let bytes = Bundle::sign_bytes(&payload, &key).to_bytes().unwrap();
    verify::bundle::<P>(&bytes, &Trust::of([key.public().clone()]))
}

#[test]
fn bundles() {
    each("dsse-bundle", |vector| {
        let key = PublicKey::from_pem(text(vector, "trust")).unwrap();
        let bytes = text(vector, "bundle").as_bytes();
        let judged = verify::bundle::<model_signing::Manifest>(bytes, &Trust::of([key]));
        judged.err().map(|finding| finding.kind.code().to_owned()).into_iter().collect()
    });
}

#[test]
fn dataset_manifests() {
    each("dataset-manifest", judge_payload::<DatasetManifest>);
}

#[test]
fn distill_runs() {
    each("distill-run", judge_payload::<Provenance>);
}

#[test]
fn watermark_findings() {
    each("watermark-finding", |vector| {
        let findings = match verify_payload::<WatermarkFinding>(vector) {
            Ok(statement) => watermark::check(&statement.predicate),
            Err(finding) => vec![finding],
        };
        findings.into_iter().map(|finding| finding.kind.code().to_owned()).collect()
    });
}

#[test]
fn model_signatures() {
    each("model-signature", |vector| {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in vector["files"].as_object().unwrap() {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content.as_str().unwrap()).unwrap();
        }
        let statement: Statement<model_signing::Manifest> =
            serde_json::from_value(vector["statement"].clone()).unwrap();
        let findings = model_signing::check(dir.path(), &statement);
        findings.into_iter().map(|finding| finding.kind.code().to_owned()).collect()
    });
}

#[test]
fn run_folders() {
    each("run-folder", |vector| {
        let dir = tempfile::tempdir().unwrap();
        Made::honest().seal(dir.path());
        for (name, content) in vector["write"].as_object().unwrap() {
            fs::write(dir.path().join(name), content.as_str().unwrap()).unwrap();
        }
        for name in vector["remove"].as_array().unwrap() {
            fs::remove_file(dir.path().join(name.as_str().unwrap())).unwrap();
        }
        let trust = if text(vector, "trust") == "signer" { folder::trust() } else { Trust::default() };
        let report = folder::judge(dir.path(), &trust);
        let bad =
            report.checks.into_iter().filter(|check| FindingKind::ALL.iter().any(|k| k.code() == check.id));
        bad.map(|check| check.id).collect()
    });
}
