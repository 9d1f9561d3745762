//! SPDX 3.0.1 documents: what they state of what is recorded, and the fields that the model demands.

use super::facts::Stated;
use crate::license;
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields that the model's text demands of a type, which its schema does not.
const MANDATORY: [(&str, &[&str]); 3] = [
    (
        "ai_AIPackage",
        &[
            "name",
            "creationInfo",
            "suppliedBy",
            "releaseTime",
            "software_packageVersion",
            "software_downloadLocation",
            "software_primaryPurpose",
        ],
    ),
    (
        "dataset_DatasetPackage",
        &[
            "name",
            "creationInfo",
            "originatedBy",
            "builtTime",
            "releaseTime",
            "software_downloadLocation",
            "software_primaryPurpose",
            "dataset_datasetType",
        ],
    ),
    ("SpdxDocument", &["creationInfo", "rootElement", "profileConformance"]),
];

/// What lies outside a document: elements that the model itself defines.
const OUTSIDE: &str = "https://spdx.org/rdf/";

/// The mandatory fields that elements of a graph lack, as `element: field`.
pub fn missing_fields(document: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    for element in items(&document["@graph"]) {
        let demanded = MANDATORY.iter().find(|(kind, _)| element["type"] == *kind);
        let lacks = |field: &&&str| match &element[**field] {
            Value::Null => true,
            Value::Array(all) => all.is_empty() || (**field == "originatedBy" && all.len() != 1),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        for field in demanded.iter().flat_map(|(_, fields)| fields.iter()).filter(lacks) {
            missing.push(format!("{}: {field}", element["spdxId"].as_str().unwrap_or("an element")));
        }
    }
    missing
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Stated, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let graph = Graph::of(&document)?;
    if let [first, ..] = &missing_fields(&document)[..] {
        return Err(format!("a mandatory field is missing: {first}"));
    }
    let mut stated = Stated::new();
    let creation = items(&document["@graph"]).find(|one| one["type"] == "CreationInfo");
    state(&mut stated, "finished", creation.map_or(&Value::Null, |creation| &creation["created"]));
    graph.student(&mut stated)?;
    graph.relations(&mut stated)?;
    graph.annotations(&mut stated)?;
    Ok(stated)
}

/// The elements by id.
struct Graph<'a> {
    elements: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Graph<'a> {
    fn of(document: &'a Value) -> Result<Self, String> {
        let graph = document["@graph"].as_array().ok_or("it has no `@graph`")?;
        let mut elements = BTreeMap::new();
        for element in graph {
            let Some(id) = element["spdxId"].as_str() else { continue };
            if elements.insert(id, element).is_some() {
                return Err(format!("`{id}` is there twice"));
            }
        }
        Ok(Self { elements })
    }

    fn resolve(&self, id: &str) -> Result<&'a Value, String> {
        self.elements.get(id).copied().ok_or_else(|| format!("`{id}` is named, and is not there"))
    }

    fn student(&self, stated: &mut Stated) -> Result<(), String> {
        let mut students = self.elements.values().filter(|element| element["type"] == "ai_AIPackage");
        let (Some(student), None) = (students.next(), students.next()) else {
            return Err("there must be one ai_AIPackage".to_owned());
        };
        state(stated, "student", &student["name"]);
        state(stated, "student digest", &student["verifiedUsing"][0]["hashValue"]);
        let version = &student["software_packageVersion"];
        if version != "NOASSERTION" {
            state(stated, "version", version);
        }
        let supplier = self.resolve(student["suppliedBy"].as_str().unwrap_or_default())?;
        if supplier["name"] != "NOASSERTION" {
            state(stated, "supplier", &supplier["name"]);
        }
        state(stated, "pedigree", &student["ai_informationAboutTraining"]);
        if student["software_downloadLocation"] != "NOASSERTION" {
            state(stated, "download location", &student["software_downloadLocation"]);
        }
        // A comment says so where no release is recorded and another time stands for it.
        if student["comment"].is_null() {
            let day = student["releaseTime"].as_str().and_then(|time| time.split('T').next());
            state(stated, "released", &Value::from(day));
        }
        for entry in items(&student["ai_hyperparameter"]).chain(items(&student["ai_metric"])) {
            state(stated, entry["key"].as_str().ok_or("an entry has no key")?, &entry["value"]);
        }
        let digest = &student["verifiedUsing"][0]["hashValue"];
        if digest.is_null() { Err("the student has no hash".to_owned()) } else { Ok(()) }
    }

    /// Base and teachers, the files of the records, the license.
    fn relations(&self, stated: &mut Stated) -> Result<(), String> {
        let relations = self.elements.values().filter(|element| element["type"] == "Relationship");
        for relation in relations {
            let from = relation["from"].as_str().unwrap_or_default();
            self.resolve(from)?;
            for id in items(&relation["to"]).filter_map(Value::as_str) {
                if id.starts_with(OUTSIDE) {
                    continue;
                }
                let to = self.resolve(id)?;
                let hash = &to["verifiedUsing"][0]["hashValue"];
                match (relation["relationshipType"].as_str().unwrap_or_default(), fragment(id)) {
                    ("descendantOf", "base") => {
                        state(stated, "base", &to["name"]);
                        state(stated, "base digest", hash);
                    }
                    ("descendantOf", _) => state(stated, &format!("{}weights", self.family(id)?), hash),
                    ("contains", "records") => {
                        state(stated, &format!("records {}", to["name"].as_str().unwrap_or("")), hash);
                    }
                    ("hasDeclaredLicense", _) if fragment(from) == "student" => {
                        state(stated, license::WRITTEN, &to["simplelicensing_licenseExpression"]);
                    }
                    ("hasDeclaredLicense", _) => {
                        let name = format!("{}license", self.family(from)?);
                        state(stated, &name, &to["simplelicensing_licenseExpression"]);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// `name = value`, about the student, a teacher or a source that the student is bound to by a relationship.
    fn annotations(&self, stated: &mut Stated) -> Result<(), String> {
        for annotation in self.elements.values().filter(|element| element["type"] == "Annotation") {
            let subject = annotation["subject"].as_str().unwrap_or_default();
            self.resolve(subject)?;
            let statement = annotation["statement"].as_str().unwrap_or_default();
            let Some((name, value)) = statement.split_once(" = ") else { continue };
            let kind = fragment(subject);
            let is_bound = kind != "teacher" || self.is_ancestor(subject);
            if is_bound {
                state(stated, &format!("{}{name}", self.family(subject)?), &Value::from(value));
            }
        }
        Ok(())
    }

    fn is_ancestor(&self, id: &str) -> bool {
        self.elements.values().any(|relation| {
            relation["relationshipType"] == "descendantOf"
                && items(&relation["to"]).any(|to| to.as_str() == Some(id))
        })
    }

    /// What the facts of an element begin with.
    fn family(&self, id: &str) -> Result<String, String> {
        let name = self.resolve(id)?["name"].as_str().unwrap_or_default();
        Ok(match fragment(id) {
            "teacher" => format!("teacher {name}: "),
            "source" => format!("source {name}: "),
            _ => String::new(),
        })
    }
}

/// What sort of element an id of ours is of: the first word after the `#`.
fn fragment(id: &str) -> &str {
    let word = id.rsplit_once('#').map_or("", |(_, word)| word);
    word.split_once('-').map_or(word, |(first, _)| first)
}

fn state(stated: &mut Stated, name: &str, value: &Value) {
    stated.extend(value.as_str().map(|value| (name.to_owned(), value.to_owned())));
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
