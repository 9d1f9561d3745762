//! The facts of a record by name: one list for every document's writer and reader.

use super::benchmarks;
use super::record::{Record, TeacherFacts};
use crate::license;
use crate::manifest::Source;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What stands where nothing was recorded.
pub const ABSENT: &str = "not recorded";

/// Facts by name, each in one spelling.
pub type Facts = BTreeMap<String, String>;

/// Facts as a document states them, in its order.
pub(super) type Stated = Vec<(String, String)>;

/// Everything that the signed record knows of a student.
pub fn facts(record: &Record<'_>) -> Facts {
    let mut facts = Facts::new();
    student(record, &mut facts);
    for teacher in record.teachers() {
        taught(&teacher, &mut facts);
    }
    for source in &record.data.predicate.sources {
        drawn(source, &mut facts);
    }
    agreed(record, &mut facts);
    put(&mut facts, "pedigree", Some(pedigree(record)));
    recipe(record, &mut facts);
    scores(record, &mut facts);
    facts.extend(benchmarks::facts(&record.beside.benchmarks));
    proofs(record, &mut facts);
    facts
}

/// A fact's name as one word, for formats whose names are words.
pub fn slug(name: &str) -> String {
    name.replace(' ', "-")
}

/// A fact's name as it is compared: names of teachers and sources stay as they are.
pub(super) fn key(name: &str) -> String {
    let is_of_one = ["teacher ", "source "].iter().any(|family| name.starts_with(family));
    match name.rsplit_once(": ").filter(|_| is_of_one) {
        Some((whose, what)) => format!("{whose}: {}", slug(what)),
        None => slug(name),
    }
}

/// A share as every document spells it.
pub(super) fn share(part: f64) -> String {
    format!("{part:.5}")
}

fn put(facts: &mut Facts, name: impl Into<String>, value: Option<impl ToString>) {
    if let Some(value) = value.map(|value| value.to_string()).filter(|value| !value.is_empty()) {
        facts.insert(name.into(), value);
    }
}

fn joined(words: impl Iterator<Item = impl Into<String>>) -> String {
    words.map(Into::into).collect::<Vec<String>>().join(", ")
}

fn student(record: &Record<'_>, facts: &mut Facts) {
    let metadata = &record.run.predicate.run_details.metadata;
    put(facts, "student", Some(record.student()));
    put(facts, "student digest", Some(record.digest()));
    put(facts, "base", Some(record.claims.base_model.join(", ")));
    put(facts, "base digest", record.base_digest());
    for (name, key) in [
        ("version", "version"),
        ("supplier", "supplier"),
        ("contact", "contact"),
        ("url", "url"),
        ("released", "released"),
        ("download location", "download"),
    ] {
        put(facts, name, record.text(&format!("/publisher/{key}")));
    }
    put(facts, "architecture", record.beside.architecture.as_ref());
    put(facts, "parameters", record.beside.parameters);
    put(facts, "started", metadata.started_on.as_ref());
    put(facts, "finished", metadata.finished_on.as_ref());
}

fn taught(teacher: &TeacherFacts, facts: &mut Facts) {
    let name = |what: &str| format!("teacher {}: {what}", teacher.name);
    put(facts, name("tokens"), Some(teacher.tokens));
    put(facts, name("share"), Some(share(teacher.share)));
    put(facts, name("weights"), teacher.weights);
    put(facts, name("api"), teacher.api.as_ref());
    put(facts, name("offer"), teacher.offer);
    put(facts, name("signal"), Some(joined(teacher.signal.iter().copied())));
    let pinned = teacher.terms.iter().map(|(id, digest)| format!("{id} sha256:{digest}"));
    put(facts, name("terms"), Some(joined(pinned)));
}

fn drawn(source: &Source, facts: &mut Facts) {
    let name = |what: &str| format!("source {}: {what}", source.id);
    put(facts, name("rows"), Some(source.rows));
    put(facts, name("tokens"), Some(source.tokens));
    put(facts, name("share"), Some(share(source.share)));
    let terms: Vec<&str> = source.terms.iter().map(|terms| terms.id.as_str()).collect();
    put(facts, name("terms"), Some(terms.join(", ")));
    let written = source.terms.iter().map(|terms| license::expression(&terms.id));
    put(facts, name("license"), Some(written.collect::<Vec<_>>().join(" AND ")));
    put(facts, name("grant"), source.grant);
    put(facts, name("prompts"), source.prompts.as_ref().map(|prompts| &prompts.origin));
    put(facts, name("prompts digest"), source.prompts.as_ref().map(|prompts| prompts.digest));
    let settings = source.generation.iter().map(|(name, value)| format!("{name} {value}"));
    put(facts, name("settings"), Some(joined(settings)));
    put(facts, name("filters"), Some(source.filters.join(", ")));
    let watermark = source.watermark.as_ref();
    let mark = watermark.map(|mark| format!("{}, key commitment {}", mark.scheme, mark.key_commitment));
    put(facts, name("watermark"), mark);
}

