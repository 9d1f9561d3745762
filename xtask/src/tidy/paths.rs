//! The paths that a piece of Rust code names: `crate::a::b`, `super::c::{d, e}`.

/// Every path in code that starts with one of the words, as its segments.
pub(crate) fn starting_with(code: &str, starts: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in starts {
        let needle = format!("{start}::");
        for (at, _) in code.match_indices(&needle) {
            let before = code[..at].chars().next_back();
            // `a::super::` or `mycrate::` are other words.
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            tree(&code[at..], &[], &mut found);
        }
    }
    found
}

/// Reads one use-tree (`a::b`, `a::{b, c::d}`, `a::*`), pushing its leaves; gives what follows it.
fn tree<'a>(text: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = prefix.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(inner) = rest.strip_prefix('{') {
            return group(inner, &path, found);
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if 0 < length {
            path.push(rest[..length].to_owned());
            rest = &rest[length..];
        }
        match rest.strip_prefix("::") {
            Some(after) => rest = after.trim_start(),
            None => break,
        }
    }
    found.push(path);
    rest
}

fn group<'a>(text: &'a str, prefix: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return after;
        }
        if rest.is_empty() {
            return rest;
        }
        rest = tree(rest, prefix, found);
        // Skip `as name`, `*` and the comma.
        let next = rest.find([',', '}']).unwrap_or(rest.len());
        rest = rest[next..].strip_prefix(',').unwrap_or(&rest[next..]);
    }
}

/// The leaves of every `use` statement whose first word is one of the names given.
pub(crate) fn used_from(code: &str, names: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let starts_word = code[..at].chars().next_back().is_none_or(char::is_whitespace);
        let first = code[at + 4..].trim_start();
        let word = first.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if starts_word && names.iter().any(|name| name == word) {
            tree(first, &[], &mut found);
        }
    }
    found
}
