//! What a bundle carries, under a good signature: every predicate, and the model signature's agreement with a folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::manifest::DatasetManifest;
use stillmark_evidence::provenance::Provenance;
use stillmark_evidence::{card, model_signing, verify};
use stillmark_fuzz::{in_file, key, trust};

fuzz_target!(|payload: &[u8]| {
    let bundle = Bundle::sign_bytes(payload, &key()).to_bytes().expect("a bundle can be written");
    if let Ok(manifest) = verify::bundle::<DatasetManifest>(&bundle, &trust()) {
        _ = card::teachers(&manifest.predicate);
        let written = manifest.to_canonical().expect("what was read can be written");
        let bundle = Bundle::sign_bytes(&written, &key()).to_bytes().expect("a bundle can be written");
        assert_eq!(*verify::bundle::<DatasetManifest>(&bundle, &trust()).expect("it reads back"), *manifest);
    }
    if let Ok(run) = verify::bundle::<Provenance>(&bundle, &trust()) {
        _ = (run.predicate.dependency("plan"), run.predicate.byproduct("metrics"));
    }
    _ = verify::bundle::<Disclosure>(&bundle, &trust());
    if let Ok(model) = verify::bundle::<model_signing::Manifest>(&bundle, &trust()) {
        _ = model_signing::consistent(&model);
        in_file("weights", b"w", |path| {
            let folder = path.parent().expect("a file lies in a folder");
            _ = model_signing::check(folder, &model);
        });
    }
});
