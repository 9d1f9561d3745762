//! The names that others give to the licenses of the terms pack.

/// Ids of the terms pack with the name that SPDX's list has for them.
const SPDX: [(&str, &str); 9] = [
    ("apache-2.0", "Apache-2.0"),
    ("mit", "MIT"),
    ("cc0-1.0", "CC0-1.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
    ("cdla-permissive-2.0", "CDLA-Permissive-2.0"),
    ("cdla-sharing-1.0", "CDLA-Sharing-1.0"),
    ("deepseek-r1-mit", "MIT"),
];

/// Ids that the model hub knows under the same name.
const HUB: [&str; 16] = [
    "apache-2.0",
    "mit",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cdla-permissive-2.0",
    "cdla-sharing-1.0",
    "bigscience-openrail-m",
    "llama2",
    "llama3",
    "llama3.1",
    "llama3.2",
    "llama3.3",
    "llama4",
    "other",
];

/// What a document states that names the license by [`expression`].
pub(crate) const WRITTEN: &str = "license as others write it";

/// The name on SPDX's list.
pub fn spdx(id: &str) -> Option<&'static str> {
    SPDX.iter().find(|(ours, _)| *ours == id).map(|(_, theirs)| *theirs)
}

/// An expression that names it: that of the list, or a reference of our own.
pub fn expression(id: &str) -> String {
    spdx(id).map_or_else(|| format!("LicenseRef-{}", word(id)), str::to_owned)
}

/// Whether the model hub has it on its list.
pub fn is_of_hub(id: &str) -> bool {
    HUB.contains(&id)
}

fn word(id: &str) -> String {
    id.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '-' })
        .collect()
}
