//! Croissant 1.1 metadata of the records: files with digests, columns, and where the rows came from.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stillmark_evidence::consent::Consent;
use stillmark_evidence::documents::{ABSENT, slug};
use stillmark_evidence::layout::path;
use stillmark_evidence::license;

use super::{Facts, pretty};

/// Our actions, in ODRL's terms.
const PROFILE: &str = "urn:stillmark:odrl:v1";
/// The facts of the data set that stand under our prefix.
const OWN: [&str; 6] = ["rows", "tokens", "record", "verdict", "tokenizer", "student"];

/// The columns of docs/spec/records.md that readers of Croissant know: name, type, shape.
const COLUMNS: [(&str, &str, Option<&str>); 8] = [
    ("id", "sc:Text", None),
    ("source", "sc:Text", None),
    ("prompt_len", "sc:Integer", None),
    ("input_ids", "sc:Integer", Some("-1")),
    ("token_ids", "sc:Integer", Some("-1,-1")),
    ("top_values", "sc:Float", Some("-1,-1")),
    ("tail_logmass", "sc:Float", Some("-1")),
    ("text", "sc:Text", None),
];

/// Writes the metadata; the files lie in `data/`, beside the folder of the document.
pub(super) fn write(facts: &Facts<'_>) -> String {
    let student = facts.shown("student");
    let mut dataset = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": format!("{student} distillation records"),
        "description": format!("What {student} was trained on: token ids with the teachers' log-probabilities. Record sha256:{}.", facts.shown("record")),
        "url": facts.get("url").map_or_else(|| format!("urn:stillmark:record/{}", facts.shown("record")), str::to_owned),
        "version": "1.0.0",
        "license": licenses(facts),
        "creator": { "@type": "sc:Organization", "name": facts.shown("supplier") },
        "publisher": { "@type": "sc:Organization", "name": facts.shown("supplier") },
        "rai:dataCollectionType": "Synthetic",
        "rai:dataPreprocessingProtocol": filters(facts),
        "distribution": files(facts),
        "recordSet": record_sets(facts),
        "prov:wasDerivedFrom": teachers(facts),
        "prov:wasGeneratedBy": activity(facts),
        "stillmark:sources": sources(facts),
    });
    for name in OWN {
        if let Some(value) = facts.get(name) {
            dataset[format!("stillmark:{name}")] = json!(value);
        }
    }
    if let Some(date) = facts.get("released").or(facts.finished()) {
        dataset["datePublished"] = json!(date);
    }
    let policies = policies(facts);
    if !policies.is_empty() {
        dataset["usageInfo"] = json!(policies);
    }
    pretty(&dataset)
}

/// The terms that the sources were used under: no license is invented for the whole.
fn licenses(facts: &Facts<'_>) -> Vec<String> {
    let sources = facts.record.data.predicate.sources.iter();
    let names: BTreeSet<String> =
        sources.flat_map(|source| &source.terms).map(|terms| license::expression(&terms.id)).collect();
    if names.is_empty() { vec![ABSENT.to_owned()] } else { names.into_iter().collect() }
}

fn filters(facts: &Facts<'_>) -> Vec<String> {
    let sources = facts.record.data.predicate.sources.iter().filter(|source| !source.filters.is_empty());
    sources.map(|source| format!("{}: left out what is {}", source.id, source.filters.join(", "))).collect()
}

fn files(facts: &Facts<'_>) -> Vec<Value> {
    let file = |(name, digest): (&str, &str)| {
        json!({
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": format!("../data/{name}"),
            "encodingFormat": "application/x-parquet",
            "sha256": digest,
        })
    };
    facts.family("records ").into_iter().map(file).collect()
}

fn record_sets(facts: &Facts<'_>) -> Vec<Value> {
    let set = |(file, _): (&str, &str)| {
        let name = file.strip_suffix(".parquet").unwrap_or(file);
        json!({
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "field": COLUMNS.iter().map(|column| field(file, name, column)).collect::<Vec<_>>(),
        })
    };
    facts.family("records ").into_iter().map(set).collect()
}

