//! Signed evidence of every model, verified from the last one's folder.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey};
use rayon::prelude::*;
use serde_json::json;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::card::{Claims, TeacherShare};
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::layout::{Document, path};
use stillmark_evidence::manifest::{
    Counts, DatasetManifest, Duty, Source, SourceKind, Teacher, Terms, Verdict,
};
use stillmark_evidence::model_signing::{self, Manifest, Resource, Serialization};
use stillmark_evidence::provenance::{
    BUILD_TYPE, BuildDefinition, Builder, InternalParameters, Metadata, Provenance, ResourceDescriptor,
    RunDetails, name,
};
use stillmark_evidence::verify::{self, RecordFacts, RecordReader};
use stillmark_evidence::{Digest, Finding, Statement, Subject, Trust};

use crate::graph::{Parents, parents};
use crate::watch::{Row, Taken, take};

/// Signers that take turns.
const SIGNERS: usize = 50;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Nothing to read: the folder has no records.
struct NoRecords;

impl RecordReader for NoRecords {
    fn read(&self, _file: &Path) -> Result<RecordFacts, Finding> {
        Ok(RecordFacts::default())
    }
}

/// What one signature over 2 kB costs, by either library, on one core.
pub(crate) fn one_signature() -> Result<(Vec<Taken>, Vec<Taken>), Box<dyn Error>> {
    const MANY: u32 = 1000;
    let ours = PrivateKey::from_entropy(&[3; 32])?;
    let theirs = SigningKey::from_slice(&[3; 32])?;
    let messages: Vec<Vec<u8>> = (0..MANY).map(|at| [&[7; 2000][..], &at.to_le_bytes()].concat()).collect();
    let signatures: Vec<DerSignature> = messages.iter().map(|message| theirs.sign(message)).collect();
    let pairs = || messages.iter().zip(&signatures);
    let mut taken = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (all, time) = take(|| {
            pairs().all(|(message, signature)| theirs.verifying_key().verify(message, signature).is_ok())
        });
        taken.0.push(time.part(MANY));
        let (also, time) = take(|| {
            pairs().all(|(message, signature)| ours.public().verifies(message, signature.as_bytes()))
        });
        taken.1.push(time.part(MANY));
        if !(all && also) {
            return Err("a signature does not hold".into());
        }
    }
    Ok(taken)
}

/// Makes the evidence, then verifies it.
pub(crate) fn rows(models: usize, times: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let keys: Vec<PrivateKey> =
        (0..SIGNERS).map(|at| PrivateKey::from_entropy(&[at as u8 + 1; 32])).collect::<Result<_, _>>()?;
    let dir = tempfile::tempdir()?;
    let evidence = dir.path().join(path::EVIDENCE);
    fs::create_dir_all(&evidence)?;
    let last = models - 1;
    let lines: Vec<String> = (0..last)
        .into_par_iter()
        .map(|at| Ok(bundles(at, &keys[at % SIGNERS])?.concat()))
        .collect::<Fallible<_>>()
        .map_err(|err| err.to_string())?;
    let text = lines.concat();
    let statements = text.lines().count();
    fs::write(dir.path().join(path::UPSTREAM), &text)?;
    let pem: String = keys.iter().map(|key| key.public().to_pem()).collect();
    fs::write(dir.path().join(path::UPSTREAM_KEYS), pem)?;
    let own = bundles(last, &keys[0]).map_err(|err| err.to_string())?;
    fs::write(dir.path().join(path::SIGNER), keys[0].public().to_pem())?;
    for (document, bundle) in [Document::Model, Document::Data, Document::Run].into_iter().zip(&own) {
        fs::write(dir.path().join(document.bundle_path()), bundle)?;
    }
    let trust = Trust::of(keys.iter().map(|key| key.public().clone()));
    let mut taken = Vec::new();
    for _ in 0..times {
        let (facts, time) = take(|| verify::folder(dir.path(), &trust, &NoRecords));
        taken.push(time);
        let facts = facts?;
        let found = facts.ancestry.as_ref().map_or(0, |ancestry| ancestry.models.len());
        let wrong =
            facts.report.checks.iter().find(|check| check.id == "extra-statement" || check.id == "cycle");
        if found != last || wrong.is_some() {
            return Err(format!("{found} of {last} models, {wrong:?}").into());
        }
    }
    let name = format!("{statements} statements ({} MB) verified", text.len() / 1_000_000);
    Ok(vec![Row::of(&name, &taken)])
}

