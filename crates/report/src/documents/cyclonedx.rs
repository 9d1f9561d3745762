//! CycloneDX bills of materials of a model: the student, what it descends from, what it was trained on.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use stillmark_evidence::documents::{ABSENT, Evaluated, TeacherFacts, slug};
use stillmark_evidence::license;

use super::{Facts, declarations, pretty};

/// Facts of the student that have a field of their own.
const FIELDS: [&str; 9] =
    ["student", "student digest", "version", "base", "base digest", "license", "supplier", "contact", "url"];
/// What the names of facts begin with that stand elsewhere.
const ELSEWHERE: [&str; 5] = ["teacher ", "source ", "records ", "evidence ", "duty "];

/// Writes a bill of that version of the format.
pub(super) fn write(facts: &Facts<'_>, version: &str) -> String {
    let mut bom = json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{version}.schema.json"),
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": serial(facts, version),
        "version": 1,
        "metadata": metadata(facts),
        "components": components(facts),
        "dependencies": dependencies(facts),
        "declarations": declarations::of(facts),
    });
    if let Some(supplier) = supplier(facts) {
        bom["metadata"]["supplier"] = supplier;
    }
    pretty(&bom)
}

/// A UUID that follows from the model's digest and the record, so that the same folder has the same bill.
fn serial(facts: &Facts<'_>, version: &str) -> String {
    let text = format!("cyclonedx {version}\n{}\n{}", facts.shown("student digest"), facts.shown("record"));
    let hex = stillmark_evidence::Digest::of(text.as_bytes()).to_string();
    // Version 8 of RFC 9562: bits of the maker's own choosing.
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

fn metadata(facts: &Facts<'_>) -> Value {
    let code = facts.record.run.predicate.run_details.builder.version.get("stillmark");
    let mut tool = json!({ "type": "application", "name": "stillmark" });
    if let Some(version) = code {
        tool["version"] = json!(version);
    }
    let mut metadata = json!({ "tools": { "components": [tool] }, "component": student(facts) });
    if let Some(finished) = facts.finished() {
        metadata["timestamp"] = json!(finished);
    }
    metadata
}

fn supplier(facts: &Facts<'_>) -> Option<Value> {
    let known = ["supplier", "contact", "url"].map(|name| facts.get(name));
    known.iter().flatten().next()?;
    let mut supplier = json!({});
    if let Some(name) = facts.get("supplier") {
        supplier["name"] = json!(name);
    }
    if let Some(url) = facts.get("url") {
        supplier["url"] = json!([url]);
    }
    if let Some(contact) = facts.get("contact") {
        let field = if contact.contains('@') { "email" } else { "name" };
        supplier["contact"] = json!([{ field: contact }]);
    }
    Some(supplier)
}

fn student(facts: &Facts<'_>) -> Value {
    json!({
        "type": "machine-learning-model",
        "bom-ref": "student",
        "name": facts.shown("student"),
        "version": facts.shown("version"),
        "hashes": [sha256(facts.shown("student digest"))],
        "licenses": [license(facts.shown("license"))],
        "modelCard": model_card(facts),
        "pedigree": pedigree(facts),
        "externalReferences": references(facts),
        "properties": properties(facts),
    })
}

/// A license by its name on SPDX's list, else by a reference of ours.
fn license(id: &str) -> Value {
    let name = license::expression(id);
    let field = if license::spdx(id).is_some() { "id" } else { "name" };
    json!({ "license": { field: name } })
}

/// Every fact that has no field of its own.
fn properties(facts: &Facts<'_>) -> Vec<Value> {
    // Scores and their intervals stand among the metrics of the model card.
    let scores: BTreeSet<String> = facts
        .record
        .beside
        .benchmarks
        .iter()
        .flat_map(Evaluated::scores)
        .flat_map(|score| ["", "interval of "].map(|what| format!("{}: {what}{}", score.on, score.metric)))
        .collect();
    let own = facts.named.iter().filter(|(name, _)| {
        !scores.contains(*name)
            && !FIELDS.contains(&name.as_str())
            && !ELSEWHERE.iter().any(|start| name.starts_with(start))
            && *name != "download location"
            && (!name.starts_with("held-out ") || name.ends_with(" part") || name.ends_with(" positions"))
    });
    own.map(|(name, value)| property(&slug(name), value)).collect()
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": format!("stillmark:{name}"), "value": value })
}

fn model_card(facts: &Facts<'_>) -> Value {
    let sources: Vec<Value> = facts
        .record
        .data
        .predicate
        .sources
        .iter()
        .map(|source| json!({ "ref": reference("source", &source.id) }))
        .collect();
    let positions = facts.get("held-out positions");
    let held_out =
        facts.family("held-out ").into_iter().filter(|(name, _)| !["part", "positions"].contains(name)).map(
            |(name, value)| {
                let slice = positions
                    .map_or(ABSENT.to_owned(), |positions| format!("{positions} held-out positions"));
                json!({ "type": format!("held-out {name}"), "value": value, "slice": slice })
            },
        );
    let benchmarks = facts.record.beside.benchmarks.iter().flat_map(Evaluated::scores).map(|score| {
        json!({
            "type": score.metric,
            "value": score.value.to_string(),
            "slice": score.on,
            "confidenceInterval": {
                "lowerBound": score.low.to_string(),
                "upperBound": score.high.to_string(),
            },
        })
    });
    let metrics: Vec<Value> = held_out.chain(benchmarks).collect();
    let duties: Vec<Value> = facts
        .family("duty ")
        .into_iter()
        .map(|(name, text)| json!({ "name": format!("duty {name}"), "mitigationStrategy": text }))
        .collect();
    let mut card = Map::new();
    card.insert("modelParameters".to_owned(), json!({ "task": "text-generation", "datasets": sources }));
    if !metrics.is_empty() {
        card.insert("quantitativeAnalysis".to_owned(), json!({ "performanceMetrics": metrics }));
    }
    let limits = if facts.record.beside.benchmarks.is_empty() {
        "It was measured on held-out text of the record alone; what else it does was not evaluated."
    } else {
        "It was measured on held-out text of the record and on the benchmarks named; what else it does was not evaluated."
    };
    card.insert("considerations".to_owned(), json!({ "technicalLimitations": [limits] }));
    if !duties.is_empty() {
        card["considerations"]["ethicalConsiderations"] = json!(duties);
    }
    Value::Object(card)
}

/// Ancestors: CycloneDX has no relation for distillation, so that a property of ours says what each gave.
fn pedigree(facts: &Facts<'_>) -> Value {
    let mut ancestors = Vec::new();
    if let Some(base) = facts.get("base") {
        let mut ancestor = json!({
            "type": "machine-learning-model",
            "bom-ref": "base",
            "name": base,
            "properties": [property("relation", "init")],
        });
        if let Some(digest) = facts.get("base digest") {
            ancestor["hashes"] = json!([sha256(digest)]);
        }
        ancestors.push(ancestor);
    }
    let teachers = facts.record.teachers();
    ancestors.extend(teachers.iter().map(|teacher| forebear(facts, teacher)));
    json!({ "ancestors": ancestors, "notes": facts.shown("pedigree") })
}

fn forebear(facts: &Facts<'_>, teacher: &TeacherFacts) -> Value {
    let mut known = vec![property("relation", "distill-outputs")];
    let family = facts.family(&format!("teacher {}: ", teacher.name));
    known.extend(
        family
            .iter()
            .filter(|(name, _)| *name != "weights")
            .map(|(name, value)| property(&slug(name), value)),
    );
    let mut ancestor = json!({
        "type": "machine-learning-model",
        "bom-ref": reference("teacher", &teacher.name),
        "name": teacher.name,
        "properties": known,
    });
    if let Some(digest) = teacher.weights {
        ancestor["hashes"] = json!([sha256(&digest.to_string())]);
    }
    ancestor
}

fn references(facts: &Facts<'_>) -> Vec<Value> {
    let mut references: Vec<Value> = facts
        .family("evidence ")
        .into_iter()
        .map(|(path, digest)| {
            json!({ "type": "attestation", "url": path, "hashes": [sha256(digest)], "comment": "Sigstore bundle in the run folder" })
        })
        .collect();
    references
        .extend(facts.get("download location").map(|url| json!({ "type": "distribution", "url": url })));
    references
}

/// The sources, and the files of records.
fn components(facts: &Facts<'_>) -> Vec<Value> {
    let sources = facts.record.data.predicate.sources.iter().map(|source| {
        let family = facts.family(&format!("source {}: ", source.id));
        json!({
            "type": "data",
            "bom-ref": reference("source", &source.id),
            "name": source.id,
            "data": [{ "type": "dataset", "name": source.id, "description": "training data of the distillation" }],
            "properties": family.iter().map(|(name, value)| property(&slug(name), value)).collect::<Vec<_>>(),
        })
    });
    let files = facts.family("records ").into_iter().map(|(name, digest)| {
        json!({ "type": "file", "bom-ref": reference("records", name), "name": name, "hashes": [sha256(digest)] })
    });
    sources.chain(files).collect()
}

fn dependencies(facts: &Facts<'_>) -> Vec<Value> {
    let sources: Vec<String> =
        facts.record.data.predicate.sources.iter().map(|source| reference("source", &source.id)).collect();
    let files: Vec<String> =
        facts.family("records ").into_iter().map(|(name, _)| reference("records", name)).collect();
    let mut all = vec![json!({ "ref": "student", "dependsOn": sources })];
    all.extend(sources.iter().map(|source| json!({ "ref": source, "dependsOn": files })));
    all
}

fn reference(kind: &str, name: &str) -> String {
    format!("{kind}:{name}")
}

fn sha256(digest: &str) -> Value {
    json!({ "alg": "SHA-256", "content": digest })
}
