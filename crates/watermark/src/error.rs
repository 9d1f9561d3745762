//! Why a key could not be read, or a text not be judged.

use thiserror::Error;

/// A reason why no answer could be found; "no mark" is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The key file is not TOML. What stood there is not repeated: it may be a key.
    #[error("line {line}: not TOML")]
    Toml {
        /// Where, counted from 1.
        line: usize,
    },
    /// The key file has a key that its scheme does not have.
    #[error("unknown key `{key}` for scheme `{scheme}`{}; known: {}", did_you_mean(near.as_deref()), known.join(", "))]
    UnknownKey {
        /// The key.
        key: String,
        /// The scheme.
        scheme: &'static str,
        /// The key that was probably meant.
        near: Option<String>,
        /// Those the scheme has.
        known: Vec<&'static str>,
    },
    /// The key file lacks a key that its scheme needs.
    #[error("`{key}` is missing for scheme `{scheme}`")]
    Missing {
        /// The absent key.
        key: &'static str,
        /// The scheme.
        scheme: String,
    },
    /// A value that its key cannot have. The value is not repeated: it may be secret.
    #[error("`{key}` must be {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it must be.
        expected: String,
    },
    /// No scheme has that name.
    #[error("there is no scheme `{name}`{}", did_you_mean(near.as_deref()))]
    UnknownScheme {
        /// The name.
        name: String,
        /// The scheme that was probably meant.
        near: Option<String>,
    },
    /// The scheme cannot do what is asked.
    #[error("scheme `{scheme}` {cannot}")]
    Unsupported {
        /// The scheme.
        scheme: &'static str,
        /// What it cannot.
        cannot: &'static str,
    },
    /// Lists that belong together have not one length.
    #[error("{what}: {found} where there should be {expected}")]
    Lengths {
        /// What is counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}
