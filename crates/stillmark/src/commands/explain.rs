//! `stillmark explain [CODE]`: what a word in an answer means, what it assumes and cannot show.

use serde::Serialize;

use crate::exit::ExitStatus;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;
use crate::settings;

/// What `explain` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark explain broken-edge")]
pub(crate) struct Args {
    /// A code as `verify`, `agreement check` or an error prints it; none lists all
    code: Option<String>,
}

/// The pages: `## code: title`, then Markdown up to the next.
const PAGES: &str = include_str!("explain.md");

/// One explained code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Page<'a> {
    code: &'a str,
    title: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct One<'a> {
    schema: &'static str,
    #[serde(flatten)]
    page: Page<'a>,
}

#[derive(Serialize)]
struct All<'a> {
    schema: &'static str,
    codes: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'a str,
    title: &'a str,
}

/// Prints one page, or the list.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let pages = pages();
    match &args.code {
        Some(code) => one(code, &pages, session)?,
        None => all(&pages, session)?,
    }
    Ok(ExitStatus::Done)
}

fn one(code: &str, pages: &[Page<'_>], session: &Session) -> Result<(), Stop> {
    let Some(page) = pages.iter().find(|page| page.code == code) else {
        let hint = match settings::closest(code, pages.iter().map(|page| page.code)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`stillmark explain` lists all of them".to_owned(),
        };
        return Err(Problem::new(format!("there is no code `{code}`")).hint(hint).into());
    };
    let answer = One { schema: "stillmark/explain/v1", page: page.clone() };
    session.answer(&answer, || format!("{}: {}\n\n{}\n", page.code, page.title, page.text))
}

fn all(pages: &[Page<'_>], session: &Session) -> Result<(), Stop> {
    let codes = pages.iter().map(|page| Entry { code: page.code, title: page.title }).collect();
    let answer = All { schema: "stillmark/explain-list/v1", codes };
    session.answer(&answer, || {
        let width = pages.iter().map(|page| page.code.len()).max().unwrap_or_default();
        pages
            .iter()
            .map(|page| format!("{:<width$}  {}", page.code, page.title))
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// Our own pages, then those on the rules of `agreement`.
fn pages() -> Vec<Page<'static>> {
    let own = PAGES.split("\n## ").skip(1).filter_map(|section| {
        let (head, text) = section.split_once('\n')?;
        let (code, title) = head.split_once(": ")?;
        Some(Page { code, title, text: text.trim() })
    });
    let rules = stillmark_agreement::codes().filter_map(|(code, _)| {
        let text = stillmark_agreement::explain(code)?;
        let title = text.split_once(['.', ':']).map_or(text, |(first, _)| first);
        Some(Page { code, title, text })
    });
    own.chain(rules).collect()
}
