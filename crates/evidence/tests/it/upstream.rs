//! Evidence of models upstream: graphs that are made, signed, changed, and what `verify` says of each.

use crate::folder::{self, Made};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use stillmark_evidence::bundle::{self, Bundle};
use stillmark_evidence::card::{Claims, TeacherShare};
use stillmark_evidence::checks::{Check, CheckVerdict, FolderReport};
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::layout::path;
use stillmark_evidence::manifest::{
    Counts, DatasetManifest, Duty, Source, SourceKind, Teacher, Terms, Verdict,
};
use stillmark_evidence::model_signing::{self, Manifest, Resource, Serialization};
use stillmark_evidence::provenance::{
    BUILD_TYPE, BuildDefinition, Builder, InternalParameters, Metadata, Provenance, ResourceDescriptor,
    RunDetails, name,
};
use stillmark_evidence::upstream::{self, Upstream};
use stillmark_evidence::{Digest, Statement, Subject, Trust};

/// A model upstream, as a vector names it.
pub(crate) struct Model {
    name: String,
    from: Vec<String>,
    key: u8,
    verdict: Verdict,
}

impl Model {
    pub(crate) fn of(vector: &Value) -> Self {
        let from = vector["from"].as_array().into_iter().flatten();
        Self {
            name: vector["name"].as_str().unwrap().to_owned(),
            from: from.map(|name| name.as_str().unwrap().to_owned()).collect(),
            key: vector["key"].as_u64().unwrap_or(4) as u8,
            verdict: serde_json::from_value(vector.get("verdict").cloned().unwrap_or(json!("permit")))
                .unwrap(),
        }
    }

    fn key(&self) -> PrivateKey {
        key(self.key)
    }

    /// Its four statements by kind, as lines.
    fn lines(&self) -> BTreeMap<&'static str, String> {
        let model = model(&self.name);
        let subject = model.subject.clone();
        let data = self.data();
        let payload = data.to_canonical().unwrap();
        let run = self.run(subject.clone(), Digest::of(&payload));
        let disclosure = Statement::new(subject, disclosure(&self.from, self.verdict));
        let key = self.key();
        let mut lines = BTreeMap::from([("model", Bundle::sign(&model, &key).unwrap())]);
        if !self.from.is_empty() {
            lines.insert("data", Bundle::sign_bytes(&payload, &key));
            lines.insert("run", Bundle::sign(&run, &key).unwrap());
            lines.insert("disclosure", Bundle::sign(&disclosure, &key).unwrap());
        }
        lines.into_iter().map(|(kind, bundle)| (kind, text(&bundle))).collect()
    }

    fn teachers(&self) -> impl Iterator<Item = &str> {
        self.from.iter().filter(|name| !name.starts_with("base:")).map(String::as_str)
    }

    fn data(&self) -> Statement<DatasetManifest> {
        let each = 1.0 / self.teachers().count().max(1) as f64;
        let source = |teacher: &str| Source {
            id: format!("of-{teacher}"),
            kind: SourceKind::Teacher,
            teacher: Some(Teacher {
                name: teacher.to_owned(),
                weights: Some(weights(teacher)),
                api: None,
                offer: None,
            }),
            terms: vec![Terms { id: "apache-2.0".to_owned(), digest: Digest::of(b"terms") }],
            grant: None,
            receipts: vec![],
            prompts: None,
            generation: BTreeMap::new(),
            watermark: None,
            filters: vec![],
            rows: 1,
            tokens: 100,
            share: each,
        };
        let tokens = 100 * self.teachers().count() as u64;
        let duty = Duty {
            id: "attribute".to_owned(),
            text: "Name the teacher.".to_owned(),
            terms: "cc-by-4.0".to_owned(),
            clause: "s.3".to_owned(),
        };
        let manifest = DatasetManifest {
            sources: self.teachers().map(source).collect(),
            tokenizer: Digest::of(b"tokenizer"),
            totals: Counts { rows: 1, tokens },
            verdict: self.verdict,
            duties: vec![duty],
            accepted: vec![],
        };
        let records = format!("records of {}", self.name);
        Statement::new(vec![Subject::new("records-00000.parquet", Digest::of(records.as_bytes()))], manifest)
    }

    fn run(&self, subject: Vec<Subject>, data: Digest) -> Statement<Provenance> {
        let mut resolved_dependencies = vec![
            ResourceDescriptor::of(name::TOKENIZER, "hf:x", Digest::of(b"tokenizer")),
            ResourceDescriptor::of(name::DATASET_MANIFEST, "file:data/manifest.json", data),
        ];
        for from in &self.from {
            resolved_dependencies.push(match from.strip_prefix("base:") {
                Some(base) => ResourceDescriptor::base(base, weights(base)),
                None => ResourceDescriptor::teacher(&format!("of-{from}"), "file:x", weights(from)),
            });
        }
        let build_definition = BuildDefinition {
            build_type: BUILD_TYPE.to_owned(),
            external_parameters: json!({ "student": { "name": self.name } }),
            internal_parameters: InternalParameters::default(),
            resolved_dependencies,
        };
        let builder = Builder { id: "urn:stillmark:cli".to_owned(), version: BTreeMap::new() };
        let run_details = RunDetails { builder, metadata: Metadata::default(), byproducts: vec![] };
        Statement::new(subject, Provenance { build_definition, run_details })
    }
}

