//! Reads the files beside a model that speak of licenses.

use std::path::Path;

use stillmark_agreement::{Beside, TextFile};

use crate::files;
use crate::problem::Problem;

/// Larger files are weights or archives, whatever their name.
const LARGEST_BYTES: u64 = 1 << 20;

/// What a folder holds beside the weights: licenses, notices and the card.
pub(crate) fn read(folder: &Path) -> Result<Beside, Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", folder, &err);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        // Model hubs keep their files as links; a link that leads nowhere holds nothing.
        let small_file = |about: std::fs::Metadata| about.is_file() && about.len() <= LARGEST_BYTES;
        if let Some(name) = path.file_name().filter(|_| std::fs::metadata(&path).is_ok_and(small_file)) {
            found.push((name.to_string_lossy().into_owned(), path));
        }
    }
    found.sort();
    let mut beside = Beside::default();
    for (name, path) in found {
        let upper = name.to_uppercase();
        let is_license = ["LICENSE", "LICENCE", "COPYING"].iter().any(|word| upper.contains(word));
        let (is_notice, is_card) = (upper.starts_with("NOTICE"), upper == "README.MD");
        if !(is_license || is_notice || is_card) {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|err| files::cannot("read", &path, &err))?;
        let file = TextFile { name, text: String::from_utf8_lossy(&bytes).into_owned() };
        if is_card {
            beside.card = Some(file);
        } else if is_notice {
            beside.notices.push(file);
        } else {
            beside.licenses.push(file);
        }
    }
    Ok(beside)
}
