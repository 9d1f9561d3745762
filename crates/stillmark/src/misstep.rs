//! Command lines that make no sense, and those that only ask for help.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::exit::ExitStatus;
use crate::output::{self, Talk};
use crate::problem::Problem;

/// Answers what clap could not turn into a command.
pub(crate) fn answer(err: &clap::Error) -> ExitStatus {
    match err.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader who has gone away needs no help.
            let _ = output::bytes(err.to_string().as_bytes());
            ExitStatus::Done
        }
        _ => {
            Talk::plain().problem(&problem(err));
            ExitStatus::Failed
        }
    }
}

fn problem(err: &clap::Error) -> Problem {
    let text = |kind| err.get(kind).map(words).unwrap_or_default();
    let argument = text(ContextKind::InvalidArg);
    let message = match err.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "the command line ends before it names a command".to_owned()
        }
        ErrorKind::InvalidSubcommand => {
            format!("there is no command {}", text(ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument => format!("there is no argument {argument} here"),
        ErrorKind::MissingRequiredArgument => format!("{argument} is missing"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if text(ContextKind::InvalidValue) == "``" => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("{argument} cannot be {}", text(ContextKind::InvalidValue))
        }
        ErrorKind::ArgumentConflict => {
            format!("{argument} cannot be used with {}", text(ContextKind::PriorArg))
        }
        _ => first_line(err),
    };
    let problem = Problem::new(message).hint(hint(err));
    match err.source() {
        Some(source) if err.kind() == ErrorKind::ValueValidation => problem.cause(source.to_string()),
        _ => problem,
    }
}

/// What clap suggests, or what is possible, or where help is.
fn hint(err: &clap::Error) -> String {
    let get = |kind| err.get(kind).filter(|value| !words(value).is_empty());
    let suggested =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    if let Some(value) = suggested.into_iter().find_map(get) {
        return format!("did you mean {}?", words(value));
    }
    if let Some(possible) = get(ContextKind::ValidValue) {
        return format!("possible values are {}", words(possible));
    }
    if let Some(possible) = get(ContextKind::ValidSubcommand) {
        return format!("the commands are {}", words(possible));
    }
    let usage = err.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    let usage: String = usage.lines().collect::<Vec<_>>().join(" ");
    let command: Vec<&str> =
        usage.split_whitespace().skip(1).take_while(|word| !word.starts_with(['<', '[', '-'])).collect();
    let command = if command.is_empty() { "stillmark".to_owned() } else { command.join(" ") };
    format!("see `{command} --help`")
}

fn words(value: &ContextValue) -> String {
    let quoted = |text: &str| format!("`{text}`");
    match value {
        ContextValue::Strings(all) => all.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "),
        ContextValue::None => String::new(),
        other => quoted(&other.to_string()),
    }
}

fn first_line(err: &clap::Error) -> String {
    let text = err.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).replace('\'', "`")
}
