//! What the path of a file says about the subset that it holds.

/// The words for the parts of a dataset, and how they are spelled here.
const SPLITS: [(&str, &str); 8] = [
    ("test", "test"),
    ("dev", "dev"),
    ("train", "train"),
    ("validation", "validation"),
    ("valid", "validation"),
    ("val", "validation"),
    ("auxiliary_train", "auxiliary_train"),
    ("training", "train"),
];

/// The name of the subset and its split, as far as the path says them.
pub(super) fn of(path: &str) -> (String, String) {
    let mut parts: Vec<&str> =
        path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let file = parts.pop().unwrap_or_default();
    let stem = without_shard(without_extensions(file));
    let (name, mut split) = divided(stem);
    if split.is_empty() {
        split = parts.iter().rev().find_map(|part| whole_split(part)).unwrap_or_default();
    }
    if !name.is_empty() {
        return (name.to_owned(), split.to_owned());
    }
    // A file called `test` is named by its folder.
    let folder = parts.iter().rev().find(|part| whole_split(part).is_none() && **part != "data");
    (folder.copied().unwrap_or_default().to_owned(), split.to_owned())
}

fn without_extensions(file: &str) -> &str {
    const KNOWN: [&str; 12] =
        ["gz", "bz2", "zst", "csv", "tsv", "json", "jsonl", "ndjson", "parquet", "txt", "snappy", "zstd"];
    let mut stem = file;
    while let Some((rest, extension)) = stem.rsplit_once('.') {
        if rest.is_empty() || !KNOWN.contains(&extension.to_ascii_lowercase().as_str()) {
            break;
        }
        stem = rest;
    }
    stem
}

/// `test-00000-of-00001` is the test part.
fn without_shard(stem: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((rest, total)) = stem.rsplit_once("-of-") else { return stem };
    match rest.rsplit_once('-') {
        Some((name, shard)) if is_number(shard) && is_number(total) => name,
        _ => stem,
    }
}

fn whole_split(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    SPLITS.iter().find(|(spelled, _)| *spelled == lower).map(|(_, split)| *split)
}

/// A stem without the split at its end: `anatomy_test` is anatomy, test.
fn divided(stem: &str) -> (&str, &'static str) {
    if let Some(split) = whole_split(stem) {
        return ("", split);
    }
    let divided =
        stem.rfind(['_', '-', '.']).and_then(|at| Some((&stem[..at], whole_split(&stem[at + 1..])?)));
    divided.unwrap_or((stem, ""))
}
