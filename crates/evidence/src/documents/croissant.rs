//! Croissant metadata of the records, as far as it speaks of what is recorded.

use super::facts::{ABSENT, Stated};
use serde_json::Value;

const PREFIX: &str = "stillmark:";

/// Reads the metadata.
pub(super) fn read(text: &str) -> Result<Stated, String> {
    let dataset: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !dataset["conformsTo"].as_str().is_some_and(|version| version.ends_with("/croissant/1.1")) {
        return Err("it does not conform to Croissant 1.1".to_owned());
    }
    let mut stated = Stated::new();
    own(&dataset, "", &mut stated)?;
    let licenses: Vec<&str> = items(&dataset["license"]).filter_map(Value::as_str).collect();
    stated.push(("data license".to_owned(), licenses.join(", ")));
    if let Some(date) = dataset["datePublished"].as_str() {
        // A day is that of the release; a time is that of the run's end.
        let name = if date.contains('T') { "finished" } else { "released" };
        stated.push((name.to_owned(), date.to_owned()));
    }
    if let Some(supplier) = dataset["creator"]["name"].as_str().filter(|name| *name != ABSENT) {
        stated.push(("supplier".to_owned(), supplier.to_owned()));
    }
    for file in items(&dataset["distribution"]) {
        let digest = text_of(&file["sha256"], "the digest of a file")?;
        stated.push((format!("records {}", text_of(&file["name"], "the name of a file")?), digest));
    }
    for (list, family) in [("prov:wasDerivedFrom", "teacher"), ("stillmark:sources", "source")] {
        for one in items(&dataset[list]) {
            let name = text_of(&one["name"], &format!("the name of a {family}"))?;
            own(one, &format!("{family} {name}: "), &mut stated)?;
        }
    }
    Ok(stated)
}

/// The facts under our prefix.
fn own(holder: &Value, family: &str, stated: &mut Stated) -> Result<(), String> {
    for (key, value) in holder.as_object().into_iter().flatten() {
        if let Some(name) = key.strip_prefix(PREFIX).filter(|name| *name != "sources") {
            stated.push((format!("{family}{name}"), text_of(value, key)?));
        }
    }
    Ok(())
}

fn text_of(value: &Value, what: &str) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{what} is missing, or is no text"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
