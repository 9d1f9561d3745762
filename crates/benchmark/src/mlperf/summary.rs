//! `mlperf_log_summary.txt`: what LoadGen says of a run for people.

use std::collections::BTreeMap;

/// The lines `name : value` of a summary, by name; a name that is said twice keeps its first value.
pub fn read(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for line in String::from_utf8_lossy(bytes).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim(), value.trim());
        if !name.is_empty() && !value.is_empty() {
            lines.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    lines
}