fn disclosure(teachers: &[String], verdict: Verdict) -> Disclosure {
    let claims = Claims {
        base_model: vec![],
        base_model_relation: "finetune".to_owned(),
        datasets: vec![],
        license: "apache-2.0".to_owned(),
        teachers: teachers.iter().map(|name| TeacherShare { name: name.clone(), share: 1.0 }).collect(),
        tokens: 100,
        record: Digest::of(b"record"),
    };
    Disclosure { claims, verdict, duties: vec![] }
}

fn key(byte: u8) -> PrivateKey {
    PrivateKey::from_entropy(&[byte; 32]).unwrap()
}

fn text(bundle: &Bundle) -> String {
    String::from_utf8(bundle.to_bytes().unwrap()).unwrap()
}

/// A signed model whose files follow from its name.
fn model(name: &str) -> Statement<Manifest> {
    let resource = |file: &str| Resource {
        name: file.to_owned(),
        algorithm: "sha256".to_owned(),
        digest: Digest::of(format!("{file} of {name}").as_bytes()).to_string(),
    };
    let resources = ["README.md", "config.json", "model.safetensors"].map(resource).to_vec();
    let serialization = Serialization {
        method: "files".to_owned(),
        hash_type: "sha256".to_owned(),
        allow_symlinks: false,
        shard_size: None,
        ignore_paths: vec![],
    };
    let manifest = Manifest { resources, serialization };
    let root = model_signing::root(&manifest).unwrap();
    Statement::new(vec![Subject::new("model", root)], manifest)
}

/// The digest that a run names it by.
fn weights(name: &str) -> Digest {
    model_signing::weights(&model(name).predicate)[0]
}

/// The statement of a line, changed and signed anew.
fn resigned(line: &str, by: u8, change: impl Fn(&mut Value)) -> String {
    let payload = bundle::parse(line.as_bytes()).unwrap().envelope().payload().unwrap();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    change(&mut statement);
    text(&Bundle::sign_bytes(&serde_json_canonicalizer::to_vec(&statement).unwrap(), &key(by)))
}

