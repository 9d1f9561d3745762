//! SPDX 3.0.1 with the AI and Dataset profiles.

use serde_json::{Value, json};
use stillmark_evidence::license;

use super::{Facts, pretty};

const NONE: &str = "NOASSERTION";
const NO_LICENSE: &str = "https://spdx.org/rdf/3.0.1/terms/Licensing/NoAssertion";
const CREATION: &str = "_:creation";
/// The recipe's facts, which are hyperparameters.
const HYPER: [&str; 12] = [
    "losses",
    "learning rate",
    "steps",
    "training tokens",
    "sequence length",
    "batch",
    "warmup",
    "weight decay",
    "seed",
    "threads",
    "instruction set",
    "precision",
];
/// Facts that have an element or field of their own.
const FIELDS: [&str; 10] = [
    "student",
    "student digest",
    "version",
    "supplier",
    "base",
    "base digest",
    "license",
    "pedigree",
    "finished",
    "download location",
];

/// Writes the document.
pub(super) fn write(facts: &Facts<'_>) -> String {
    let document = Graph::new(facts).document();
    pretty(&json!({ "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": document }))
}

struct Graph<'f, 'r> {
    facts: &'f Facts<'r>,
    namespace: String,
    elements: Vec<Value>,
    n_notes: usize,
}

impl<'f, 'r> Graph<'f, 'r> {
    fn new(facts: &'f Facts<'r>) -> Self {
        let namespace = format!("urn:stillmark:spdx:{}", facts.shown("student digest"));
        Self { facts, namespace, elements: Vec::new(), n_notes: 0 }
    }

    fn document(mut self) -> Vec<Value> {
        let created = self.facts.finished().unwrap_or("1970-01-01T00:00:00Z");
        self.elements.push(json!({
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": "3.0.1",
            "created": created,
            "createdBy": [self.id("tool")],
            "comment": "When the run ended.",
        }));
        self.element("SoftwareAgent", "tool", "stillmark", json!({}));
        self.supplier();
        self.student();
        self.base();
        self.teachers();
        self.sources();
        self.licenses();
        let all: Vec<Value> = self.elements.iter().filter_map(|one| one.get("spdxId").cloned()).collect();
        let root = json!({
            "element": all,
            "rootElement": [self.id("student")],
            "profileConformance": ["core", "software", "simpleLicensing", "ai", "dataset"],
        });
        let name = format!("{} and what it was distilled from", self.facts.shown("student"));
        self.element("SpdxDocument", "document", &name, root);
        self.elements
    }

    fn supplier(&mut self) {
        match self.facts.get("supplier").map(str::to_owned) {
            Some(supplier) => self.element("Organization", "supplier", &supplier, json!({})),
            None => self.element(
                "Agent",
                "supplier",
                NONE,
                json!({ "comment": "Who supplies it is not recorded." }),
            ),
        }
    }

