//! A complete run folder, and what each way of tampering with it is called.

use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use stillmark_evidence::card::{self, Claims};
use stillmark_evidence::checks::{Assurance, CheckVerdict, FolderReport};
use stillmark_evidence::disclosure::Disclosure;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::layout::{Document, path};
use stillmark_evidence::manifest::{
    Accepted, Counts, DatasetManifest, Duty, Source, SourceKind, Teacher, Terms, Verdict,
};
use stillmark_evidence::provenance::{Builder, InternalParameters, Metadata, ResourceDescriptor, name};
use stillmark_evidence::signing::{self, Draft};
use stillmark_evidence::verify::{self, RecordFacts, RecordReader};
use stillmark_evidence::{Digest, Finding, FindingKind, Trust};
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

/// Reads `source rows tokens` lines in place of Parquet.
struct Lines;

impl RecordReader for Lines {
    fn read(&self, file: &Path) -> Result<RecordFacts, Finding> {
        let text = fs::read_to_string(file).unwrap();
        let mut facts = RecordFacts { row_groups: 1, ..RecordFacts::default() };
        for line in text.lines() {
            let parts: Vec<&str> = line.split(' ').collect();
            let [source, rows, tokens] = parts[..] else {
                return Err(Finding::new(FindingKind::Malformed, "records", line));
            };
            let counts = facts.sources.entry(source.to_owned()).or_default();
            counts.rows += rows.parse::<u64>().unwrap();
            counts.tokens += tokens.parse::<u64>().unwrap();
        }
        Ok(facts)
    }
}

fn key() -> PrivateKey {
    PrivateKey::from_entropy(&[3; 32]).unwrap()
}

pub(crate) fn trust() -> Trust {
    Trust::of([key().public().clone()])
}

fn source(id: &str, kind: SourceKind, rows: u64, tokens: u64) -> Source {
    let teacher = Teacher {
        name: "smollm2-135m".to_owned(),
        weights: Some(Digest::of(b"weights")),
        api: None,
        offer: None,
    };
    Source {
        id: id.to_owned(),
        kind,
        teacher: (kind == SourceKind::Teacher).then_some(teacher),
        terms: vec![Terms { id: "apache-2.0".to_owned(), digest: Digest::of(b"terms") }],
        grant: None,
        receipts: vec![],
        prompts: None,
        generation: BTreeMap::from([("temperature".to_owned(), json!(0.7))]),
        watermark: None,
        filters: vec![],
        rows,
        tokens,
        share: tokens as f64 / 1000.0,
    }
}

fn record() -> DatasetManifest {
    DatasetManifest {
        sources: vec![
            source("teacher", SourceKind::Teacher, 30, 750),
            source("text", SourceKind::Text, 10, 250),
        ],
        tokenizer: Digest::of(b"tokenizer"),
        totals: Counts { rows: 40, tokens: 1000 },
        verdict: Verdict::Review,
        duties: vec![Duty {
            id: "notice".to_owned(),
            text: "keep the notice".to_owned(),
            terms: "apache-2.0".to_owned(),
            clause: "s.4".to_owned(),
        }],
        accepted: vec![Accepted {
            ask: "competes?".to_owned(),
            person: "Ada".to_owned(),
            date: "2026-11-01".parse().unwrap(),
            reason: "a research student".to_owned(),
        }],
    }
}

/// What a test may change of a run before it is sealed, honestly signed all the same.
pub(crate) struct Made {
    record: DatasetManifest,
    duties: Vec<Duty>,
    card: fn(String) -> String,
    teacher: Digest,
    tokenizer: Digest,
    log: bool,
}

impl Made {
    pub(crate) fn honest() -> Self {
        let record = record();
        Self {
            duties: record.duties.clone(),
            record,
            card: |card| card,
            teacher: Digest::of(b"weights"),
            tokenizer: Digest::of(b"tokenizer"),
            log: true,
        }
    }