/// The lines that a vector describes.
fn file(vector: &Value, models: &[Model]) -> String {
    let mut lines = BTreeMap::new();
    for model in models {
        for (kind, line) in model.lines() {
            lines.insert(format!("{}.{kind}", model.name), line);
        }
    }
    for name in vector["drop"].as_array().into_iter().flatten() {
        lines.remove(name.as_str().unwrap()).unwrap();
    }
    for (name, edit) in vector["edit"].as_object().into_iter().flatten() {
        let line = lines.get_mut(name).unwrap();
        let (from, to) = (edit[0].as_str().unwrap(), edit[1].as_str().unwrap());
        assert!(line.contains(from), "{name} does not hold {from}");
        *line = line.replace(from, to);
    }
    for (name, key) in vector["resign"].as_object().into_iter().flatten() {
        let line = lines.get_mut(name).unwrap();
        *line = resigned(line, key.as_u64().unwrap() as u8, |_| ());
    }
    for name in vector["again"].as_array().into_iter().flatten() {
        let again = resigned(&lines[name.as_str().unwrap()], 4, |statement| {
            statement["predicate"]["runDetails"]["metadata"]["invocationId"] = json!("again");
        });
        lines.insert(format!("{name} again"), again);
    }
    for (name, statement) in vector["sign"].as_object().into_iter().flatten() {
        let payload = serde_json::to_vec(statement).unwrap();
        lines.insert(name.clone(), text(&Bundle::sign_bytes(&payload, &key(4))));
    }
    let mut all: String = lines.values().cloned().collect();
    for raw in vector["raw"].as_array().into_iter().flatten() {
        let _ = writeln!(all, "{}", raw.as_str().unwrap());
    }
    all
}

/// Makes the folder that a vector describes, and judges it.
pub(crate) fn judge(vector: &Value) -> FolderReport {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let models: Vec<Model> = vector["models"].as_array().unwrap().iter().map(Model::of).collect();
    let all = file(vector, &models);
    fs::create_dir_all(dir.join("evidence")).unwrap();
    if vector["file"] != json!(false) {
        fs::write(dir.join(path::UPSTREAM), &all).unwrap();
    }
    let mut keys: BTreeMap<u8, PrivateKey> = models.iter().map(|model| (model.key, model.key())).collect();
    for other in vector["resign"].as_object().into_iter().flatten().map(|(_, other)| other.as_u64().unwrap())
    {
        keys.insert(other as u8, key(other as u8));
    }
    if vector["keys"] != json!(false) {
        let pem: String = keys.values().map(|key| key.public().to_pem()).collect();
        fs::write(dir.join(path::UPSTREAM_KEYS), pem).unwrap();
    }
    let own = vector["own"].as_str().unwrap();
    let mut made = Made::honest().taught_by(weights(own));
    if vector["pin"] == json!(true) {
        made = made.pinning(Digest::of(all.as_bytes()));
    } else if vector["pin"] == json!("other") {
        made = made.pinning(Digest::of(b"another file"));
    }
    made.seal(dir);
    let mut trusted = vec![folder::key().public().clone()];
    if vector["trust"] == json!("all") {
        trusted.extend(keys.values().map(|key| key.public().clone()));
    }
    folder::judge(dir, &Trust::of(trusted))
}

fn find<'a>(report: &'a FolderReport, id: &str) -> Vec<&'a Check> {
    report.checks.iter().filter(|check| check.id == id).collect()
}

fn chain() -> Value {
    json!({
        "models": [{"name": "a"}, {"name": "b", "from": ["a"]}, {"name": "c", "from": ["b", "base:a"], "key": 5}],
        "own": "c", "pin": true, "trust": "all"
    })
}

#[test]
fn a_student_of_a_student_passes_and_shows_its_duties() {
    let report = judge(&chain());
    assert_eq!(report.verdict, CheckVerdict::Pass, "{:#?}", report.checks);
    let upstream = find(&report, "upstream");
    assert_eq!(upstream[0].detail, "9 statements about 3 models, joined by digest");
    let duties = find(&report, "upstream-duty");
    assert_eq!((duties.len(), duties[0].verdict), (1, CheckVerdict::NotRecorded));
    assert!(duties[0].detail.contains("of `c`, `b`"), "{}", duties[0].detail);
}

#[test]
fn unknown_signers_upstream_are_named_and_leave_it_open() {
    let mut vector = chain();
    vector["trust"] = json!("signer");
    let report = judge(&vector);
    assert_eq!(report.verdict, CheckVerdict::Inconclusive);
    let unknown = find(&report, "unknown-signer");
    assert_eq!(unknown.len(), 2);
    assert!(unknown.iter().any(|check| check.detail.contains("models: `c`")), "{unknown:#?}");
}

