//! How much a re-run of few items shows.
//!
//! [`draw`](mod@draw) says which items, by a seed that neither side chooses; [`plan`] how many; [`judge`](mod@judge) what their re-run shows. A log alone
//! cannot show that a model produced it: whoever forges the model's output can re-compute the rest. A re-run of items that nobody
//! could foresee bounds how much of the score is forged.

pub mod draw;
pub mod judge;
pub mod plan;
