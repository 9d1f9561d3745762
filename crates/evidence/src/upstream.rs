//! Carries the evidence of a teacher or base into the folder of what is made of it (docs/spec/upstream-evidence.md).

use crate::bundle;
use crate::keys::{KeyId, PublicKey};
use crate::layout::{Document, path, read};
use crate::verify::Trust;
use crate::{Digest, Error, model_signing, verify};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use stillmark_ledger::whole_file;

/// What is carried on of a run folder.
const CARRIED: [Document; 4] = [Document::Model, Document::Run, Document::Data, Document::Disclosure];

/// Signed statements of the models that another one is made from, each once.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    lines: Vec<String>,
    seen: BTreeSet<Digest>,
    keys: BTreeMap<KeyId, PublicKey>,
}

impl Upstream {
    /// Takes a run folder's own bundles and its upstream lines.
    pub fn take(&mut self, folder: &Path) -> Result<(), Error> {
        let mut keys = vec![read_key(folder)?];
        if folder.join(path::UPSTREAM_KEYS).exists() {
            let bytes = read(folder, path::UPSTREAM_KEYS).map_err(Error::Unsealable)?;
            keys.extend(verify::upstream_keys(&bytes).map_err(Error::Unsealable)?);
        }
        for document in CARRIED {
            let name = document.bundle_path();
            if folder.join(&name).exists() {
                self.add(&read(folder, &name).map_err(Error::Unsealable)?, folder, &name)?;
            }
        }
        if folder.join(path::UPSTREAM).exists() {
            let bytes = read(folder, path::UPSTREAM).map_err(Error::Unsealable)?;
            for (number, line) in verify::upstream_lines(&bytes) {
                self.add(line, folder, &verify::upstream_place(number))?;
            }
        }
        self.keys.extend(keys.into_iter().map(|key| (key.id(), key)));
        Ok(())
    }

    /// Whether there is nothing to carry.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Writes both files into a run folder; gives the digest that its run pins, or nothing where there is nothing.
    pub fn write(&self, folder: &Path) -> Result<Option<Digest>, Error> {
        if self.is_empty() {
            return Ok(None);
        }
        let text = self.lines.concat();
        let keys: String = self.keys.values().map(PublicKey::to_pem).collect();
        let evidence = folder.join(path::EVIDENCE);
        fs::create_dir_all(&evidence).map_err(|source| Error::Io { path: evidence, source })?;
        for (name, bytes) in [(path::UPSTREAM_KEYS, keys.as_bytes()), (path::UPSTREAM, text.as_bytes())] {
            let path = folder.join(name);
            whole_file::write(&path, bytes).map_err(|source| Error::Io { path, source })?;
        }
        Ok(Some(Digest::of(text.as_bytes())))
    }

    fn add(&mut self, bytes: &[u8], folder: &Path, name: &str) -> Result<(), Error> {
        let bundle = bundle::parse(bytes).map_err(|mut finding| {
            finding.subject = format!("{}: {}", folder.join(name).display(), finding.subject);
            Error::Unsealable(finding)
        })?;
        let line = serde_json::to_string(&bundle)? + "\n";
        if self.seen.insert(Digest::of(line.as_bytes())) {
            self.lines.push(line);
        }
        Ok(())
    }
}

/// The run folder that a model lies in, at `X/model` beside `X/evidence`, where it is there.
pub fn folder_of(model: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(model).ok()?;
    let model = if real.is_file() { real.parent()? } else { real.as_path() };
    let folder = model.parent()?;
    let is_model = model.file_name().is_some_and(|name| name == path::MODEL);
    (is_model && folder.join(Document::Model.bundle_path()).exists()).then(|| folder.to_owned())
}

/// Whether the model that a folder signs goes by that digest.
pub fn signs(folder: &Path, digest: Digest) -> Result<bool, Error> {
    let key = read_key(folder)?;
    let bytes = read(folder, &Document::Model.bundle_path()).map_err(Error::Unsealable)?;
    let model = verify::bundle::<model_signing::Manifest>(&bytes, &Trust::of([key]));
    let model = model.map_err(|mut finding| {
        finding.subject =
            format!("{}: {}", folder.join(Document::Model.bundle_path()).display(), finding.subject);
        Error::Unsealable(finding)
    })?;
    let root = model_signing::consistent(&model).map_err(Error::Unsealable)?;
    Ok(root == digest || model_signing::weights(&model.predicate).contains(&digest))
}

fn read_key(folder: &Path) -> Result<PublicKey, Error> {
    let bytes = read(folder, path::SIGNER).map_err(Error::Unsealable)?;
    let pem = String::from_utf8_lossy(&bytes);
    PublicKey::from_pem(&pem)
}
