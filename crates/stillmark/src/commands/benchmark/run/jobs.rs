//! Tasks with their records and prompts.

use std::path::{Path, PathBuf};

use stillmark_benchmark::copies::Copy;
use stillmark_benchmark::record::{Record, Subset};
use stillmark_benchmark::task::{self, Chat, Setting, ShotSource, Shots, Task};
use stillmark_benchmark::{digest, registry};
use stillmark_evidence::Digest;
use stillmark_evidence::evaluation::RegisteredTask;
use stillmark_model::ChatTemplate;
use stillmark_model::chat::{Ending, Message};

use super::super::copies;
use super::spec::Spec;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// A task with all that is asked.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) setting: Setting,
    /// All records of the subset.
    pub(super) records: Vec<Record>,
    /// A prompt for each record that is asked.
    pub(super) prompts: Vec<task::Prompt>,
    /// The strict digest of the subset.
    pub(super) benchmark: Digest,
    /// Whether that is the digest of the pinned benchmark.
    pub(super) is_pinned: bool,
}

/// How prompts become conversations.
#[derive(Clone, Copy)]
pub(super) struct ChatOf<'a> {
    pub(super) template: &'a ChatTemplate,
}

impl Job {
    /// What is registered of it.
    pub(super) fn registered(&self) -> Result<RegisteredTask, Problem> {
        let recipe = self.setting.digest(&self.task).parse().map_err(|err: stillmark_evidence::Error| {
            Problem::from_error(&err).while_doing("the recipe has no digest")
        })?;
        Ok(RegisteredTask {
            task: self.task.name.clone(),
            recipe,
            benchmark: self.benchmark,
            records: self.records.len() as u64,
            asked: self.prompts.len() as u64,
        })
    }
}

/// Reads the copies and writes every prompt.
pub(super) fn prepare(spec: &Spec, chat: Option<ChatOf<'_>>, session: &Session) -> Result<Vec<Job>, Problem> {
    let copy = copies::read(&spec.data, session.talk)?;
    spec.tasks.iter().map(|task| job(task, spec, &copy, chat)).collect()
}

fn job(task: &Task, spec: &Spec, copy: &Copy, chat: Option<ChatOf<'_>>) -> Result<Job, Problem> {
    let unable = |err: stillmark_benchmark::Error| {
        Problem::from_error(&err).while_doing(format!("`{}` cannot be asked of this copy", task.name))
    };
    let subset = subset_of(copy, task, task.split)?;
    let digests = digest::subset(subset);
    let pinned = registry::of_task(&task.name);
    let is_pinned = pinned.is_some_and(|(pinned, place)| {
        pinned.subsets().get(place).is_some_and(|known| known.roots.strict == digests.roots.strict)
    });
    let count =
        if task.shots_fixed { task.default_shots } else { spec.num_fewshot.unwrap_or(task.default_shots) };
    let pool = if count == 0 { Vec::new() } else { pool(task, spec, copy)? };
    let strict =
        |record: &Record| digest::leaf(record, stillmark_benchmark::record::View::Strict).to_string();
    let limit = spec.limit.filter(|limit| *limit < subset.records.len());
    let setting = Setting {
        shots: count,
        shot_leaves: pool.iter().map(strict).collect(),
        seed: spec.seed,
        limit,
        chat: chat.map_or(Chat::No, |chat| Chat::Template {
            template_sha256: Digest::of(chat.template.source().as_bytes()).to_string(),
            system: spec.system_instruction.clone(),
        }),
    };
    let mut shots = Shots::new(task, &pool, count, spec.seed).map_err(unable)?;
    let mut prompts = Vec::new();
    for record in subset.records.iter().take(limit.unwrap_or(usize::MAX)) {
        let shown: Vec<&Record> = shots.next_for(record).into_iter().map(|idx| &pool[idx]).collect();
        prompts.push(match chat {
            None => task.prompt(record, &shown).map_err(unable)?,
            Some(chat) => {
                let told =
                    task.conversation(spec.system_instruction.as_deref(), record, &shown).map_err(unable)?;
                let messages: Vec<Message> =
                    told.iter().map(|message| Message::new(message.role, &message.content)).collect();
                let context = chat.template.render(&messages, Ending::Generation).map_err(|err| {
                    Problem::from_error(&err).while_doing("the chat template refuses the prompt")
                })?;
                let continuations = task.chat_continuations(record).map_err(unable)?;
                task::Prompt { context, continuations }
            }
        });
    }
    let (records, benchmark) = (subset.records.clone(), digests.roots.strict);
    Ok(Job { task: task.clone(), setting, records, prompts, benchmark, is_pinned })
}

/// The subset that a task asks: by name and part, else by name where the copy does not say the part.
fn subset_of<'a>(copy: &'a Copy, task: &Task, split: &str) -> Result<&'a Subset, Problem> {
    let is_named = |subset: &&Subset| {
        let name = subset.name.to_ascii_lowercase().replace('-', "_");
        let of_benchmark = task.subset == task.benchmark && name.starts_with(task.benchmark);
        name == task.subset || name == task.name || of_benchmark
    };
    let named: Vec<&Subset> = copy.subsets.iter().filter(is_named).collect();
    let of = |wanted: &[&str]| named.iter().copied().find(|subset| wanted.contains(&subset.split.as_str()));
    let found = match split {
        "test" | "validation" => of(&[split]).or_else(|| of(&[""])).or_else(|| of(&["validation", "test"])),
        other => of(&[other]),
    };
    // A single file whose name says nothing can only be what was asked for.
    let only =
        || copy.subsets.first().filter(|_| copy.subsets.len() == 1 && matches!(split, "test" | "validation"));
    found.or_else(only).ok_or_else(|| {
        let names = copy.subsets.iter().take(8).map(|subset| match subset.split.as_str() {
            "" => format!("`{}`", subset.name),
            split => format!("`{}` ({split})", subset.name),
        });
        Problem::new(format!("the copy has no `{}` ({split}), which `{}` asks", task.subset, task.name))
            .cause(format!("it has {}", names.collect::<Vec<_>>().join(", ")))
            .hint("name the folder of the benchmark with `--data`, examples included where prompts show some")
    })
}

/// The records that examples are chosen from.
fn pool(task: &Task, spec: &Spec, copy: &Copy) -> Result<Vec<Record>, Problem> {
    match &task.shot_source {
        ShotSource::Fixed(records) => Ok(records.clone()),
        ShotSource::Split(split) => subset_of(copy, task, split).map(|subset| subset.records.clone()),
        ShotSource::CotPrompts => {
            let name = task::cot_prompts(&task.subset);
            let places = spec.data.iter().flat_map(|data| data.ancestors().take(4).map(Path::to_path_buf));
            let Some(path) = places.map(|place: PathBuf| place.join(&name)).find(|path| path.is_file())
            else {
                return Err(Problem::new(format!(
                    "`{}` shows the examples of `{name}`, which is not there",
                    task.name
                ))
                .hint("they belong to the benchmark's own repository: name its folder with `--data`"));
            };
            let text = files::read_text(&path)?;
            task::shots_of_cot_prompts(task, &text).map_err(|err| {
                Problem::from_error(&err).while_doing(format!("{} is damaged", path.display()))
            })
        }
    }
}
