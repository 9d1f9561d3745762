//! The cache: one folder a model and source, each file known by its digest.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use stillmark_model::catalog::{self, Entry, Pin, Place, Source};

use super::{Arrival, Fetched};
use crate::files;
use crate::output::Talk;
use crate::problem::Problem;
use crate::settings::Settings;

/// Where all sources of a model are kept.
pub(super) fn model_folder(entry: &Entry, settings: &Settings) -> PathBuf {
    settings.cache.join("models").join(entry.name)
}

/// Where the files of one source are kept.
pub(super) fn source_folder(entry: &Entry, source: &Source, settings: &Settings) -> PathBuf {
    let kind = match source.place {
        Place::Hub { .. } => "hub",
        Place::PyPi { .. } => "pypi",
    };
    model_folder(entry, settings).join(kind)
}

/// The model, where every file of the source lies in the cache with the digest it should have.
pub(super) fn cached(
    entry: &Entry,
    source: &Source,
    settings: &Settings,
) -> Result<Option<Fetched>, Problem> {
    let folder = source_folder(entry, source, settings);
    let mut files = Vec::new();
    for file in listed(source) {
        let path = folder.join(name(file));
        if !path.is_file() {
            return Ok(None);
        }
        let digest = sha256_of(&path)?;
        if !is_pinned(file.pin, &digest) {
            return Ok(None);
        }
        files.push((name(file).to_owned(), digest));
    }
    let path = match files.as_slice() {
        [] => return Ok(None),
        [(only, _)] => folder.join(only),
        _ => folder,
    };
    let hands = source.lineage.iter().map(|hand| format!("{} {} ({})", hand.who, hand.what, hand.place));
    let words = super::words(source);
    Ok(Some(Fetched { path, source: words, arrival: Arrival::Cached, files, hands: hands.collect() }))
}

fn listed(source: &Source) -> &'static [catalog::File] {
    match source.place {
        Place::Hub { files, .. } => files,
        Place::PyPi { members, .. } => members,
    }
}

/// A file's own name, without the folders of its source.
pub(super) fn name(file: &catalog::File) -> &'static str {
    file.path.rsplit('/').next().unwrap_or(file.path)
}

/// Waits until no other process fetches into the folder; the lock ends with the value.
pub(super) fn lock(folder: &Path, talk: Talk) -> Result<File, Problem> {
    files::make_folder(folder)?;
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(|err| files::cannot("write", &path, &err))?;
    if file.try_lock().is_err() {
        talk.note(&format!("another process is fetching into {}: waiting for it", folder.display()));
        file.lock().map_err(|err| files::cannot("lock", &path, &err))?;
    }
    Ok(file)
}

/// Moves a whole file into its place after its digest was found to be the pinned one; else it is removed.
pub(super) fn accept(part: &Path, place: &Path, pin: Pin) -> Result<(), Problem> {
    let Pin::Sha256(wanted) = pin else {
        return Err(Problem::new(format!("nobody has vouched for a digest of {}", place.display())));
    };
    let have = sha256_of(part)?;
    if have != wanted {
        std::fs::remove_file(part).map_err(|err| files::cannot("remove", part, &err))?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        return Err(Problem::new(format!(
            "{name} has another SHA-256 than the one pinned, and was thrown away"
        ))
        .cause(format!("pinned {wanted}, came {have}")));
    }
    File::open(part).and_then(|file| file.sync_all()).map_err(|err| files::cannot("write", part, &err))?;
    std::fs::rename(part, place).map_err(|err| files::cannot("write", place, &err))
}

/// Whether a digest is the pinned one; without a pin none is.
pub(super) fn is_pinned(pin: Pin, digest: &str) -> bool {
    matches!(pin, Pin::Sha256(wanted) if wanted == digest)
}

/// The hex digits of a file's SHA-256.
pub(super) fn sha256_of(path: &Path) -> Result<String, Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", path, &err);
    let mut file = File::open(path).map_err(cannot)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 18];
    loop {
        let length = file.read(&mut buffer).map_err(cannot)?;
        if length == 0 {
            break;
        }
        hash.update(&buffer[..length]);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}
