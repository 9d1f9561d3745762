//! A small run folder, sealed and verified.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;
use stillmark_evidence::card::{self, Claims};
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::layout::path;
use stillmark_evidence::manifest::{
    Accepted, Counts, DatasetManifest, Duty, Prompts, Source, SourceKind, Teacher, Terms, Verdict,
};
use stillmark_evidence::provenance::{Builder, InternalParameters, Metadata, ResourceDescriptor, name};
use stillmark_evidence::signing::{self, Draft};
use stillmark_evidence::verify::{self, FolderFacts, RecordFacts, RecordReader};
use stillmark_evidence::{Digest, Finding, Trust, Verified};
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

/// Answers with the counts that the manifest claims, whatever the file.
struct Claimed;

impl RecordReader for Claimed {
    fn read(&self, _file: &Path) -> Result<RecordFacts, Finding> {
        let counts =
            |source: &Source| (source.id.clone(), Counts { rows: source.rows, tokens: source.tokens });
        let sources = sources("").iter().map(counts).collect();
        Ok(RecordFacts { sources, row_groups: 1, ..RecordFacts::default() })
    }
}

fn sources(teacher: &str) -> Vec<Source> {
    let source = |id: &str, teacher: Option<Teacher>, terms: &str, tokens: u64| Source {
        id: id.to_owned(),
        kind: if teacher.is_some() { SourceKind::Teacher } else { SourceKind::Text },
        teacher,
        terms: vec![Terms { id: terms.to_owned(), digest: Digest::of(b"terms") }],
        grant: None,
        receipts: vec![],
        prompts: (id == "chat")
            .then(|| Prompts { origin: "builtin quickstart".to_owned(), digest: Digest::of(b"prompts") }),
        generation: BTreeMap::new(),
        watermark: None,
        filters: vec![],
        rows: tokens / 100,
        tokens,
        share: tokens as f64 / 40_000.0,
    };
    let named = |name: &str, weights| Teacher { name: name.to_owned(), weights, api: None, offer: None };
    vec![
        source("chat", Some(named(teacher, Some(Digest::of(b"weights")))), "apache-2.0", 31_000),
        source("second", Some(named("Tern-Large", None)), "anthropic-commercial", 5_000),
        source("essays", None, "cc-by-4.0", 4_000),
    ]
}

fn record(teacher: &str) -> DatasetManifest {
    let duty = |id: &str, text: &str, terms: &str, clause: &str| Duty {
        id: id.to_owned(),
        text: text.to_owned(),
        terms: terms.to_owned(),
        clause: clause.to_owned(),
    };
    DatasetManifest {
        sources: sources(teacher),
        tokenizer: Digest::of(b"tokenizer"),
        totals: Counts { rows: 400, tokens: 40_000 },
        verdict: Verdict::Review,
        duties: vec![
            duty("copy-license", "Pass on a copy of the Apache License 2.0.", "apache-2.0", "s.2, 4"),
            duty("state-changes", "Say in changed files that they were changed.", "apache-2.0", "s.2, 4"),
            duty("attribute", "Credit the dataset and link its license.", "cc-by-4.0", "s.2(a), 3(a)"),
        ],
        accepted: vec![Accepted {
            ask: "competes/anthropic-commercial/student".to_owned(),
            person: "Ada Lovelace".to_owned(),
            date: "2026-11-20".parse().unwrap(),
            reason: "An inner tool that is not offered to anyone.".to_owned(),
        }],
    }
}

/// Seals a folder whose student and teacher bear these names, changes it, and verifies it.
pub(crate) fn verified(student: &str, teacher: &str, tamper: fn(&Path)) -> Verified<FolderFacts> {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path(), student, teacher);
    tamper(dir.path());
    judged(dir.path())
}

/// Verifies a folder by the key that sealed it.
pub(crate) fn judged(dir: &Path) -> Verified<FolderFacts> {
    verify::folder(dir, &Trust::of([key().public().clone()]), &Claimed).unwrap()
}

fn key() -> PrivateKey {
    PrivateKey::from_entropy(&[3; 32]).unwrap()
}

const METRICS: &str = r#"{"schema":"stillmark/metrics/v1","kind":"evaluation","step":0,"rows":812,"kl":2.84,"agreement":0.28,"perplexity":132.6,"teacher_perplexity":7.8}
{"schema":"stillmark/metrics/v1","kind":"evaluation","step":112,"rows":812,"kl":0.9375,"agreement":0.634,"perplexity":14.2,"teacher_perplexity":7.8}
"#;

/// Seals a folder whose student and teacher bear these names.
pub(crate) fn seal(dir: &Path, student: &str, teacher: &str) {
    fs::create_dir_all(dir.join("data")).unwrap();
    fs::create_dir_all(dir.join("model")).unwrap();
    for (file, text) in [
        ("plan.toml", "seed = 7\n"),
        ("metrics.jsonl", METRICS),
        ("model/config.json", r#"{"model_type":"llama"}"#),
    ] {
        fs::write(dir.join(file), text).unwrap();
    }
    fs::write(dir.join("data/records-00000.parquet"), "records").unwrap();
    let record = record(teacher);
    let (duties, teachers) = (record.duties.clone(), card::teachers(&record));
    let digest = signing::write_manifest(dir, record).unwrap();
    let claims = Claims {
        base_model: vec![teacher.to_owned()],
        base_model_relation: "finetune".to_owned(),
        datasets: vec![],
        license: "apache-2.0".to_owned(),
        teachers,
        tokens: 40_000,
        record: digest,
    };
    let said: Vec<&str> = duties.iter().map(|duty| duty.text.as_str()).collect();
    let (front, block) = (card::render_front_matter(&claims), card::render_claims_block(&claims));
    let card = [front, block, said.join("\n")].join("\n# Card\n\n");
    fs::write(dir.join("model/README.md"), card).unwrap();
    let draft = Draft {
        external_parameters: json!({
            "student": {"name": student, "license": "apache-2.0"},
            "teacher": {"model": teacher, "terms": ["apache-2.0"]},
            "train": {"steps": 112, "lr": 0.0002, "losses": [{"name": "forward-kl"}]},
            "publisher": {"supplier": "Nova Models", "version": "1.0.0", "released": "2026-12-01"},
        }),
        internal_parameters: InternalParameters {
            threads: 2,
            isa: "avx512".to_owned(),
            precision: "bf16".to_owned(),
            seed: 7,
            log: None,
        },
        dependencies: vec![
            ResourceDescriptor::teacher(
                "chat",
                "hf:HuggingFaceTB/SmolLM2-135M-Instruct",
                Digest::of(b"weights"),
            ),
            ResourceDescriptor::base(teacher, Digest::of(b"weights")),
            ResourceDescriptor::of(name::TOKENIZER, "hf:x/tokenizer.json", Digest::of(b"tokenizer")),
            ResourceDescriptor::code("stillmark", "0.1.0"),
        ],
        builder: Builder { id: "urn:stillmark:cli".to_owned(), version: BTreeMap::new() },
        metadata: Metadata { finished_on: Some("2026-11-23T12:00:00Z".to_owned()), ..Metadata::default() },
        disclosure: Some(Disclosure { claims, verdict: Verdict::Review, duties }),
    };
    let mut log =
        Log::create(&dir.join(path::LOG), SigningKey::from_seed("example.org/runs", &[9; 32]).unwrap())
            .unwrap();
    signing::seal(dir, draft, &key(), &mut log).unwrap();
}
