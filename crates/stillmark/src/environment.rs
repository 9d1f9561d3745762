//! The one place that reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;

/// A variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The names of every variable that starts with a prefix.
pub(crate) fn names_with(prefix: &str) -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

/// Where this user's programs keep what can be fetched again.
pub(crate) fn cache_home() -> PathBuf {
    base("XDG_CACHE_HOME", ".cache")
}

/// Where this user's programs keep their settings.
pub(crate) fn config_home() -> PathBuf {
    base("XDG_CONFIG_HOME", ".config")
}

fn base(variable_name: &str, below_home: &str) -> PathBuf {
    match variable(variable_name) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(variable("HOME").unwrap_or_else(|| ".".into())).join(below_home),
    }
}
