//! What no Rust file may hold.

use super::tree::Tree;
use super::{Breach, lexer};

/// The one room that may hold `unsafe`.
const UNSAFE_ROOM: &str = "crates/kernels/";

/// Attributes and roots that break the house's rules.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (path, text) in tree.texts("", ".rs") {
        let code = lexer::code_only(text);
        for (number, line) in code.lines().enumerate() {
            if line.contains("#[allow") || line.contains("#![allow") {
                let what = "`allow` is forbidden: `expect` the lint and give a reason";
                found.push(Breach::new(format!("{path}:{}", number + 1), what));
            }
        }
        let is_root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
        let is_room = path.starts_with("crates/") || path.starts_with("xtask/");
        if is_root && is_room && !path.starts_with(UNSAFE_ROOM) && !code.contains("#![forbid(unsafe_code)]") {
            found.push(Breach::new(path, "lacks `#![forbid(unsafe_code)]`; only kernels may do without"));
        }
        if is_root && !text.starts_with("//!") {
            found.push(Breach::new(path, "does not start with the crate's story (`//!`)"));
        }
    }
    found
}
