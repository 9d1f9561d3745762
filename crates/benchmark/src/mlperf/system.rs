//! What is described rather than measured: the system, how the weights were made, the files that must lie there.

use serde_json::{Map, Value};

use super::look::Look;
use super::place::Place;
use super::rules::{
    ACCURACY_FILES, MEASUREMENT_FIELDS, PERFORMANCE_FILES, SCENARIO_FILES, SCENARIOS, STATUS,
    SYSTEM_MEANINGFUL, SYSTEM_NETWORK, SYSTEM_OTHER, SYSTEM_TYPES,
};

/// Looks at the files and descriptions of a result.
pub(super) fn look(look: &mut Look<'_>, place: &Place) {
    files(look, place);
    if !SCENARIOS.contains(&place.scenario.as_str()) {
        look.found("mlperf-layout", &place.file(""), format!("`{}` is no scenario", place.scenario));
    }
    system(look, place);
    measurements(look, place);
}

fn files(look: &mut Look<'_>, place: &Place) {
    let in_folder = |folder: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| place.file(&format!("{folder}{name}"))).collect()
    };
    let mut wanted = in_folder("", &SCENARIO_FILES);
    wanted.extend(in_folder("accuracy/", &ACCURACY_FILES));
    wanted.extend(in_folder("performance/run_1/", &PERFORMANCE_FILES));
    for file in wanted {
        match look.file(&file).map(<[u8]>::is_empty) {
            None => look.found("mlperf-missing-file", &file, "a required file is not there".to_owned()),
            Some(true) => look.found("mlperf-missing-file", &file, "a required file is empty".to_owned()),
            Some(false) => {}
        }
    }
    let sources = format!("{}/src/", place.submitter_folder());
    if !look.has_below(&sources) {
        look.found("mlperf-missing-file", &sources, "the sources are not there".to_owned());
    }
}

/// A file that is a JSON object; where it is not, that is found.
pub(super) fn object(look: &mut Look<'_>, file: &str) -> Option<Map<String, Value>> {
    let bytes = look.file(file)?;
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Some(object),
        Ok(_) => {
            look.found("mlperf-malformed", file, "not a JSON object".to_owned());
            None
        }
        Err(err) => {
            look.found("mlperf-malformed", file, err.to_string());
            None
        }
    }
}

/// Whether a field says something, as the official checker takes it: `0` and `false` do not, `"0"` does.
pub(super) fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) => true,
    }
}

fn system(look: &mut Look<'_>, place: &Place) {
    let file = place.system_file();
    if look.file(&file).is_none() {
        look.found("mlperf-missing-file", &file, "the system's description is not there".to_owned());
        return;
    }
    let Some(described) = object(look, &file) else { return };
    for name in SYSTEM_MEANINGFUL {
        if !described.get(name).is_some_and(says_something) {
            look.found("mlperf-system", &file, format!("`{name}` is missing or says nothing"));
        }
    }
    for name in SYSTEM_OTHER.into_iter().filter(|name| !described.contains_key(*name)) {
        look.found("mlperf-system", &file, format!("`{name}` is missing"));
    }
    let text = |name: &str| described.get(name).and_then(Value::as_str).unwrap_or_default();
    for (name, folder) in [("submitter", &place.submitter), ("division", &place.division)] {
        if !text(name).eq_ignore_ascii_case(folder) {
            look.differs("mlperf-system", &file, name, (folder, text(name)));
        }
    }
    if !STATUS.contains(&text("status").to_lowercase().as_str()) {
        look.differs("mlperf-system", &file, "status", ("available, preview or rdi", text("status")));
    }
    if !SYSTEM_TYPES.contains(&text("system_type")) {
        look.differs(
            "mlperf-system",
            &file,
            "system_type",
            ("datacenter, edge or both", text("system_type")),
        );
    }
    if described.get(SYSTEM_NETWORK[0]).is_some_and(says_something) {
        for name in SYSTEM_NETWORK.into_iter().filter(|name| !described.contains_key(*name)) {
            look.found("mlperf-system", &file, format!("`{name}` is missing of a system across a network"));
        }
    }
    let across = said_network(&described);
    let said = if across { "true" } else { "false" };
    match place.division.as_str() {
        "closed" if across => look.differs("mlperf-system", &file, SYSTEM_NETWORK[0], ("false", said)),
        "network" if !across => look.differs("mlperf-system", &file, SYSTEM_NETWORK[0], ("true", said)),
        _ => {}
    }
    for name in ["number_of_nodes", "accelerators_per_node"] {
        let whole = described.get(name).is_some_and(|value| match value {
            Value::String(text) => text.parse::<u64>().is_ok(),
            other => other.is_u64(),
        });
        if !whole {
            look.found("mlperf-system", &file, format!("`{name}` is not a whole number"));
        }
    }
}

/// Whether the system's description says that it is asked across a network.
pub(super) fn is_network(look: &Look<'_>, place: &Place) -> bool {
    let described = look.file(&place.system_file()).and_then(|bytes| serde_json::from_slice(bytes).ok());
    described.is_some_and(|described| said_network(&described))
}

fn said_network(described: &Map<String, Value>) -> bool {
    let said = described.get(SYSTEM_NETWORK[0]);
    said.and_then(Value::as_str).is_some_and(|said| said.eq_ignore_ascii_case("true"))
}

fn measurements(look: &mut Look<'_>, place: &Place) {
    let file = place.file("measurements.json");
    let Some(fields) = object(look, &file) else { return };
    for name in MEASUREMENT_FIELDS {
        if !fields.get(name).is_some_and(says_something) {
            look.found("mlperf-system", &file, format!("`{name}` is missing or says nothing"));
        }
    }
}
