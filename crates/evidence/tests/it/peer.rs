//! The public tool `model_signing` and ours judge each other's signatures alike.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::Path;
use std::process::Command;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::{FindingKind, Trust, model_signing, verify};

/// The tool's executable, where the environment names one.
fn tool() -> Option<std::ffi::OsString> {
    let tool = std::env::var_os("STILLMARK_MODEL_SIGNING");
    if tool.is_none() {
        eprintln!("skipped: STILLMARK_MODEL_SIGNING does not name the model_signing executable");
    }
    tool
}

fn accepts(tool: &std::ffi::OsStr, dir: &Path) -> bool {
    let output = Command::new(tool)
        .current_dir(dir)
        .args(["verify", "key", "--public_key", "p.pem", "--signature", "m.sig", "model"])
        .output()
        .unwrap();
    output.status.success()
}

fn model(dir: &Path) -> PrivateKey {
    let key = PrivateKey::from_entropy(&[5; 32]).unwrap();
    std::fs::create_dir_all(dir.join("model/a")).unwrap();
    std::fs::write(dir.join("model/a/c"), "c").unwrap();
    std::fs::write(dir.join("model/a.b"), "b").unwrap();
    std::fs::write(dir.join("model/weights"), vec![1; 100_000]).unwrap();
    std::fs::write(dir.join("p.pem"), key.public().to_pem()).unwrap();
    std::fs::write(dir.join("k.pem"), key.to_pem().unwrap()).unwrap();
    key
}

#[test]
fn the_public_tool_takes_our_signature_and_refuses_what_was_changed() {
    let Some(tool) = tool() else { return };
    let dir = tempfile::tempdir().unwrap();
    let key = model(dir.path());
    let statement = model_signing::statement(&dir.path().join("model")).unwrap();
    let bytes = Bundle::sign(&statement, &key).unwrap().to_bytes().unwrap();
    std::fs::write(dir.path().join("m.sig"), bytes).unwrap();
    assert!(accepts(&tool, dir.path()));
    std::fs::write(dir.path().join("model/new"), "x").unwrap();
    assert!(!accepts(&tool, dir.path()));
    std::fs::remove_file(dir.path().join("model/new")).unwrap();
    std::fs::write(dir.path().join("model/a/c"), "d").unwrap();
    assert!(!accepts(&tool, dir.path()));
    std::fs::remove_file(dir.path().join("model/a/c")).unwrap();
    assert!(!accepts(&tool, dir.path()));
}

#[test]
fn we_take_the_public_tools_signature_and_refuse_what_was_changed() {
    let Some(tool) = tool() else { return };
    let dir = tempfile::tempdir().unwrap();
    let key = model(dir.path());
    let output = Command::new(&tool)
        .current_dir(dir.path())
        .args(["sign", "key", "--private_key", "k.pem", "--signature", "m.sig", "model"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(dir.path().join("m.sig")).unwrap();
    let trust = Trust::of([key.public().clone()]);
    let statement = verify::bundle::<model_signing::Manifest>(&bytes, &trust).unwrap();
    let folder = dir.path().join("model");
    assert_eq!(model_signing::check(&folder, &statement), []);
    let ours = model_signing::statement(&folder).unwrap();
    assert_eq!(ours.subject[0].digest, statement.subject[0].digest, "both digest the model alike");
    std::fs::write(folder.join("weights"), vec![2; 100_000]).unwrap();
    let kinds: Vec<FindingKind> =
        model_signing::check(&folder, &statement).into_iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::BadDigest]);
}
