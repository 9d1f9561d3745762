//! No cycle among the modules of a crate, at any depth.
//!
//! The modules beside each other under one parent must form a graph without cycles. Edges are read from
//! the text: `crate::`, `super::` and `self::` paths, followed through `pub use` to the module that
//! holds the item. A child using what its own parent file defines is no edge between siblings.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::Tree;
use super::{Breach, lexer, paths};

/// A module's path from its crate's root.
type Path = Vec<String>;

/// The modules of one crate.
#[derive(Debug, Default)]
struct Modules {
    /// The code of each module, by path.
    code: BTreeMap<Path, String>,
    /// Where a name brought in by `use child::Name` stands: (module, name) to its path.
    reexports: BTreeMap<(Path, String), Path>,
}

/// Sibling modules and the siblings each one names, by parent.
type Edges = BTreeMap<Path, BTreeMap<String, BTreeSet<String>>>;

/// The cycles of every crate.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut crates: BTreeMap<String, Modules> = BTreeMap::new();
    for (path, text) in tree.texts("", ".rs") {
        if let Some((name, module)) = module_of(path) {
            crates.entry(name).or_default().code.insert(module, lexer::code_only(text));
        }
    }
    let mut found = Vec::new();
    for (name, mut modules) in crates {
        modules.find_reexports();
        for (parent, siblings) in modules.edges() {
            let place = std::iter::once(name.clone()).chain(parent).collect::<Vec<_>>().join("::");
            if let Some(cycle) = cycle(&siblings) {
                found.push(Breach::new(place, format!("its modules form a cycle: {}", cycle.join(" -> "))));
            }
        }
    }
    found
}

/// The crate and the module a source file holds; tests are not part of the graph.
fn module_of(path: &str) -> Option<(String, Path)> {
    let (folder, inside) = match path.strip_prefix("crates/") {
        Some(rest) => {
            let (name, inside) = rest.split_once("/src/")?;
            (name.to_owned(), inside)
        }
        None => ("xtask".to_owned(), path.strip_prefix("xtask/src/")?),
    };
    let mut module: Path = inside.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&module.join("/").as_str())
    {
        module.pop();
    }
    (!module.iter().any(|part| part == "tests")).then_some((folder, module))
}

impl Modules {
    fn children(&self, parent: &Path) -> Vec<String> {
        let children =
            self.code.keys().filter(|path| path.len() == parent.len() + 1 && path.starts_with(parent));
        children.filter_map(|path| path.last().cloned()).collect()
    }

    fn find_reexports(&mut self) {
        let mut reexports = BTreeMap::new();
        for (module, code) in &self.code {
            for leaf in paths::used_from(code, &self.children(module)) {
                let Some(name) = leaf.last().cloned() else { continue };
                let target: Path = module.iter().cloned().chain(leaf).collect();
                reexports.insert((module.clone(), name), target);
            }
        }
        self.reexports = reexports;
    }

    /// The module that a path from the root leads into.
    fn resolve(&self, path: &[String], hops: usize) -> Path {
        let mut module = Path::new();
        for (idx, part) in path.iter().enumerate() {
            let mut next = module.clone();
            next.push(part.clone());
            if self.code.contains_key(&next) {
                module = next;
                continue;
            }
            if let Some(target) = self.reexports.get(&(module.clone(), part.clone()))
                && 0 < hops
            {
                let further: Path = target.iter().chain(&path[idx + 1..]).cloned().collect();
                return self.resolve(&further, hops - 1);
            }
            break;
        }
        module
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (module, code) in &self.code {
            for path in paths::starting_with(code, &["crate", "super", "self"]) {
                let Some(absolute) = absolute(module, &path) else { continue };
                let target = self.resolve(&absolute, 4);
                let shared = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
                let (Some(from), Some(to)) = (module.get(shared), target.get(shared)) else { continue };
                let parent = edges.entry(module[..shared].to_vec()).or_default();
                parent.entry(from.clone()).or_default().insert(to.clone());
            }
        }
        edges
    }
}

/// A path from the crate's root out of one that starts with `crate`, `self` or `super`.
fn absolute(module: &Path, path: &[String]) -> Option<Path> {
    let (first, rest) = path.split_first()?;
    if first == "crate" {
        return Some(rest.to_vec());
    }
    let ups = path.iter().take_while(|part| *part == "super").count();
    let base = module.get(..module.len().checked_sub(ups)?)?;
    let rest = path.get(ups.max(1)..)?;
    Some(base.iter().chain(rest).cloned().collect())
}

/// One cycle among siblings, where there is any.
fn cycle(siblings: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut cleared = BTreeSet::new();
    siblings.keys().find_map(|start| walk(siblings, start, &mut Vec::new(), &mut cleared))
}

fn walk(
    siblings: &BTreeMap<String, BTreeSet<String>>,
    at: &str,
    trail: &mut Vec<String>,
    cleared: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(start) = trail.iter().position(|seen| seen == at) {
        let mut found = trail[start..].to_vec();
        found.push(at.to_owned());
        return Some(found);
    }
    if cleared.contains(at) {
        return None;
    }
    trail.push(at.to_owned());
    let found = siblings.get(at).into_iter().flatten().find_map(|next| walk(siblings, next, trail, cleared));
    trail.pop();
    cleared.insert(at.to_owned());
    found
}
