//! How answers were generated, against what the log says of it.

use super::Class;
use super::findings::{Contrast, Findings};
use crate::json::{Kind, Value};
use crate::log::{About, Sample};

/// Compares the settings that stand beside each request with the task's.
pub(super) fn check(about: &About<'_>, sample: &Sample<'_>, findings: &mut Findings<'_, '_>) {
    let stated = about.setup.config.as_ref().and_then(|config| config.get("generation_kwargs"));
    let Some(stated) = stated.filter(|stated| !stated.members().is_empty()) else { return };
    for request in &sample.requests {
        let Some(used) = &request.generation else { continue };
        if used.raw == stated.raw {
            continue;
        }
        for (key, value) in used.members() {
            let expected = stated.get(&key.get());
            if expected.is_some_and(|expected| same(expected, value)) {
                continue;
            }
            let detail = format!("generated with another `{}` than the task's configuration says", key.get());
            let expected = expected.map_or("nothing", |expected| expected.raw);
            findings.sample(Class::SettingsChanged, sample, detail, Contrast::of(expected, value.raw));
            return;
        }
    }
}

/// Whether two values are equal, however they are spelled.
pub(super) fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Number, Kind::Number) => one.raw == other.raw || one.number() == other.number(),
        (Kind::Text(one), Kind::Text(other)) => one == other,
        (Kind::Bool(one), Kind::Bool(other)) => one == other,
        (Kind::Null, Kind::Null) => true,
        (Kind::List(one), Kind::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Kind::Object(members), Kind::Object(others)) => {
            members.len() == others.len()
                && members
                    .iter()
                    .all(|(key, value)| other.get(&key.get()).is_some_and(|found| same(value, found)))
        }
        _ => false,
    }
}
