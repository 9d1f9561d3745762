//! The evaluation runs that a run folder's documents speak of: their signed statements, copied into the folder.

use crate::checks::{Aspect, Check};
use crate::documents::{EVALUATIONS, Evaluated};
use crate::evaluation::path;
use crate::layout::read;
use crate::verify::evaluation::{check_log, opened};
use crate::verify::signed::Trust;
use crate::{Digest, Finding, FindingKind, Statement, model_signing};
use std::fs;
use std::path::Path;

/// Checks every evaluation run under `disclosure/evaluations`: signatures, log, and that it asked this very model.
pub(super) fn check(
    dir: &Path,
    keys: &Trust,
    model: Option<&Statement<model_signing::Manifest>>,
    checks: &mut Vec<Check>,
) -> Vec<Evaluated> {
    let entries = fs::read_dir(dir.join(EVALUATIONS)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let mut own = Vec::new();
        all.extend(one(&dir.join(EVALUATIONS).join(&name), keys, model, &mut own));
        checks.extend(
            own.into_iter()
                .map(|check| Check { subject: format!("{EVALUATIONS}/{name}/{}", check.subject), ..check }),
        );
    }
    all
}

fn one(
    dir: &Path,
    keys: &Trust,
    model: Option<&Statement<model_signing::Manifest>>,
    checks: &mut Vec<Check>,
) -> Option<Evaluated> {
    let (registration, run) = opened(dir, keys, (checks, &mut Vec::new()));
    let (registration, run) = (registration?, run?);
    check_log(dir, (&registration, &run), checks);
    let asked = model.map(|model| weights(&model.predicate));
    if run.predicate.model.weights != asked {
        let detail = "it evaluates another model than the folder's";
        checks.push(Finding::new(FindingKind::BrokenEdge, path::RUN, detail).into());
        return None;
    }
    checks.push(Check::pass(Aspect::RunModel, path::RUN, "it asked the folder's model"));
    let bundle = read(dir, path::RUN).ok().map(|bytes| Digest::of(&bytes))?;
    Some(Evaluated { bundle, run: run.predicate })
}

/// A model's weights as one digest, as evaluation runs name them: that of the lines `<sha256>  <name>` of its configuration, its index
/// and its files of weights, sorted by name.
fn weights(model: &model_signing::Manifest) -> Digest {
    let is_weights = |name: &str| {
        name == "config.json" || name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")
    };
    let mut files: Vec<_> = model.resources.iter().filter(|file| is_weights(&file.name)).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut lines = String::new();
    for file in files {
        lines.extend([file.digest.as_str(), "  ", &file.name, "\n"]);
    }
    Digest::of(lines.as_bytes())
}
