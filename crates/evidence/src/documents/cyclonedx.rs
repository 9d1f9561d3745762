//! CycloneDX bills of materials, as far as they speak of what is recorded.

use super::benchmarks::FAMILY;
use super::facts::Stated;
use crate::license;
use serde_json::Value;

/// What our properties begin with.
const PREFIX: &str = "stillmark:";

/// Reads a bill of that version of the format.
pub(super) fn read(text: &str, version: &str) -> Result<Stated, String> {
    let bom: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if bom["bomFormat"] != "CycloneDX" || bom["specVersion"] != version {
        return Err(format!("it is no CycloneDX bill of version {version}"));
    }
    let student = &bom["metadata"]["component"];
    if student["type"] != "machine-learning-model" {
        return Err("metadata.component is no machine-learning model".to_owned());
    }
    let mut stated = Stated::new();
    let supplier = &bom["metadata"]["supplier"];
    state(&mut stated, "supplier", supplier["name"].as_str());
    state(&mut stated, "url", supplier["url"][0].as_str());
    let contact = &supplier["contact"][0];
    state(&mut stated, "contact", contact["email"].as_str().or(contact["name"].as_str()));
    state(&mut stated, "finished", bom["metadata"]["timestamp"].as_str());
    state(&mut stated, "pedigree", student["pedigree"]["notes"].as_str());
    subject(student, &mut stated)?;
    for ancestor in items(&student["pedigree"]["ancestors"]) {
        forebear(ancestor, &mut stated)?;
    }
    for component in items(&bom["components"]) {
        part(component, &mut stated)?;
    }
    claims(&bom["declarations"], &mut stated);
    Ok(stated)
}

/// The student itself.
fn subject(student: &Value, stated: &mut Stated) -> Result<(), String> {
    state(stated, "student", Some(text(&student["name"], "the component's name")?));
    state(stated, "version", student["version"].as_str().filter(|version| *version != "not recorded"));
    state(stated, "student digest", Some(&hash(student).unwrap_or_default()));
    for choice in items(&student["licenses"]) {
        let named = choice["license"]["id"].as_str().or(choice["license"]["name"].as_str());
        state(stated, license::WRITTEN, named);
    }
    for reference in items(&student["externalReferences"]).filter(|one| one["type"] == "attestation") {
        let name = format!("evidence {}", text(&reference["url"], "the address of an attestation")?);
        state(stated, &name, Some(&hash(reference).unwrap_or_default()));
    }
    for reference in items(&student["externalReferences"]).filter(|one| one["type"] == "distribution") {
        state(stated, "download location", reference["url"].as_str());
    }
    properties(student, "", stated);
    for metric in items(&student["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]) {
        let name = text(&metric["type"], "the type of a metric")?;
        // On a benchmark, the slice is what the score is on.
        match metric["slice"].as_str().filter(|slice| slice.starts_with(FAMILY)) {
            Some(on) => {
                state(stated, &format!("{on}: {name}"), metric["value"].as_str());
                let bound = |end: &str| metric["confidenceInterval"][end].as_str().unwrap_or_default();
                let interval = format!("{} to {}", bound("lowerBound"), bound("upperBound"));
                state(stated, &format!("{on}: interval of {name}"), Some(&interval));
            }
            None => state(stated, name, metric["value"].as_str()),
        }
    }
    for duty in items(&student["modelCard"]["considerations"]["ethicalConsiderations"]) {
        let name = text(&duty["name"], "the name of a consideration")?;
        state(stated, name, duty["mitigationStrategy"].as_str());
    }
    Ok(())
}

/// A model that the student comes from.
fn forebear(ancestor: &Value, stated: &mut Stated) -> Result<(), String> {
    let name = text(&ancestor["name"], "the name of an ancestor")?;
    let relation = items(&ancestor["properties"]).find(|one| one["name"] == "stillmark:relation");
    match relation.and_then(|relation| relation["value"].as_str()) {
        Some("init") => {
            state(stated, "base", Some(name));
            state(stated, "base digest", hash(ancestor).as_deref());
        }
        Some("distill-outputs") => {
            let family = format!("teacher {name}: ");
            properties(ancestor, &family, stated);
            state(stated, &format!("{family}weights"), hash(ancestor).as_deref());
        }
        _ => return Err(format!("the ancestor `{name}` has no `stillmark:relation`")),
    }
    Ok(())
}

/// A source or a file of records.
fn part(component: &Value, stated: &mut Stated) -> Result<(), String> {
    let name = text(&component["name"], "the name of a component")?;
    match component["type"].as_str() {
        Some("data") => properties(component, &format!("source {name}: "), stated),
        Some("file") => state(stated, &format!("records {name}"), hash(component).as_deref()),
        _ => {}
    }
    Ok(())
}

/// What is declared of the verdict.
fn claims(declarations: &Value, stated: &mut Stated) {
    for claim in items(&declarations["claims"]).filter(|claim| claim["bom-ref"] == "claim:verdict") {
        state(stated, "verdict", claim["predicate"].as_str());
    }
}

fn properties(holder: &Value, family: &str, stated: &mut Stated) {
    for property in items(&holder["properties"]) {
        let name = property["name"].as_str().and_then(|name| name.strip_prefix(PREFIX));
        if let Some(name) = name.filter(|name| *name != "relation") {
            state(stated, &format!("{family}{name}"), property["value"].as_str());
        }
    }
}

fn hash(holder: &Value) -> Option<String> {
    let hash = items(&holder["hashes"]).find(|hash| hash["alg"] == "SHA-256")?;
    hash["content"].as_str().map(str::to_owned)
}

fn state(stated: &mut Stated, name: &str, value: Option<&str>) {
    stated.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("{what} is missing"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
