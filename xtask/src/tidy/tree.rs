//! The tracked files of the repository, read once.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{Failure, Workspace, captured};

/// One tracked (or new, not ignored) file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its path from the root, with forward slashes.
    pub(crate) path: String,
    /// Its size.
    pub(crate) size_bytes: u64,
    /// Its text, where it is UTF-8.
    pub(crate) text: Option<String>,
}

/// The files of the repository.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads what git tracks, and what it would track.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self, Failure> {
        let mut git = Command::new("git");
        git.current_dir(&workspace.root);
        let listed = captured(git.args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
        let mut paths: Vec<&str> = listed.lines().collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            let full: PathBuf = workspace.root.join(path);
            // A deleted file stays listed until it is staged.
            if !full.is_file() {
                continue;
            }
            let bytes = std::fs::read(&full).map_err(|source| Failure::File { path: full, source })?;
            let size_bytes = bytes.len() as u64;
            files.push(File { path: path.to_owned(), size_bytes, text: String::from_utf8(bytes).ok() });
        }
        Ok(Self { files })
    }

    /// The text files under a folder that end in a suffix.
    pub(crate) fn texts<'a>(
        &'a self,
        prefix: &'a str,
        suffix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let chosen = self
            .files
            .iter()
            .filter(move |file| file.path.starts_with(prefix) && file.path.ends_with(suffix));
        chosen.filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
    }

    /// Whether a file or a folder stands at a path from the root.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}
