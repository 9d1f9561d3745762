//! `stillmark man [--out DIR]`.

use std::path::PathBuf;

use clap_mangen::Man;

use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::output;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `man` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark man | man -l -\n  stillmark man --out ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Write one page a command into this folder instead of printing the main one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the main page, or writes all of them.
pub(crate) fn run(args: &Args, mut command: clap::Command, session: &Session) -> Outcome {
    command.build();
    let Some(folder) = &args.out else {
        output::bytes(&page(command)?)?;
        return Ok(ExitStatus::Done);
    };
    files::make_folder(folder)?;
    let mut left = vec![("stillmark".to_owned(), command)];
    while let Some((name, command)) = left.pop() {
        let below = command.get_subcommands().filter(|sub| sub.get_name() != "help");
        left.extend(below.map(|sub| (format!("{name}-{}", sub.get_name()), sub.clone())));
        let path = folder.join(format!("{name}.1"));
        files::write(&path, &page(command)?, Secrecy::Public)?;
        session.talk.note(&format!("wrote {}", path.display()));
    }
    Ok(ExitStatus::Done)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::new();
    Man::new(command)
        .render(&mut text)
        .map_err(|err| Problem::new("the manual page could not be made").cause(err.to_string()))?;
    Ok(text)
}
