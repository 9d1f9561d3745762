//! Scores in the hub's format, in the one layout that we write: entries of `key: value` lines.

use super::facts::Stated;

/// What an entry's task is called, with the fact that it states.
pub(super) const TASKS: [(&str, &str); 7] = [
    ("agreement-before", "held-out agreement before"),
    ("agreement-after", "held-out agreement after"),
    ("kl-before", "held-out KL before"),
    ("kl-after", "held-out KL after"),
    ("perplexity-before", "held-out perplexity before"),
    ("perplexity-after", "held-out perplexity after"),
    ("perplexity-of-teacher", "held-out perplexity of the teacher"),
];

/// Reads the entries; a comment names the number of positions.
pub(super) fn read(text: &str) -> Result<Stated, String> {
    let mut stated = Stated::new();
    let mut task: Option<&str> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# held-out positions: ") {
            stated.push(("held-out positions".to_owned(), rest.to_owned()));
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("- ").unwrap_or(line);
        let (key, value) = line.split_once(':').ok_or_else(|| format!("`{line}` has no `key: value`"))?;
        match (key, value.trim()) {
            ("task_id", word) => task = Some(word),
            ("value", number) => {
                let word = task.take().ok_or("a value without a task")?;
                let known = TASKS.iter().find(|(ours, _)| *ours == word).map(|(_, fact)| *fact);
                if let Some(fact) = known {
                    number.parse::<f64>().map_err(|_| format!("`{number}` is not a number"))?;
                    stated.push((fact.to_owned(), number.to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok(stated)
}