#[test]
fn a_disclosed_student_without_a_run_ends_here() {
    let mut vector = chain();
    vector["drop"] = json!(["b.run", "b.data", "a.model"]);
    let report = judge(&vector);
    let ends: Vec<_> =
        find(&report, "upstream").into_iter().filter(|check| check.detail.contains("ends here")).collect();
    assert_eq!((ends.len(), ends[0].verdict), (1, CheckVerdict::NotRecorded), "{:#?}", report.checks);
    assert_eq!(report.verdict, CheckVerdict::Pass);
}

#[test]
fn evidence_is_carried_on_once_and_only_with_its_model() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Made::honest().seal(first.path());
    let found = upstream::folder_of(&first.path().join("model")).unwrap();
    assert_eq!(found, fs::canonicalize(first.path()).unwrap());
    assert_eq!(upstream::folder_of(&first.path().join("data")), None);
    let signed = model_signing::statement(&first.path().join("model")).unwrap();
    assert!(upstream::signs(&found, model_signing::weights(&signed.predicate)[0]).unwrap());
    assert!(!upstream::signs(&found, Digest::of(b"another model")).unwrap());
    let mut carried = Upstream::default();
    assert_eq!(carried.write(second.path()).unwrap(), None);
    carried.take(&found).unwrap();
    carried.take(&found).unwrap();
    let digest = carried.write(second.path()).unwrap().unwrap();
    let written = fs::read(second.path().join(path::UPSTREAM)).unwrap();
    assert_eq!((Digest::of(&written), written.split(|byte| *byte == b'\n').count()), (digest, 5));
    let own = model_signing::weights(&signed.predicate)[0];
    Made::honest().of_weight(8).taught_by(own).pinning(digest).seal(second.path());
    let report = folder::judge(second.path(), &folder::trust());
    assert_eq!(report.verdict, CheckVerdict::Pass, "{:#?}", report.checks);
    // From there it goes on with what the second folder carries itself.
    let mut onward = Upstream::default();
    onward.take(second.path()).unwrap();
    let third = tempfile::tempdir().unwrap();
    onward.write(third.path()).unwrap();
    let lines = fs::read_to_string(Path::new(third.path()).join(path::UPSTREAM)).unwrap();
    assert_eq!(lines.lines().count(), 8);
}

#[test]
fn a_flipped_bit_anywhere_is_a_finding_or_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let vector = chain();
    let models: Vec<Model> = vector["models"].as_array().unwrap().iter().map(Model::of).collect();
    let whole: String = models.iter().flat_map(|model| model.lines().into_values()).collect();
    let pem: String = [4, 5].map(|byte| key(byte).public().to_pem().to_owned()).concat();
    Made::honest().taught_by(weights("c")).seal(dir.path());
    let trust = Trust::of([folder::key(), key(4), key(5)].map(|key| key.public().clone()));
    let judged = |text: &[u8], pem: &[u8]| {
        fs::write(dir.path().join(path::UPSTREAM), text).unwrap();
        fs::write(dir.path().join(path::UPSTREAM_KEYS), pem).unwrap();
        folder::judge(dir.path(), &trust).verdict
    };
    assert_eq!(judged(whole.as_bytes(), pem.as_bytes()), CheckVerdict::Pass);
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone().into_bytes();
        bytes[at] ^= 1;
        // The key's name inside the envelope is signed by nobody, and read by nobody.
        let is_unread = whole[..at].rfind("\"keyid\":").is_some_and(|start| at - start < 8 + 2 + 64);
        assert!(is_unread || judged(&bytes, pem.as_bytes()) == CheckVerdict::Fail, "byte {at}");
    }
    for at in (0..pem.len()).step_by(7) {
        let mut bytes = pem.clone().into_bytes();
        bytes[at] ^= 1;
        judged(whole.as_bytes(), &bytes);
    }
}
