//! Scores in the hub's format: `.eval_results/*.yaml`.

use super::Facts;

const ENTRIES: [(&str, &str); 7] = [
    ("agreement-before", "agreement before"),
    ("agreement-after", "agreement after"),
    ("kl-before", "KL before"),
    ("kl-after", "KL after"),
    ("perplexity-before", "perplexity before"),
    ("perplexity-after", "perplexity after"),
    ("perplexity-of-teacher", "perplexity of the teacher"),
];

/// Writes the entries of the held-out evaluation, where there was one. The data set is no public benchmark: it is
/// named by the record's digest.
pub(super) fn write(facts: &Facts<'_>) -> Option<String> {
    let rows = facts.get("held-out positions")?;
    let mut entries = vec![format!(
        "# held-out positions: {rows}\n# Records that were never trained on; the data set's id is the digest of data/manifest.json.\n"
    )];
    let record = facts.shown("record");
    let date = facts.finished().map_or(String::new(), |date| format!("  date: '{date}'\n"));
    for (task, name) in ENTRIES {
        if let Some(value) = facts.get(&format!("held-out {name}")) {
            entries.push(format!(
                "- dataset:\n    id: 'urn:stillmark:record/{record}'\n    task_id: {task}\n  value: {value}\n{date}  notes: 'held-out {name}'\n"
            ));
        }
    }
    Some(entries.concat())
}
