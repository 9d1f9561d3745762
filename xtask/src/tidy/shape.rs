//! Sizes: blobs are refused; long files and functions are only pointed at.

use super::tree::Tree;
use super::{Breach, lexer};

const LARGEST_FILE_BYTES: u64 = 1_000_000;
const LONG_FILE_LINES: usize = 400;
const LONG_FUNCTION_LINES: usize = 60;

/// Files too big for a repository.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let big = tree.files.iter().filter(|file| LARGEST_FILE_BYTES < file.size_bytes);
    big.map(|file| {
        Breach::new(&file.path, format!("{} bytes: generate it, or fetch it pinned", file.size_bytes))
    })
    .collect()
}

/// Files and functions longer than reads well.
pub(crate) fn advice(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (path, text) in tree.texts("", ".rs").filter(|(path, _)| !path.contains("/tests")) {
        let lines = text.lines().count();
        if LONG_FILE_LINES < lines {
            found.push(Breach::new(path, format!("{lines} lines (aim at {LONG_FILE_LINES})")));
        }
        for (name, start, length) in functions(&lexer::code_only(text)) {
            if LONG_FUNCTION_LINES < length {
                found.push(Breach::new(format!("{path}:{start}"), format!("`fn {name}` has {length} lines")));
            }
        }
    }
    found
}

/// The functions of blanked code: name, first line, number of lines.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (idx, line) in lines.iter().enumerate() {
        let Some(at) = line.find("fn ").filter(|at| *at == 0 || line[..*at].ends_with([' ', '('])) else {
            continue;
        };
        let name: String = line[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !name.is_empty()
            && let Some(length) = body_length(&lines[idx..])
        {
            found.push((name, idx + 1, length));
        }
    }
    found
}

/// Lines up to the brace that closes the first one opened; none where a `;` ends the item first.
fn body_length(lines: &[&str]) -> Option<usize> {
    let mut depth = 0_usize;
    for (idx, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth <= 1 => return (depth == 1).then_some(idx + 1),
                '}' => depth -= 1,
                ';' if depth == 0 => return None,
                _ => {}
            }
        }
    }
    None
}
