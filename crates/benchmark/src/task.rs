//! How a benchmark is asked and scored: prompts, shots, filters, metrics.
//!
//! The recipes are those of lm-evaluation-harness 0.4.13, byte for byte, so that its logs can be derived anew: templates, descriptions,
//! which examples a prompt shows and in which order, what a filter takes from an answer, what a metric makes of it. [`find`] knows a task
//! by the harness's name, [`group`] what a group is made of; [`Shots`] chooses examples as the harness does, [`Task::prompt`] writes the
//! prompt, [`Task::score_choices`] and
//! [`Task::score_text`] score an answer, [`Setting::recipe`] names everything that decides a score.

mod average;
mod bbh;
mod catalog;
mod filter;
mod fixed;
mod logged;
mod metric;
mod mmlu;
mod number;
mod pattern;
mod prompt;
mod python;
mod recipe;
mod score;
mod setting;
mod shots;
mod template;

pub use average::{Averages, Scored, averages, leaves, within};
pub use bbh::{cot_prompts, shots_of_cot_prompts};
pub use catalog::{HARNESS_VERSION, find, group, group_names, names};
pub use filter::{EmptyMatch, Extract, Filter};
pub use logged::{About, Finished, Given, Sample, results, samples, sanitized};
pub use metric::{Letters, Metric, argmax};
pub use pattern::{Pattern, Pick};
pub use prompt::{Message, Prompt};
pub use python::strip;
pub use recipe::{Generation, Group, Output, Sampler, ShotSource, Task};
pub use score::Score;
pub use setting::{Chat, Setting};
pub use shots::Shots;
pub use template::{Target, Template};