    pub(crate) fn seal(self, dir: &Path) {
        fs::create_dir_all(dir.join("data")).unwrap();
        fs::create_dir_all(dir.join("model/sub")).unwrap();
        fs::write(dir.join("plan.toml"), "seed = 1\n").unwrap();
        fs::write(dir.join("metrics.jsonl"), "{\"step\":1}\n").unwrap();
        fs::write(dir.join("data/records-00000.parquet"), "teacher 20 500\ntext 10 250\n").unwrap();
        fs::write(dir.join("data/records-00001.parquet"), "teacher 10 250\n").unwrap();
        fs::write(dir.join("model/config.json"), "{}").unwrap();
        fs::write(dir.join("model/model.safetensors"), vec![7; 5000]).unwrap();
        fs::write(dir.join("model/sub/a"), "a").unwrap();
        let (verdict, teachers) = (self.record.verdict, card::teachers(&self.record));
        let tokens = self.record.totals.tokens;
        let duties: Vec<String> = self.record.duties.iter().map(|duty| duty.text.clone()).collect();
        let digest = signing::write_manifest(dir, self.record).unwrap();
        let claims = Claims {
            base_model: vec!["HuggingFaceTB/SmolLM2-135M-Instruct".to_owned()],
            base_model_relation: "finetune".to_owned(),
            datasets: vec![],
            license: "apache-2.0".to_owned(),
            teachers,
            tokens,
            record: digest,
        };
        let (front, block) = (card::render_front_matter(&claims), card::render_claims_block(&claims));
        let card = format!("{front}\n# S\n\n{block}\n{}", duties.join("\n"));
        fs::write(dir.join("model/README.md"), (self.card)(card)).unwrap();
        let draft = Draft {
            external_parameters: json!({"seed": 1}),
            internal_parameters: InternalParameters {
                threads: 2,
                isa: "avx2".to_owned(),
                precision: "f32".to_owned(),
                seed: 1,
                log: None,
            },
            dependencies: vec![
                ResourceDescriptor::teacher("teacher", "hf:x", self.teacher),
                ResourceDescriptor::of(name::TOKENIZER, "hf:x/tokenizer.json", self.tokenizer),
                ResourceDescriptor::base("HuggingFaceTB/SmolLM2-135M-Instruct", self.teacher),
                ResourceDescriptor::code("stillmark", "0.1.0"),
            ],
            builder: Builder { id: "urn:stillmark:cli".to_owned(), version: BTreeMap::new() },
            metadata: Metadata {
                finished_on: Some("2026-11-23T00:00:00Z".to_owned()),
                ..Metadata::default()
            },
            disclosure: Some(Disclosure { claims, verdict, duties: self.duties }),
        };
        let log_key = SigningKey::from_seed("example.org/runs", &[9; 32]).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let place = if self.log { dir.join(path::LOG) } else { elsewhere.path().to_owned() };
        let mut log = Log::create(&place, log_key).unwrap();
        signing::seal(dir, draft, &key(), &mut log).unwrap();
    }
}

pub(crate) fn judge(dir: &Path, trust: &Trust) -> FolderReport {
    verify::folder(dir, trust, &Lines).unwrap().report.clone()
}

/// Seals what was made, tampers, and demands that the code is among what failed.
fn check(made: Made, tamper: impl Fn(&Path), code: &str) {
    let dir = tempfile::tempdir().unwrap();
    made.seal(dir.path());
    tamper(dir.path());
    let report = judge(dir.path(), &trust());
    let failed: Vec<_> = report.checks.iter().filter(|check| check.verdict == CheckVerdict::Fail).collect();
    let named =
        failed.iter().any(|check| check.id == code) || report.contradictions.iter().any(|c| c.field == code);
    assert!(named, "{code} is not in {failed:#?} and {:#?}", report.contradictions);
    assert_eq!((report.verdict, report.assurance), (CheckVerdict::Fail, Assurance::None));
}

