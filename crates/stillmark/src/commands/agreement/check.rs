//! `stillmark agreement check PLAN|DIR`.

use std::path::PathBuf;

use stillmark_agreement::{Answer, Ruling, Verdict};
use stillmark_evidence::Date;

use crate::exit::ExitStatus;
use crate::lawful;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `agreement check` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark agreement check plan.toml\n\n\
                        Exit codes: 0 permit (with or without duties), 1 forbid, 3 review.")]
pub(crate) struct Args {
    /// A plan, a provenance file, or a folder with plan.toml or provenance.toml
    path: PathBuf,
    /// Judge by the terms in force on this day [default: the file's `on`, else today]
    #[arg(long, value_name = "DATE")]
    on: Option<String>,
    /// Let silence and unsure readings lead to review instead of permit
    #[arg(long)]
    strict: bool,
}

/// Judges, answers, and ends with the verdict's exit code.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let on: Option<Date> = args.on.as_deref().map(str::parse).transpose().map_err(|err| {
        Problem::from_error(&err).while_doing("`--on` makes no sense").hint("write the day as 2026-11-01")
    })?;
    let mut ruling = lawful::judge_file(&args.path, on.as_ref(), session)?.ruling;
    if args.strict {
        ruling = ruling.strict();
    }
    session.answer(&Answer::of(&ruling), || told(&ruling))?;
    Ok(status(ruling.verdict))
}

/// The exit status that a verdict ends with.
pub(crate) fn status(verdict: Verdict) -> ExitStatus {
    match verdict {
        Verdict::Permit | Verdict::PermitWithDuties => ExitStatus::Done,
        Verdict::Review => ExitStatus::Review,
        Verdict::Forbid => ExitStatus::Negative,
    }
}

/// A ruling for people: the verdict, then what decided it, what is due and what is asked.
fn told(ruling: &Ruling) -> String {
    let mut lines = vec![format!("{}: {} on {}", ruling.verdict.as_str(), ruling.target(), ruling.on())];
    for reason in &ruling.reasons {
        let terms = reason.terms.as_deref().unwrap_or("no terms");
        lines.push(format!("  {:<8} {} ({terms}, {})", reason.effect.as_str(), reason.path, reason.clause));
        lines.push(format!("           {}", reason.says));
    }
    for duty in &ruling.duties {
        lines.push(format!("  duty     {} on {} ({}, {})", duty.kind, duty.asset, duty.terms, duty.clause));
        lines.push(format!("           {}", duty.text));
    }
    for ask in &ruling.asks {
        lines.push(format!("  ask      {}: {}", ask.id, ask.question));
    }
    for (asset, granted) in ruling.grants() {
        let id = &granted.id.to_string()[..16];
        let cap = granted.tokens.map_or("no cap of tokens".to_owned(), |cap| format!("{cap} tokens"));
        lines.push(format!(
            "  grant    {id} on {asset}, by {}: {cap}, until {}",
            granted.issuer, granted.until
        ));
    }
    for (fact, used) in &ruling.declared {
        lines.push(format!("  declared {} (used by {})", fact.as_str(), used.terms.join(", ")));
    }
    lines.extend(ruling.notes.iter().map(|note| format!("  note     {note}")));
    lines.push(
        "  No listed clause forbidding is not a legal opinion; the clauses are our own reading.".to_owned(),
    );
    lines.join("\n")
}
