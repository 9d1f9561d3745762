//! Published names.

/// Whether a published name, without its owner's part, begins with a word in any case.
pub(crate) fn begins_with(name: &str, prefix: &str) -> bool {
    let own = name.rsplit('/').next().unwrap_or(name);
    let same = |character: char| if character == '-' || character == '_' { ' ' } else { character };
    let normal = |text: &str| text.to_lowercase().chars().map(same).collect::<String>();
    normal(own).starts_with(&normal(prefix))
}
