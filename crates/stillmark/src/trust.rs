//! Whose signatures `verify` believes.

use std::path::{Path, PathBuf};

use stillmark_evidence::keys::PublicKey;
use stillmark_evidence::verify::Trust;

use crate::files;
use crate::problem::Problem;

/// The keys named on the command line, else those of the folder of trusted keys; a folder that is not there holds none.
pub(crate) fn load(named: &[PathBuf], folder: &Path) -> Result<Trust, Problem> {
    let keys: Vec<PublicKey> = match named {
        [] => all(folder)?,
        named => named.iter().map(|path| read(path)).collect::<Result<_, _>>()?,
    };
    Ok(Trust::of(keys))
}

/// The keys in the folder of trusted ones, ordered by file name.
pub(crate) fn all(folder: &Path) -> Result<Vec<PublicKey>, Problem> {
    keys_in(folder)?.iter().map(|path| read(path)).collect()
}

/// Reads one public key.
pub(crate) fn read(path: &Path) -> Result<PublicKey, Problem> {
    let pem = files::read_text(path)?;
    PublicKey::from_pem(&pem).map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} is not a public key", path.display()))
            .hint("a P-256 key as `stillmark key new` writes it: `-----BEGIN PUBLIC KEY-----`")
    })
}

fn keys_in(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).map_err(|err| files::cannot("read", folder, &err))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|err| files::cannot("read", folder, &err))?.path();
        if path.extension().is_some_and(|extension| extension == "pem") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
