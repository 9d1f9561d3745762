//! What a grant bounds, held against the plan before the teacher is asked anything.

use stillmark_agreement::{Granted, Permit};
use stillmark_model::architecture::parameters;
use stillmark_model::{Checkpoint, Config};

use crate::capture::Item;
use crate::plan::{Init, Layers, SourceKind};
use crate::provenance::TEACHER;
use crate::setup::Setup;
use crate::{Error, Plan};

/// The grant about the teacher, where the permit rests on one.
pub(crate) fn of(permit: &Permit) -> Option<&Granted> {
    permit.grants().get(TEACHER)
}

/// Refuses a capture that could take more tokens than the grant's cap, by the longest answers and texts that the plan allows.
pub(crate) fn check_tokens(permit: &Permit, plan: &Plan, items: &[Item]) -> Result<(), Error> {
    let Some((granted, cap)) = of(permit).and_then(|granted| Some((granted, granted.tokens?))) else {
        return Ok(());
    };
    let capture = plan.capture();
    let longest = |item: &Item| match item.kind {
        SourceKind::Prompts => capture.max_tokens,
        SourceKind::Texts => capture.max_length,
    };
    let most: u64 = items.iter().map(|item| longest(item) as u64).sum();
    if most <= cap {
        return Ok(());
    }
    let items = items.len();
    Err(over(granted, &format!("{cap} tokens"), format!("up to {most} tokens of {items} prompts and texts")))
}

/// Refuses a student with more parameters than the grant's cap.
pub(crate) fn check_size(permit: &Permit, setup: &Setup<'_>) -> Result<(), Error> {
    let Some((granted, cap)) = of(permit).and_then(|granted| Some((granted, granted.student_parameters?)))
    else {
        return Ok(());
    };
    let Some(size) = size(setup)? else { return Ok(()) };
    if size <= cap {
        return Ok(());
    }
    Err(over(granted, &format!("a student of {cap} parameters"), format!("one of {size}")))
}

/// How many parameters the plan's student has.
fn size(setup: &Setup<'_>) -> Result<Option<u64>, Error> {
    let config = match &setup.plan.student().init {
        Init::Teacher { layers, intermediate_size } => {
            let Some(teacher) = setup.teacher else { return Ok(None) };
            let mut config = teacher.checkpoint.config().clone();
            config.layers = match layers {
                Layers::Influence(count) | Layers::Even(count) => *count,
                Layers::Keep(kept) => kept.len(),
            };
            config.intermediate_size = intermediate_size.unwrap_or(config.intermediate_size);
            config
        }
        Init::Config { path } => {
            let path = setup.base.join(path);
            let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
            Config::from_json(&path, &text)?
        }
        Init::Checkpoint { path, .. } => Checkpoint::open(&setup.base.join(path))?.config().clone(),
    };
    let sizes = parameters(&config).into_iter().map(|one| one.shape.iter().product::<usize>() as u64);
    Ok(Some(sizes.sum()))
}

fn over(granted: &Granted, cap: &str, asked: String) -> Error {
    Error::Mismatch {
        what: "the plan and its grant",
        expected: format!("at most {cap} (grant {}, by `{}`)", &granted.id.to_string()[..16], granted.issuer),
        found: asked,
    }
}
