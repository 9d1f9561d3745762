//! What is asked: a TOML file, or the names of tasks with the options of the command line, which win.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use stillmark_benchmark::task::{self, Group, Task};

use super::Args;
use crate::files;
use crate::problem::Problem;
use crate::settings;

/// What is asked.
#[derive(Debug)]
pub(super) struct Spec {
    /// What a folder of it is called.
    pub(super) name: String,
    pub(super) tasks: Vec<Task>,
    /// The groups that were named and those in them, inner ones first.
    pub(super) groups: Vec<Group>,
    pub(super) data: Vec<PathBuf>,
    pub(super) num_fewshot: Option<usize>,
    pub(super) limit: Option<usize>,
    pub(super) seed: u64,
    pub(super) chat_template: bool,
    pub(super) system_instruction: Option<String>,
}

/// The seed of examples that the harness takes unless told otherwise.
const SEED: u64 = 1234;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tasks: Vec<String>,
    #[serde(default)]
    data: Vec<PathBuf>,
    num_fewshot: Option<usize>,
    limit: Option<usize>,
    seed: Option<u64>,
    #[serde(default)]
    chat_template: bool,
    system_instruction: Option<String>,
}

/// Reads the spec of a command line.
pub(super) fn read(args: &Args) -> Result<Spec, Problem> {
    let path = Path::new(&args.spec);
    let is_file = path.extension().is_some_and(|extension| extension == "toml") || path.is_file();
    let (name, file) = if is_file {
        let mut file: File = toml::from_str(&files::read_text(path)?).map_err(|err| {
            Problem::new(format!("{} cannot be read", path.display()))
                .cause(err.to_string())
                .hint("it holds `tasks`, and may hold data, num_fewshot, limit, seed, chat_template, system_instruction")
        })?;
        // Paths of a file are meant from where the file lies.
        let base = path.parent().unwrap_or(Path::new(""));
        file.data = file.data.into_iter().map(|data| base.join(data)).collect();
        (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), file)
    } else {
        let tasks: Vec<String> = args.spec.split(',').map(|name| name.trim().to_owned()).collect();
        (tasks.join("-"), File { tasks, ..File::default() })
    };
    let (mut tasks, mut groups) = (Vec::new(), Vec::<Group>::new());
    for name in &file.tasks {
        expand(name, &mut tasks)?;
        for group in task::within(name) {
            if !groups.iter().any(|known| known.name == group.name) {
                groups.push(group);
            }
        }
    }
    let data = if args.data.is_empty() { file.data } else { args.data.clone() };
    if tasks.is_empty() || data.is_empty() {
        let missing = if tasks.is_empty() { "task" } else { "copy of a benchmark" };
        return Err(Problem::new(format!("no {missing} is named"))
            .hint("`--data PATH` names a copy; the benchmarks themselves are not part of this program"));
    }
    if args.limit.or(file.limit) == Some(0) {
        return Err(Problem::new("a limit of 0 asks nothing").hint("leave `limit` out to ask all records"));
    }
    Ok(Spec {
        name,
        tasks,
        groups,
        data,
        num_fewshot: args.num_fewshot.or(file.num_fewshot),
        limit: args.limit.or(file.limit),
        seed: args.seed.or(file.seed).unwrap_or(SEED),
        chat_template: args.apply_chat_template || file.chat_template,
        system_instruction: file.system_instruction,
    })
}

/// The tasks that a name stands for, each once.
fn expand(name: &str, tasks: &mut Vec<Task>) -> Result<(), Problem> {
    if let Some(task) = task::find(name) {
        if !tasks.iter().any(|known| known.name == task.name) {
            tasks.push(task);
        }
        return Ok(());
    }
    let Some(group) = task::group(name) else {
        let names = task::names();
        let hint = match settings::closest(name, names.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "known: mmlu and its subjects, arc_challenge, arc_easy, hellaswag, truthfulqa_mc1, truthfulqa_mc2, gsm8k, \
                     gsm8k_cot, bbh and its subsets, humaneval"
                .to_owned(),
        };
        return Err(Problem::new(format!("no task is called `{name}`")).hint(hint));
    };
    group.members.iter().try_for_each(|member| expand(member, tasks))
}