fn flip(file: &str) -> impl Fn(&Path) {
    move |dir| {
        let mut bytes = fs::read(dir.join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(dir.join(file), bytes).unwrap();
    }
}

#[test]
fn a_sealed_folder_passes_with_full_assurance() {
    let dir = tempfile::tempdir().unwrap();
    Made::honest().seal(dir.path());
    let facts = verify::folder(dir.path(), &trust(), &Lines).unwrap();
    assert_eq!(facts.report.verdict, CheckVerdict::Pass, "{:#?}", facts.report);
    assert_eq!(facts.report.assurance, Assurance::SignedAndLogged);
    assert!(facts.report.checks.iter().all(|check| check.verdict == CheckVerdict::Pass));
    assert!(facts.disclosure.is_some() && facts.signer == Some(key().public().id()));
    let json = serde_json::to_value(&facts.report).unwrap();
    assert_eq!(json["schema"], "stillmark/verify/v1");
    assert_eq!(json["assurance"], "signed-and-logged");
}

#[test]
fn a_sound_folder_by_an_unknown_signer_is_inconclusive() {
    let dir = tempfile::tempdir().unwrap();
    Made::honest().seal(dir.path());
    let report = judge(dir.path(), &Trust::default());
    assert_eq!((report.verdict, report.assurance), (CheckVerdict::Inconclusive, Assurance::SignedByUnknown));
    assert!(report.checks.iter().any(|check| check.detail == "signer not trusted"));
}

#[test]
fn every_changed_byte_is_a_finding() {
    for file in ["plan.toml", "metrics.jsonl", "data/manifest.json", "data/records-00001.parquet"] {
        check(Made::honest(), flip(file), "bad-digest");
    }
    for file in ["model/model.safetensors", "model/README.md", "model/config.json", "model/sub/a"] {
        check(Made::honest(), flip(file), "bad-digest");
    }
    check(Made::honest(), flip("evidence/log/tile/0/000.p/4"), "bad-log");
}

#[test]
fn what_is_missing_or_extra_is_named() {
    let gone = |file: &'static str| move |dir: &Path| fs::remove_file(dir.join(file)).unwrap();
    for file in
        ["plan.toml", "metrics.jsonl", "data/manifest.json", "data/records-00000.parquet", "model/sub/a"]
    {
        check(Made::honest(), gone(file), "missing-file");
    }
    for document in Document::ALL {
        check(
            Made::honest(),
            move |dir| fs::remove_file(dir.join(document.proof_path())).unwrap(),
            "missing-file",
        );
    }
    check(Made::honest(), gone("evidence/run.sigstore.json"), "missing-file");
    check(Made::honest(), gone("evidence/log/checkpoint"), "missing-file");
    let added = |file: &'static str| move |dir: &Path| fs::write(dir.join(file), "x").unwrap();
    check(Made::honest(), added("model/extra.txt"), "extra-file");
    check(Made::honest(), added("data/records-00002.parquet"), "extra-file");
}

#[test]
fn a_link_in_the_model_is_refused() {
    #[cfg(unix)]
    check(
        Made::honest(),
        |dir| {
            fs::remove_file(dir.join("model/sub/a")).unwrap();
            std::os::unix::fs::symlink(dir.join("plan.toml"), dir.join("model/sub/a")).unwrap();
        },
        "symlink",
    );
}

#[test]
fn documents_that_do_not_belong_together_are_named() {
    let swap = |dir: &Path| {
        let (run, model) = (dir.join("evidence/run.sigstore.json"), dir.join("evidence/model.sigstore.json"));
        fs::copy(model, run).unwrap();
    };
    check(Made::honest(), swap, "wrong-predicate");
    check(Made { teacher: Digest::of(b"other"), ..Made::honest() }, |_| (), "broken-edge");
    check(Made { tokenizer: Digest::of(b"other"), ..Made::honest() }, |_| (), "broken-edge");
    check(Made { log: false, ..Made::honest() }, |_| (), "missing-file");
    let proofs = |dir: &Path| {
        fs::copy(dir.join("evidence/run.tlog-proof"), dir.join("evidence/model.tlog-proof")).unwrap();
    };
    check(Made::honest(), proofs, "not-in-log");
    check(Made::honest(), |dir| fs::write(dir.join("evidence/run.sigstore.json"), "{").unwrap(), "malformed");
}

#[test]
fn a_log_rolled_back_is_stale() {
    let roll_back = |dir: &Path| {
        fs::remove_dir_all(dir.join(path::LOG)).unwrap();
        let log_key = SigningKey::from_seed("example.org/runs", &[9; 32]).unwrap();
        Log::create(&dir.join(path::LOG), log_key).unwrap();
    };
    check(Made::honest(), roll_back, "stale-checkpoint");
}

#[test]
fn records_that_tell_another_story_than_their_manifest_are_named() {
    let changed = |change: fn(&mut DatasetManifest)| {
        let mut made = Made::honest();
        change(&mut made.record);
        made
    };
    check(changed(|record| record.sources[0].share = 0.5), |_| (), "wrong-share");
    check(changed(|record| record.sources[0].tokens = 700), |_| (), "wrong-share");
    check(changed(|record| drop(record.sources.pop())), |_| (), "wrong-share");
    check(changed(|record| record.sources.push(record.sources[1].clone())), |_| (), "wrong-share");
    check(changed(|record| record.totals.rows = 41), |_| (), "wrong-share");
    check(changed(|record| record.accepted.clear()), |_| (), "not-permitted");
    check(changed(|record| record.verdict = Verdict::Forbid), |_| (), "not-permitted");
    check(Made { duties: vec![], ..Made::honest() }, |_| (), "open-duty");
}

#[test]
fn an_edited_card_contradicts_the_record_even_when_signed_anew() {
    let edited = |card: fn(String) -> String| Made { card, ..Made::honest() };
    check(edited(|card| card.replace("license: apache-2.0", "license: mit")), |_| (), "license");
    check(edited(|card| card.replace("tokens: 1000", "tokens: 10")), |_| (), "stillmark.tokens");
    check(edited(|card| card.replace("m: 0.75000", "m: 0.10000")), |_| (), "stillmark.shares.smollm2-135m");
    check(edited(|card| card.replace("    smollm2-135m: 0.75000", "    other: 0.75000")), |_| (), "teachers");
    check(
        edited(|card| card.replace("- HuggingFaceTB/SmolLM2-135M-Instruct", "- mine")),
        |_| (),
        "base_model",
    );
    check(edited(|card| card.replace("Distilled from", "Trained without")), |_| (), "claims");
    check(edited(|_| "# no front matter\n".to_owned()), |_| (), "malformed");
}

#[test]
fn only_an_unreadable_path_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(verify::folder(&dir.path().join("none"), &trust(), &Lines).is_err());
    assert_eq!(judge(dir.path(), &trust()).verdict, CheckVerdict::Fail);
}
