//! `stillmark init builder|provider|auditor [DIR]`: a commented starting folder.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `init` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark init builder mine && cd mine && cat README.md")]
pub(crate) struct Args {
    /// Who you are
    role: Role,
    /// The folder to fill
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

/// The three people the house serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// Distills a student and discloses where it came from
    Builder,
    /// Serves a model and says what may be made of it
    Provider,
    /// Checks what others publish
    Auditor,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    folder: PathBuf,
    files: Vec<&'static str>,
}

/// Writes the files; one that is already there stops it before anything is written.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let files = contents(args.role);
    for (name, _) in files {
        let path = args.folder.join(name);
        if path.exists() {
            return Err(Problem::new(format!("{} is already there", path.display()))
                .hint("nothing was written: name an empty folder, or move the file away")
                .into());
        }
    }
    files::make_folder(&args.folder)?;
    for (name, text) in files {
        files::write_new(&args.folder.join(name), text.as_bytes(), Secrecy::Public)?;
    }
    let names: Vec<&'static str> = files.iter().map(|(name, _)| *name).collect();
    let answer = Answer { schema: "stillmark/init/v1", folder: args.folder.clone(), files: names };
    session.answer(&answer, || told(&args.folder, &answer.files))?;
    session.talk.note(&format!("next: read {}", args.folder.join("README.md").display()));
    Ok(ExitStatus::Done)
}

fn told(folder: &Path, names: &[&str]) -> String {
    names.iter().map(|name| folder.join(name).display().to_string()).collect::<Vec<_>>().join("\n")
}

const SETTINGS: &str = include_str!("init/stillmark.toml");

fn contents(role: Role) -> &'static [(&'static str, &'static str)] {
    match role {
        Role::Builder => &[
            ("README.md", include_str!("init/builder.md")),
            ("stillmark.toml", SETTINGS),
            ("plan.toml", include_str!("init/plan.toml")),
            ("prompts.jsonl", include_str!("init/prompts.jsonl")),
        ],
        Role::Provider => &[
            ("README.md", include_str!("init/provider.md")),
            ("stillmark.toml", SETTINGS),
            ("provenance.toml", include_str!("init/provider.toml")),
        ],
        Role::Auditor => &[
            ("README.md", include_str!("init/auditor.md")),
            ("stillmark.toml", SETTINGS),
            ("provenance.toml", include_str!("init/auditor.toml")),
        ],
    }
}
