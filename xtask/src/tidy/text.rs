//! What no text of the repository may hold, and what its pages must.

use super::Breach;
use super::tree::Tree;

/// Words that belong into an issue or a decision page, split so that this file does not hold them.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// Folders of somebody's machine.
const FOREIGN: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/op", "t/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Unfinished business, paths of one machine, dead links, guides without commands.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in &tree.files {
        let Some(text) = &file.text else { continue };
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{}:{}", file.path, number + 1);
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                found.push(Breach::new(
                    place(),
                    format!("`{word}`: write an issue or a decision page instead"),
                ));
            }
            for folder in FOREIGN.iter().filter(|folder| names_folder(line, folder)) {
                found
                    .push(Breach::new(place(), format!("names `{folder}`, a folder outside the repository")));
            }
        }
    }
    found.extend(tree.texts("", ".md").flat_map(|(path, text)| dead_links(tree, path, text)));
    found.extend(tree.texts("docs/guide/", ".md").filter(|(_, text)| !text.contains("```console")).map(
        |(path, _)| {
            Breach::new(path, "a guide's commands run as tests: it needs at least one ```console block")
        },
    ));
    found
}

fn has_word(line: &str, word: &str) -> bool {
    let bounded = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(word).any(|(at, _)| {
        bounded(line[..at].chars().next_back()) && bounded(line[at + word.len()..].chars().next())
    })
}

/// Whether a path starts with the folder; the same letters inside a longer path are something else.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"_-.}~/$]".contains(c))
    })
}

/// Relative links of a page that lead nowhere.
fn dead_links<'a>(tree: &'a Tree, path: &'a str, text: &'a str) -> impl Iterator<Item = Breach> + 'a {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter_map(move |target| {
        let file = target.split('#').next().unwrap_or_default();
        let elsewhere = file.is_empty() || file.contains(':') || file.contains(char::is_whitespace);
        let whole = join(folder, file);
        (!elsewhere && !tree.has(&whole))
            .then(|| Breach::new(path, format!("links to `{target}`, which is not there")))
    })
}

fn join(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}