/// Where the student comes from, in a sentence for formats that have room for prose only.
fn pedigree(record: &Record<'_>) -> String {
    let teachers = record.teachers();
    let shares = teachers.iter().map(|one| format!("{} ({:.1} %)", one.name, one.share * 100.0));
    let tokens = record.data.predicate.totals.tokens;
    let base = record.claims.base_model.join(", ");
    let base = if base.is_empty() { "nothing" } else { &base };
    format!("Distilled from {}, in parts of {tokens} tokens; weights from {base}.", joined(shares))
}

fn agreed(record: &Record<'_>, facts: &mut Facts) {
    let manifest = &record.data.predicate;
    put(facts, "license", Some(&record.claims.license));
    let of_data: BTreeSet<String> = manifest
        .sources
        .iter()
        .flat_map(|source| &source.terms)
        .map(|terms| license::expression(&terms.id))
        .collect();
    put(facts, "data license", Some(joined(of_data.into_iter())));
    put(facts, "verdict", Some(manifest.verdict.as_str()));
    put(facts, "record", record.beside.record);
    put(facts, "rows", Some(manifest.totals.rows));
    put(facts, "tokens", Some(manifest.totals.tokens));
    put(facts, "tokenizer", Some(manifest.tokenizer));
    for duty in &manifest.duties {
        let name = format!("duty {} ({}, {})", duty.id, duty.terms, duty.clause);
        let text = facts.get(&name).map_or(duty.text.clone(), |text| format!("{text} {}", duty.text));
        put(facts, name, Some(text));
    }
    for consent in &record.consents {
        let grant = &consent.grant.predicate;
        let (issuer, grantee, permits) = (&grant.issuer.name, &grant.grantee.name, grant.permits.join(", "));
        let says = format!("{issuer} permits {grantee} {permits} until {}", grant.until);
        put(facts, format!("grant {}", consent.id), Some(says));
    }
    for one in &manifest.accepted {
        let answer = format!("{}, {}: {}", one.person, one.date, one.reason);
        put(facts, format!("accepted {}", one.ask), Some(answer));
    }
}

fn recipe(record: &Record<'_>, facts: &mut Facts) {
    let machine = &record.run.predicate.build_definition.internal_parameters;
    let losses = record.plan().pointer("/train/losses").and_then(Value::as_array);
    let losses = losses.map(|all| joined(all.iter().map(loss)));
    put(facts, "losses", losses);
    let train = |key: &str| record.plan().pointer(&format!("/train/{key}"));
    for (name, key) in [
        ("learning rate", "lr"),
        ("steps", "steps"),
        ("training tokens", "tokens"),
        ("sequence length", "seq_len"),
        ("batch", "batch"),
        ("warmup", "warmup"),
        ("weight decay", "weight_decay"),
        ("held-out part", "held_out"),
    ] {
        put(facts, name, train(key));
    }
    put(facts, "seed", Some(machine.seed));
    put(facts, "threads", Some(machine.threads).filter(|threads| 0 < *threads));
    put(facts, "instruction set", Some(&machine.isa));
    put(facts, "precision", Some(&machine.precision));
    put(facts, "made by", Some(&record.run.predicate.run_details.builder.id));
}

fn loss(loss: &Value) -> String {
    let mut words = vec![loss["name"].as_str().unwrap_or("unnamed").to_owned()];
    for key in ["weight", "temperature", "support", "beta"] {
        let value = loss.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
        words.extend(value.map(|value| format!("{key} {value}")));
    }
    words.join(" ")
}

fn scores(record: &Record<'_>, facts: &mut Facts) {
    let Some((before, after)) = record.evaluations() else { return };
    put(facts, "held-out positions", Some(after.rows));
    for (when, found) in [("before", before), ("after", after)] {
        put(facts, format!("held-out agreement {when}"), found.agreement);
        put(facts, format!("held-out KL {when}"), found.kl);
        put(facts, format!("held-out perplexity {when}"), found.perplexity);
    }
    put(facts, "held-out perplexity of the teacher", after.teacher_perplexity);
}

fn proofs(record: &Record<'_>, facts: &mut Facts) {
    for (path, digest) in &record.beside.evidence {
        put(facts, format!("evidence {path}"), Some(digest));
    }
    for file in &record.data.subject {
        put(facts, format!("records {}", file.name), Some(file.digest.sha256));
    }
    for file in record.model.predicate.resources.iter().filter(|file| file.name.ends_with(".safetensors")) {
        put(facts, format!("weights {}", file.name), Some(&file.digest));
    }
    put(facts, "log", record.run.predicate.build_definition.internal_parameters.log.as_ref());
}
