//! The evidence of teacher and base, where they come from run folders: it goes on into the student's.

use std::path::Path;

use stillmark_distill::Plan;
use stillmark_distill::plan::{Init, Place};
use stillmark_evidence::upstream::{Upstream, folder_of, signs};
use stillmark_model::Checkpoint;

use super::teacher::Teacher;
use crate::advice;
use crate::output::Talk;
use crate::problem::Problem;

/// Gathers it before anything is trained: evidence that cannot be read stops the run while that costs nothing.
pub(crate) fn gather(plan: &Plan, teacher: &Teacher, base: &Path, talk: Talk) -> Result<Upstream, Problem> {
    let mut upstream = Upstream::default();
    if let (Place::Embedded { model }, Some(embedded)) = (&plan.teacher().place, teacher.embedded()) {
        take(&mut upstream, &base.join(model), embedded.checkpoint, talk)?;
    }
    if let Init::Checkpoint { path, .. } = &plan.student().init {
        let path = base.join(path);
        if folder_of(&path).is_some() {
            let unusable = |err| {
                advice::model_problem(&err, format!("the checkpoint {} cannot be used", path.display()))
            };
            take(&mut upstream, &path, &Checkpoint::open(&path).map_err(unusable)?, talk)?;
        }
    }
    Ok(upstream)
}

fn take(upstream: &mut Upstream, model: &Path, checkpoint: &Checkpoint, talk: Talk) -> Result<(), Problem> {
    let Some(folder) = folder_of(model) else { return Ok(()) };
    let broke = |err: stillmark_evidence::Error| {
        Problem::from_error(&err)
            .while_doing(format!("the evidence of {} cannot be carried on", model.display()))
            .hint(format!("`stillmark verify {}` says what is wrong with it", folder.display()))
    };
    let digest = checkpoint.digest().map_err(|err| Problem::from_error(&err))?;
    if signs(&folder, digest).map_err(broke)? {
        return upstream.take(&folder).map_err(broke);
    }
    talk.warn(&format!(
        "{} is not the model that {} signs: its evidence is not carried on",
        model.display(),
        folder.display()
    ));
    Ok(())
}