    fn student(&mut self) {
        let facts = self.facts;
        let entries = |names: Vec<(String, &str)>| -> Vec<Value> {
            let entry = |(key, value)| json!({ "type": "DictionaryEntry", "key": key, "value": value });
            names.into_iter().map(entry).collect()
        };
        let hyper = HYPER.iter().filter_map(|name| Some(((*name).to_owned(), facts.get(name)?))).collect();
        let held_out = facts.family("held-out ").into_iter();
        let metrics = held_out.map(|(name, value)| (format!("held-out {name}"), value)).collect();
        let mut package = self.package();
        package["verifiedUsing"] = json!([sha256(facts.shown("student digest"))]);
        package["suppliedBy"] = json!(self.id("supplier"));
        package["software_packageVersion"] = json!(facts.get("version").unwrap_or(NONE));
        package["software_primaryPurpose"] = json!("model");
        package["ai_hyperparameter"] = json!(entries(hyper));
        package["ai_metric"] = json!(entries(metrics));
        package["ai_informationAboutTraining"] = json!(facts.shown("pedigree"));
        package["ai_limitation"] = json!(
            "It was measured on held-out text of the record alone; what else it does was not evaluated."
        );
        let name = facts.shown("student").to_owned();
        self.element("ai_AIPackage", "student", &name, package);
        let own: Vec<(String, String)> = facts
            .named
            .iter()
            .filter(|(name, _)| is_noted(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, value) in own {
            self.note("student", &name, &value);
        }
    }

    /// What a model and a data set of the run have alike.
    fn package(&self) -> Value {
        let released = self.facts.get("released").map(|day| format!("{day}T00:00:00Z"));
        let unreleased = released.is_none();
        let ended = self.facts.finished().unwrap_or("1970-01-01T00:00:00Z").to_owned();
        let mut package = json!({
            "releaseTime": released.unwrap_or(ended.clone()),
            "builtTime": ended,
            "software_downloadLocation": self.facts.get("download location").unwrap_or(NONE),
        });
        if unreleased {
            package["comment"] = json!(
                "The release is not recorded; the format demands a time, and the run's end stands for it."
            );
        }
        package
    }

    fn base(&mut self) {
        let Some(base) = self.facts.get("base").map(str::to_owned) else { return };
        let mut package = json!({ "software_primaryPurpose": "model" });
        if let Some(digest) = self.facts.get("base digest") {
            package["verifiedUsing"] = json!([sha256(digest)]);
        }
        self.element("software_Package", "base", &base, package);
        self.relate("student", "descendantOf", "base", "The student's first weights are of this model.");
    }

    fn teachers(&mut self) {
        for (idx, teacher) in self.facts.record.teachers().into_iter().enumerate() {
            let id = format!("teacher-{idx}");
            let mut package = json!({ "software_primaryPurpose": "model" });
            if let Some(digest) = teacher.weights {
                package["verifiedUsing"] = json!([sha256(&digest.to_string())]);
            }
            self.element("software_Package", &id, &teacher.name, package);
            self.relate(
                "student",
                "descendantOf",
                &id,
                "The student was distilled from what this model gave.",
            );
            let family = format!("teacher {}: ", teacher.name);
            for (name, value) in owned(self.facts.family(&family)) {
                if name != "weights" {
                    self.note(&id, &name, &value);
                }
            }
            for (at, source) in self.facts.record.data.predicate.sources.iter().enumerate() {
                let name = source.teacher.as_ref().map_or(source.id.as_str(), |one| &one.name);
                if name == teacher.name {
                    self.relate(&id, "generates", &format!("source-{at}"), "Answers, or scores of texts.");
                }
            }
        }
    }

    fn sources(&mut self) {
        for (idx, source) in self.facts.record.data.predicate.sources.iter().enumerate() {
            let id = format!("source-{idx}");
            let mut package = self.package();
            package["originatedBy"] = json!([self.id("supplier")]);
            package["software_primaryPurpose"] = json!("data");
            package["dataset_datasetType"] = json!(["text"]);
            package["dataset_datasetSize"] = json!(source.rows);
            package["dataset_intendedUse"] = json!("training of the student");
            package["dataset_dataCollectionProcess"] = json!(collection(source));
            self.element("dataset_DatasetPackage", &id, &source.id, package);
            self.relate("student", "trainedOn", &id, "Records of this source, but for those held out.");
            for (name, value) in owned(self.facts.family(&format!("source {}: ", source.id))) {
                if name != "license" {
                    self.note(&id, &name, &value);
                }
            }
        }
        for (idx, (name, digest)) in owned(self.facts.family("records ")).into_iter().enumerate() {
            let id = format!("records-{idx}");
            let file = json!({
                "software_primaryPurpose": "data",
                "software_contentIdentifier": [],
                "verifiedUsing": [sha256(&digest)],
            });
            self.element("software_File", &id, &name, file);
            self.relate("source-0", "contains", &id, "The files hold the records of all sources.");
        }
    }

    fn licenses(&mut self) {
        let expression = license::expression(self.facts.shown("license"));
        let body = json!({ "simplelicensing_licenseExpression": expression });
        self.element("simplelicensing_LicenseExpression", "license", "", body);
        self.relate("student", "hasDeclaredLicense", "license", "As the plan declares it.");
        self.conclude("student");
        for idx in 0..self.facts.record.data.predicate.sources.len() {
            self.conclude(&format!("source-{idx}"));
            let terms: Vec<String> = self.facts.record.data.predicate.sources[idx]
                .terms
                .iter()
                .map(|terms| license::expression(&terms.id))
                .collect();
            if terms.is_empty() {
                continue;
            }
            let id = format!("terms-{idx}");
            let body = json!({ "simplelicensing_licenseExpression": terms.join(" AND ") });
            self.element("simplelicensing_LicenseExpression", &id, "", body);
            self.relate(&format!("source-{idx}"), "hasDeclaredLicense", &id, "The terms it was used under.");
        }
    }

    /// Nobody concluded a license: the agreement check's verdict is no license.
    fn conclude(&mut self, from: &str) {
        let id = format!("concluded-{from}");
        let body =
            json!({ "from": self.id(from), "relationshipType": "hasConcludedLicense", "to": [NO_LICENSE] });
        self.element("Relationship", &id, "", body);
    }

    fn element(&mut self, kind: &str, id: &str, name: &str, mut body: Value) {
        body["type"] = json!(kind);
        body["spdxId"] = json!(self.id(id));
        body["creationInfo"] = json!(CREATION);
        if !name.is_empty() {
            body["name"] = json!(name);
        }
        self.elements.push(body);
    }

    fn relate(&mut self, from: &str, kind: &str, to: &str, comment: &str) {
        let body = json!({
            "from": self.id(from), "relationshipType": kind, "to": [self.id(to)], "comment": comment,
        });
        self.element("Relationship", &format!("{from}-{kind}-{to}"), "", body);
    }

    fn note(&mut self, subject: &str, name: &str, value: &str) {
        self.n_notes += 1;
        let id = format!("note-{}", self.n_notes);
        let body = json!({
            "annotationType": "other", "subject": self.id(subject), "statement": format!("{name} = {value}"),
        });
        self.element("Annotation", &id, "", body);
    }

    fn id(&self, fragment: &str) -> String {
        format!("{}#{fragment}", self.namespace)
    }
}

/// Whether a fact of the student is an annotation, having no place elsewhere.
fn is_noted(name: &str) -> bool {
    let elsewhere = ["teacher ", "source ", "records ", "held-out "];
    !FIELDS.contains(&name)
        && !HYPER.contains(&name)
        && !elsewhere.iter().any(|start| name.starts_with(start))
}

fn owned(family: Vec<(&str, &str)>) -> Vec<(String, String)> {
    family.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn collection(source: &stillmark_evidence::manifest::Source) -> String {
    let teacher = source.teacher.as_ref().map_or("no model", |teacher| &teacher.name);
    let origin = source.prompts.as_ref().map_or("an origin that is not recorded", |prompts| &prompts.origin);
    let what = if source.generation.is_empty() { "scored texts" } else { "answered prompts" };
    format!("{teacher} {what} from {origin}")
}

fn sha256(digest: &str) -> Value {
    json!({ "type": "Hash", "algorithm": "sha256", "hashValue": digest })
}
