//! The part of YAML that model cards' front matter is written in: scalars, lists of scalars, and
//! maps nested by indentation. What lies beyond is refused, never guessed.

use std::collections::BTreeMap;

/// A value of the front matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Scalar(String),
    List(Vec<String>),
    Map(BTreeMap<String, Node>),
}

/// Reads front matter without its fences.
pub(super) fn parse(yaml: &str) -> Result<BTreeMap<String, Node>, String> {
    let lines: Vec<(usize, &str)> = yaml
        .lines()
        .map(|line| (line.len() - line.trim_start_matches(' ').len(), line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut rest = &lines[..];
    let map = map(&mut rest, 0, 0)?;
    match rest.first() {
        None => Ok(map),
        Some((_, line)) => Err(format!("`{line}` is indented in no known way")),
    }
}

/// Writes a scalar so that [`parse`] and any YAML reader give it back.
pub(crate) fn quote(text: &str) -> String {
    let plain = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "null"].contains(&text.to_lowercase().as_str());
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

fn map(rest: &mut &[(usize, &str)], indent: usize, depth: usize) -> Result<BTreeMap<String, Node>, String> {
    let mut map = BTreeMap::new();
    if depth > 8 {
        return Err("nested too deep".to_owned());
    }
    while let Some((at, line)) = rest.first().copied() {
        if at != indent || line.starts_with("- ") {
            break;
        }
        *rest = &rest[1..];
        let (key, value) = key_value(line)?;
        let node = if value.is_empty() { block(rest, indent, depth)? } else { inline(value)? };
        if map.insert(key.clone(), node).is_some() {
            return Err(format!("`{key}` is there twice"));
        }
    }
    Ok(map)
}

/// What stands below a key without a value: a list, a map, or nothing.
fn block(rest: &mut &[(usize, &str)], indent: usize, depth: usize) -> Result<Node, String> {
    match rest.first().copied() {
        Some((at, line)) if at >= indent && (line.starts_with("- ") || line == "-") => {
            let mut items = Vec::new();
            while let Some((_, line)) = rest.first().copied().filter(|(next, _)| *next == at) {
                let Some(item) = line.strip_prefix("- ") else { break };
                items.push(unquote(item.trim())?);
                *rest = &rest[1..];
            }
            Ok(Node::List(items))
        }
        Some((at, _)) if at > indent => Ok(Node::Map(map(rest, at, depth + 1)?)),
        _ => Ok(Node::Scalar(String::new())),
    }
}

fn inline(value: &str) -> Result<Node, String> {
    let Some(inner) = value.strip_prefix('[') else { return Ok(Node::Scalar(unquote(value)?)) };
    let inner = inner.strip_suffix(']').ok_or_else(|| format!("`{value}` does not end"))?.trim();
    if inner.is_empty() {
        return Ok(Node::List(Vec::new()));
    }
    let items: Result<Vec<String>, String> = inner.split(',').map(|item| unquote(item.trim())).collect();
    Ok(Node::List(items?))
}

fn key_value(line: &str) -> Result<(String, &str), String> {
    let missing = || format!("`{line}` has no `key: value`");
    if let Some(quoted) = line.strip_prefix('\'') {
        let (key, value) = quoted.split_once("':").ok_or_else(missing)?;
        return Ok((key.replace("''", "'"), value.trim()));
    }
    let (key, value) =
        line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))).ok_or_else(missing)?;
    Ok((unquote(key.trim())?, value.trim()))
}

fn unquote(text: &str) -> Result<String, String> {
    let bad = || format!("`{text}` is not a scalar this reader knows");
    let open = text.chars().next().filter(|c| "'\"".contains(*c));
    let commented = text.rsplit_once(" #").filter(|_| open.is_some_and(|quote| !text.ends_with(quote)));
    let text = commented.map_or(text, |(text, _)| text.trim_end());
    if let Some(rest) = text.strip_prefix('\'') {
        return Ok(rest.strip_suffix('\'').ok_or_else(bad)?.replace("''", "'"));
    }
    if let Some(rest) = text.strip_prefix('"') {
        let inner = rest.strip_suffix('"').ok_or_else(bad)?;
        return if inner.contains(['"', '\\']) { Err(bad()) } else { Ok(inner.to_owned()) };
    }
    if text.starts_with(['{', '[', '&', '*', '!', '|', '>', '%', '@', '`']) {
        return Err(bad());
    }
    Ok(text.split(" #").next().unwrap_or(text).trim_end().to_owned())
}