fn field(file: &str, set: &str, (name, kind, shape): &(&str, &str, Option<&str>)) -> Value {
    let mut field = json!({
        "@type": "cr:Field",
        "@id": format!("{set}/{name}"),
        "name": name,
        "dataType": kind,
        "source": { "fileObject": { "@id": file }, "extract": { "column": name } },
    });
    if let Some(shape) = shape {
        field["isArray"] = json!(true);
        field["arrayShape"] = json!(shape);
    }
    field
}

fn teachers(facts: &Facts<'_>) -> Vec<Value> {
    let teacher = |name: &str| {
        let mut entry = json!({ "@type": "prov:SoftwareAgent", "@id": format!("urn:stillmark:teacher:{}", slug(name)), "name": name });
        own(facts, &format!("teacher {name}: "), &mut entry);
        entry
    };
    facts.record.teachers().iter().map(|one| teacher(&one.name)).collect()
}

fn sources(facts: &Facts<'_>) -> Vec<Value> {
    let source = |id: &str| {
        let mut entry = json!({ "@id": format!("urn:stillmark:source:{}", slug(id)), "name": id });
        own(facts, &format!("source {id}: "), &mut entry);
        entry
    };
    facts.record.data.predicate.sources.iter().map(|one| source(&one.id)).collect()
}

fn own(facts: &Facts<'_>, family: &str, entry: &mut Value) {
    for (name, value) in facts.family(family) {
        entry[format!("stillmark:{}", slug(name))] = json!(value);
    }
}

fn activity(facts: &Facts<'_>) -> Value {
    let mut activity = json!({ "@type": "prov:Activity", "@id": format!("urn:stillmark:run:{}", facts.shown("student digest")) });
    for (name, field) in [("started", "prov:startedAtTime"), ("finished", "prov:endedAtTime")] {
        if let Some(time) = facts.get(name) {
            activity[field] = json!(time);
        }
    }
    activity
}

/// The providers' offers and grants as ODRL policies that name the signed ones by digest.
fn policies(facts: &Facts<'_>) -> Vec<Value> {
    let teachers = facts.record.teachers();
    let offered: BTreeSet<String> =
        teachers.iter().filter_map(|teacher| teacher.offer).map(|digest| digest.to_string()).collect();
    let offer = |digest: String| {
        json!({
            "@type": "odrl:Offer",
            "odrl:uid": format!("urn:stillmark:offer:sha256:{digest}"),
            "odrl:profile": PROFILE,
            "sc:url": format!("../{}", path::OFFER),
        })
    };
    let grants = facts.record.consents.iter().map(|consent| agreement(consent));
    offered.into_iter().map(offer).chain(grants).collect()
}

fn agreement(consent: &Consent) -> Value {
    let grant = &consent.grant.predicate;
    let until = json!({
        "odrl:leftOperand": "odrl:dateTime", "odrl:operator": "odrl:lteq", "odrl:rightOperand": grant.until.to_string(),
    });
    let permission = |action: &String| json!({ "odrl:action": format!("urn:stillmark:action:{action}"), "odrl:target": grant.asset.name, "odrl:constraint": until });
    json!({
        "@type": "odrl:Agreement",
        "odrl:uid": format!("urn:stillmark:grant:sha256:{}", consent.id),
        "odrl:profile": PROFILE,
        "odrl:assigner": grant.issuer.name,
        "odrl:assignee": grant.grantee.name,
        "odrl:permission": grant.permits.iter().map(permission).collect::<Vec<_>>(),
    })
}

fn context() -> Value {
    let mut context = json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "prov": "http://www.w3.org/ns/prov#",
        "odrl": "http://www.w3.org/ns/odrl/2/",
        "stillmark": "urn:stillmark:fact:",
        "conformsTo": "dct:conformsTo",
        "data": { "@id": "cr:data", "@type": "@json" },
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
    });
    let of_croissant = [
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileObject",
        "fileProperty",
        "fileSet",
        "format",
        "includes",
        "isArray",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
        "value",
    ];
    for word in of_croissant {
        context[word] = json!(format!("cr:{word}"));
    }
    context
}
