//! The model signature of the Open Source Security Foundation: a manifest of a folder's files as an in-toto statement.

use crate::{Digest, Error, Finding, FindingKind, Predicate, Statement, Subject};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::io::Seek as _;
use std::path::Path;

/// The hash this room writes, and the only one it can check.
const SHA256: &str = "sha256";

/// What the model signature says: every file of the model with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The files, in the order the subject's digest is over.
    pub resources: Vec<Resource>,
    /// How the list was made.
    pub serialization: Serialization,
}

/// One file of the model, or one piece of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The path below the model's folder; with `:start:end` behind it for a piece.
    pub name: String,
    /// The hash algorithm.
    pub algorithm: String,
    /// The digest in hex.
    pub digest: String,
}

/// How the list of files was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serialization {
    /// `files` or `shards`.
    pub method: String,
    /// The hash algorithm of all digests.
    pub hash_type: String,
    /// Whether symbolic links were followed.
    pub allow_symlinks: bool,
    /// The size of a shard, where the method is `shards`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard_size: Option<u64>,
    /// Paths that were left out.
    #[serde(default)]
    pub ignore_paths: Vec<String>,
}

impl Predicate for Manifest {
    const TYPE: &'static str = "https://model_signing/signature/v1.0";
}

/// Makes the statement that covers every file below `dir` and nothing else.
pub fn statement(dir: &Path) -> Result<Statement<Manifest>, Error> {
    let mut resources = Vec::new();
    for name in files(dir)?.into_iter().map(|(_, name)| name) {
        let digest = Digest::of_file(&dir.join(&name))?.to_string();
        resources.push(Resource { name, algorithm: SHA256.to_owned(), digest });
    }
    let serialization = Serialization {
        method: "files".to_owned(),
        hash_type: SHA256.to_owned(),
        allow_symlinks: false,
        shard_size: None,
        ignore_paths: Vec::new(),
    };
    let manifest = Manifest { resources, serialization };
    let name = dir.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    let root = root(&manifest).map_err(Error::Unsealable)?;
    Ok(Statement::new(vec![Subject::new(name, root)], manifest))
}

/// The model's digest: SHA-256 over the raw digests of its files, in their order.
pub fn root(manifest: &Manifest) -> Result<Digest, Finding> {
    let mut raw = Vec::with_capacity(manifest.resources.len() * 32);
    for resource in &manifest.resources {
        raw.extend_from_slice(&unhex(resource)?);
    }
    Ok(Digest::of(&raw))
}

/// The digests by which a run may name the model, beside the subject's: that of its weights in Hugging Face layout,
/// and that of each GGUF file (docs/spec/upstream-evidence.md).
pub fn weights(manifest: &Manifest) -> Vec<Digest> {
    const SINGLE: &str = "model.safetensors";
    let top: BTreeMap<&str, &str> = manifest
        .resources
        .iter()
        .filter(|one| one.algorithm == SHA256 && !one.name.contains('/'))
        .map(|one| (one.name.as_str(), one.digest.as_str()))
        .collect();
    let is_single = top.contains_key(SINGLE);
    let holds = |name: &str| match name {
        "config.json" => true,
        "model.safetensors.index.json" => !is_single,
        _ if is_single => name == SINGLE,
        _ => Path::new(name).extension().is_some_and(|end| end == "safetensors"),
    };
    let of_weights: Vec<_> = top.iter().filter(|(name, _)| holds(name)).collect();
    let ggufs = top.iter().filter(|(name, _)| Path::new(name).extension().is_some_and(|end| end == "gguf"));
    let mut found: Vec<Digest> = ggufs.filter_map(|(_, digest)| digest.parse().ok()).collect();
    if of_weights.len() > 1 {
        let line = |(name, digest): &(&&str, &&str)| [digest, "  ", name, "\n"].concat();
        let lines: String = of_weights.iter().map(line).collect();
        found.push(Digest::of(lines.as_bytes()));
    }
    found
}

/// Checks that the statement agrees with itself: one subject, whose digest is over the list.
pub fn consistent(statement: &Statement<Manifest>) -> Result<Digest, Finding> {
    let [subject] = &statement.subject[..] else {
        return Err(Finding::new(FindingKind::Malformed, "subject", "a model signature has exactly one"));
    };
    let root = root(&statement.predicate)?;
    if root == subject.digest.sha256 {
        return Ok(root);
    }
    let detail = format!("the subject's digest is {} but the list's is {root}", subject.digest.sha256);
    Err(Finding::new(FindingKind::BadDigest, "subject", detail))
}

