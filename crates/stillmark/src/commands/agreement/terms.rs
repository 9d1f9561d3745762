//! `stillmark agreement terms list|show ID|diff A B|recognize FILE`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_agreement::{Entry, Pack, Rule};

use super::heads::{Head, find, head};
use super::{diff, recognize};
use crate::exit::ExitStatus;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// What `agreement terms` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Every text of the terms pack, by its id
    List,
    /// What one text says, clause by clause
    #[command(after_help = "Example:\n  stillmark agreement terms show llama3.3")]
    Show {
        /// The text's id
        id: String,
    },
    /// What two texts say differently, rule by rule
    #[command(after_help = "Example:\n  stillmark agreement terms diff llama3 llama3.1")]
    Diff {
        /// The one text's id
        left: String,
        /// The other's
        right: String,
    },
    /// Which text a license file really holds
    #[command(after_help = "Example:\n  stillmark agreement terms recognize LICENSE\n\n\
                            Exit codes: 0 exact or alike, 3 extended, ambiguous or unknown.")]
    Recognize {
        /// The license file
        file: PathBuf,
    },
}

#[derive(Serialize)]
struct ListAnswer<'a> {
    schema: &'static str,
    pack_sha256: String,
    terms: Vec<Head<'a>>,
}

#[derive(Serialize)]
struct ShowAnswer<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head<'a>,
    source: &'a str,
    note: Option<&'a str>,
    rules: Vec<RuleWire<'a>>,
}

#[derive(Serialize)]
struct RuleWire<'a> {
    actions: Vec<&'a str>,
    effect: &'a str,
    silent: bool,
    clause: &'a str,
    says: &'a str,
    duties: Vec<&'a str>,
    asks: &'a [String],
    confidence: &'a str,
    source: &'a str,
    read_on: String,
}

/// Lists the pack, or shows one text of it.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    match args.verb {
        Verb::List => list(&pack, session)?,
        Verb::Show { id } => show(&pack, &id, session)?,
        Verb::Diff { left, right } => diff::run(&pack, &left, &right, session)?,
        Verb::Recognize { file } => return recognize::run(&pack, &file, session),
    }
    Ok(ExitStatus::Done)
}

fn list(pack: &Pack, session: &Session) -> Result<(), Stop> {
    let terms = pack.entries().map(head).collect();
    let answer =
        ListAnswer { schema: "stillmark/agreement-terms/v1", pack_sha256: pack.digest().to_string(), terms };
    session.answer(&answer, || {
        let width = answer.terms.iter().map(|head| head.id.len()).max().unwrap_or_default();
        let line = |head: &Head<'_>| {
            format!("{:<width$}  {:<7}  {} ({})", head.id, head.kind, head.name, head.version)
        };
        answer.terms.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

fn show(pack: &Pack, id: &str, session: &Session) -> Result<(), Stop> {
    let entry = find(pack, id)?;
    let answer = ShowAnswer {
        schema: "stillmark/agreement-terms-entry/v1",
        head: head(entry),
        source: &entry.source,
        note: entry.note.as_deref(),
        rules: entry.rules.iter().map(rule).collect(),
    };
    session.answer(&answer, || told(entry))
}

fn rule(rule: &Rule) -> RuleWire<'_> {
    RuleWire {
        actions: rule.on.iter().map(|action| action.as_str()).collect(),
        effect: rule.effect.as_str(),
        silent: rule.silent,
        clause: &rule.clause,
        says: &rule.says,
        duties: rule.duties.iter().map(|duty| duty.text.as_str()).collect(),
        asks: &rule.ask,
        confidence: rule.confidence.as_str(),
        source: &rule.source,
        read_on: rule.date.to_string(),
    }
}

fn told(entry: &Entry) -> String {
    let mut lines = vec![format!("{}: {} ({})", entry.id, entry.name, entry.version)];
    lines.push(format!("read in {} on {}", entry.source, entry.retrieved));
    lines.extend(entry.in_force.iter().map(|day| format!("in force since {day}")));
    lines.extend(entry.supersedes.iter().map(|id| format!("took the place of {id}")));
    lines.extend(
        entry.follows.iter().map(|id| format!("follows {id}, which stays in force for earlier releases")),
    );
    lines.extend(entry.note.iter().cloned());
    for rule in &entry.rules {
        let actions: Vec<&str> = rule.on.iter().map(|action| action.as_str()).collect();
        let silent = if rule.silent { ", silent" } else { "" };
        lines.push(format!("\n{}{silent}: {} ({})", rule.effect.as_str(), actions.join(", "), rule.clause));
        lines.push(format!("  {}", rule.says));
        lines.extend(rule.duties.iter().map(|duty| format!("  duty: {}", duty.text)));
        lines.extend(rule.ask.iter().map(|ask| format!("  ask: {ask}")));
        lines.push(format!("  read on {}, confidence {}", rule.date, rule.confidence.as_str()));
    }
    lines.join("\n")
}
