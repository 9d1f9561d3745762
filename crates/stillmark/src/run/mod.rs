//! A distillation run at the rim: the plan judged, the teacher found, the job carried out, the folder sealed.

pub(crate) mod comparison;
pub(crate) mod job;
pub(crate) mod progress;
mod provider;
pub(crate) mod samples;
pub(crate) mod seal;
pub(crate) mod teacher;
pub(crate) mod upstream;