/// Checks a model's folder against its statement; an empty answer means that all agree.
pub fn check(dir: &Path, statement: &Statement<Manifest>) -> Vec<Finding> {
    if let Err(finding) = consistent(statement) {
        return vec![finding];
    }
    let manifest = &statement.predicate;
    let how = &manifest.serialization;
    if how.hash_type != SHA256 || how.allow_symlinks || !["files", "shards"].contains(&how.method.as_str()) {
        let detail = format!("method `{}`, hash `{}`", how.method, how.hash_type);
        return vec![Finding::new(FindingKind::Unsupported, "serialization", detail)];
    }
    let present = match files(dir) {
        Ok(files) => files.into_iter().map(|(_, name)| name),
        Err(Error::NotAFile { path }) => {
            return vec![Finding::new(
                FindingKind::Symlink,
                path.display().to_string(),
                "only files can be signed",
            )];
        }
        Err(error) => return vec![Finding::new(FindingKind::MissingFile, "model", error.to_string())],
    };
    let present: BTreeSet<String> = present.filter(|name| !ignored(name, &how.ignore_paths)).collect();
    let mut findings = Vec::new();
    let mut pieces: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for resource in &manifest.resources {
        match check_resource(dir, resource, how, &present) {
            Ok((name, start, end)) => pieces.entry(name).or_default().push((start, end)),
            Err(finding) => findings.push(finding),
        }
    }
    for name in present {
        let covered = pieces.get(&name).is_some_and(|pieces| covers(&dir.join(&name), pieces));
        let told =
            |finding: &Finding| finding.subject == name || finding.subject.starts_with(&format!("{name}:"));
        if !covered && !findings.iter().any(told) {
            findings.push(Finding::new(FindingKind::ExtraFile, name, "it is not in the signed list"));
        }
    }
    findings
}

/// Every file below `dir` as path components and as name, ordered by components.
fn files(dir: &Path) -> Result<BTreeSet<(Vec<String>, String)>, Error> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Vec::new()];
    while let Some(parts) = folders.pop() {
        let folder = parts.iter().fold(dir.to_owned(), |path, part: &String| path.join(part));
        let io = |source| Error::Io { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let kind = entry.file_type().map_err(io)?;
            let name = entry.file_name().into_string().map_err(|_| Error::NotUtf8 { path: entry.path() })?;
            let mut parts = parts.clone();
            parts.push(name);
            if kind.is_dir() {
                folders.push(parts);
            } else if kind.is_file() {
                let name = parts.join("/");
                found.insert((parts, name));
            } else {
                return Err(Error::NotAFile { path: entry.path() });
            }
        }
    }
    Ok(found)
}

fn check_resource(
    dir: &Path,
    resource: &Resource,
    how: &Serialization,
    present: &BTreeSet<String>,
) -> Result<(String, u64, u64), Finding> {
    let malformed = |detail: &str| Finding::new(FindingKind::Malformed, resource.name.clone(), detail);
    if resource.algorithm != SHA256 {
        return Err(Finding::new(
            FindingKind::Unsupported,
            resource.name.clone(),
            resource.algorithm.clone(),
        ));
    }
    let (name, range) = if how.method == "files" {
        (resource.name.as_str(), None)
    } else {
        let mut parts = resource.name.rsplitn(3, ':');
        let (end, start, name) = (parts.next(), parts.next(), parts.next());
        let range = end.and_then(|end| end.parse().ok()).zip(start.and_then(|start| start.parse().ok()));
        let (Some(name), Some((end, start))) = (name, range) else {
            return Err(malformed("not `path:start:end`"));
        };
        (name, Some((start, end)))
    };
    if !present.contains(name) {
        let detail = "it is in the signed list but not in the folder";
        return Err(Finding::new(FindingKind::MissingFile, resource.name.clone(), detail));
    }
    let path = dir.join(name);
    let digest = match range {
        None => Digest::of_file(&path),
        Some((start, end)) => digest_of_piece(&path, start, end),
    };
    let digest = digest
        .map_err(|error| Finding::new(FindingKind::MissingFile, resource.name.clone(), error.to_string()))?;
    if digest.to_string() != resource.digest {
        let detail = format!("signed as {}, found {digest}", resource.digest);
        return Err(Finding::new(FindingKind::BadDigest, resource.name.clone(), detail));
    }
    let (start, end) = range.unwrap_or((0, u64::MAX));
    Ok((name.to_owned(), start, end))
}

fn digest_of_piece(path: &Path, start: u64, end: u64) -> Result<Digest, Error> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(io)?;
    file.seek(std::io::SeekFrom::Start(start)).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(end.saturating_sub(start)).read_to_end(&mut bytes).map_err(io)?;
    Ok(Digest::of(&bytes))
}

/// Whether the pieces together are the whole file.
fn covers(path: &Path, pieces: &[(u64, u64)]) -> bool {
    let length = fs::metadata(path).map_or(u64::MAX, |data| data.len());
    let mut pieces = pieces.to_vec();
    pieces.sort_unstable();
    let mut reached = 0;
    for (start, end) in pieces {
        if start > reached {
            return false;
        }
        reached = reached.max(end);
    }
    reached >= length
}

fn ignored(name: &str, paths: &[String]) -> bool {
    paths.iter().any(|path| {
        let path = path.trim_end_matches('/');
        name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn unhex(resource: &Resource) -> Result<Vec<u8>, Finding> {
    let digits = resource.digest.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let plain = digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    let bytes: Option<Vec<u8>> = if plain { digits.chunks(2).map(byte).collect() } else { None };
    bytes.ok_or_else(|| Finding::new(FindingKind::Malformed, resource.name.clone(), "its digest is not hex"))
}
