//! `stillmark agreement terms list|show ID`.

use serde::Serialize;
use stillmark_agreement::{Entry, Pack, Rule};

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
}

#[derive(Serialize)]
struct ListAnswer<'a> {
    schema: &'static str,
    pack_sha256: String,
    terms: Vec<Head<'a>>,
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    kind: &'a str,
    name: &'a str,
    version: &'a str,
    license: Option<&'a str>,
    in_force: Option<String>,
    retrieved: String,
    sha256: String,
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
    let Some(entry) = pack.get(id) else {
        let hint = match pack.nearest(id) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`stillmark agreement terms list` shows all ids".to_owned(),
        };
        return Err(Problem::new(format!("there are no terms `{id}` in the pack")).hint(hint).into());
    };
    let answer = ShowAnswer {
        schema: "stillmark/agreement-terms-entry/v1",
        head: head(entry),
        source: &entry.source,
        note: entry.note.as_deref(),
        rules: entry.rules.iter().map(rule).collect(),
    };
    session.answer(&answer, || told(entry))
}

fn head(entry: &Entry) -> Head<'_> {
    Head {
        id: &entry.id,
        kind: entry.kind.as_str(),
        name: &entry.name,
        version: &entry.version,
        license: entry.license.as_deref(),
        in_force: entry.in_force.as_ref().map(ToString::to_string),
        retrieved: entry.retrieved.to_string(),
        sha256: entry.digest().to_string(),
    }
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