/// The lines of one model: model, data, run, disclosure; an origin has only the first.
fn bundles(at: usize, key: &PrivateKey) -> Fallible<Vec<String>> {
    let model = model(at)?;
    let made = parents(at);
    let line = |bundle: Bundle| Ok::<_, Box<dyn Error + Send + Sync>>(String::from_utf8(bundle.to_bytes()?)?);
    let mut lines = vec![line(Bundle::sign(&model, key)?)?];
    if made.teachers.is_empty() {
        return Ok(lines);
    }
    let data = data(at, &made)?;
    let payload = data.to_canonical()?;
    lines.push(line(Bundle::sign_bytes(&payload, key))?);
    let run = run(at, &made, Digest::of(&payload))?;
    lines.push(line(Bundle::sign(&Statement::new(model.subject.clone(), run), key)?)?);
    let claims = Claims {
        base_model: vec![],
        base_model_relation: "finetune".to_owned(),
        datasets: vec![],
        license: "apache-2.0".to_owned(),
        teachers: vec![TeacherShare { name: format!("model-{}", at - 1), share: 1.0 }],
        tokens: 1000,
        record: Digest::of(&payload),
    };
    let disclosure = Disclosure { claims, verdict: Verdict::PermitWithDuties, duties: data.predicate.duties };
    lines.push(line(Bundle::sign(&Statement::new(model.subject, disclosure), key)?)?);
    Ok(lines)
}

fn model(at: usize) -> Fallible<Statement<Manifest>> {
    let files = ["README.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
    let resource = |file: &str| Resource {
        name: file.to_owned(),
        algorithm: "sha256".to_owned(),
        digest: Digest::of(format!("{file} {at}").as_bytes()).to_string(),
    };
    let serialization = Serialization {
        method: "files".to_owned(),
        hash_type: "sha256".to_owned(),
        allow_symlinks: false,
        shard_size: None,
        ignore_paths: vec![],
    };
    let manifest = Manifest { resources: files.map(resource).to_vec(), serialization };
    let root = model_signing::root(&manifest)?;
    Ok(Statement::new(vec![Subject::new("model", root)], manifest))
}

fn weights(at: usize) -> Fallible<Digest> {
    model_signing::weights(&model(at)?.predicate).first().copied().ok_or_else(|| "no weights".into())
}

fn data(at: usize, made: &Parents) -> Fallible<Statement<DatasetManifest>> {
    let terms = vec![Terms { id: "cc-by-4.0".to_owned(), digest: Digest::of(b"terms") }];
    let mut sources = Vec::new();
    for teacher in &made.teachers {
        let named = Teacher {
            name: format!("model-{teacher}"),
            weights: Some(weights(*teacher)?),
            api: None,
            offer: None,
        };
        sources.push(Source {
            id: format!("of-{teacher}"),
            kind: SourceKind::Teacher,
            teacher: Some(named),
            terms: terms.clone(),
            grant: None,
            receipts: vec![],
            prompts: None,
            generation: BTreeMap::from([("temperature".to_owned(), json!(0.7))]),
            watermark: None,
            filters: vec![],
            rows: 100,
            tokens: 10_000,
            share: 1.0 / made.teachers.len() as f64,
        });
    }
    let duty = Duty {
        id: "attribute".to_owned(),
        text: "Credit the dataset and link its license.".to_owned(),
        terms: "cc-by-4.0".to_owned(),
        clause: "s.2(a), 3(a)".to_owned(),
    };
    let tokens = 10_000 * made.teachers.len() as u64;
    let record = DatasetManifest {
        sources,
        tokenizer: Digest::of(b"tokenizer"),
        totals: Counts { rows: tokens / 100, tokens },
        verdict: Verdict::PermitWithDuties,
        duties: vec![duty],
        accepted: vec![],
    };
    Ok(Statement::new(vec![Subject::new("records-00000.parquet", Digest::of(&at.to_le_bytes()))], record))
}

fn run(at: usize, made: &Parents, data: Digest) -> Fallible<Provenance> {
    let mut resolved_dependencies = vec![
        ResourceDescriptor::code("stillmark", "0.1.0"),
        ResourceDescriptor::of(name::TOKENIZER, "urn:stillmark:tokenizer", Digest::of(b"tokenizer")),
        ResourceDescriptor::of(name::DATASET_MANIFEST, "file:data/manifest.json", data),
        ResourceDescriptor::of(name::PLAN, "file:plan.toml", Digest::of(&at.to_le_bytes())),
    ];
    if let Some(base) = made.base {
        resolved_dependencies.push(ResourceDescriptor::base(&format!("model-{base}"), weights(base)?));
    }
    for teacher in &made.teachers {
        let digest = weights(*teacher)?;
        resolved_dependencies.push(ResourceDescriptor::teacher(
            &format!("of-{teacher}"),
            "file:teacher",
            digest,
        ));
    }
    let build_definition = BuildDefinition {
        build_type: BUILD_TYPE.to_owned(),
        external_parameters: json!({
            "student": { "name": format!("model-{at}"), "license": "apache-2.0", "init": { "from": "teacher", "layers": 2, "by": "even" } },
            "capture": { "max_tokens": 256, "top_logprobs": 8, "shard_rows": 4096, "seed": 7 },
            "train": { "steps": 4000, "seq_len": 512, "batch": 8, "held_out": 0.02, "eval_every": 200, "seed": 7 }
        }),
        internal_parameters: InternalParameters::default(),
        resolved_dependencies,
    };
    let builder = Builder { id: "urn:stillmark:cli".to_owned(), version: BTreeMap::new() };
    let metadata = Metadata { finished_on: Some("2026-11-27T00:00:00Z".to_owned()), ..Metadata::default() };
    Ok(Provenance { build_definition, run_details: RunDetails { builder, metadata, byproducts: vec![] } })
}
