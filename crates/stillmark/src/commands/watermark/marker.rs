//! `stillmark watermark marker embed|find|strip`.

mod answer;
mod input;

use std::path::{Path, PathBuf};

use stillmark_watermark::marker::{self, Binding, Error, MarkKey, Padding, Report};

use self::answer::{Answer, Found, told};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::output;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// What `watermark marker` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Put a C2PA manifest or a keyed mark into a text, unseen
    Embed(EmbedArgs),
    /// List the hidden characters of a text, and test its marks
    Find(FindArgs),
    /// Take hidden characters out of a text
    Strip(StripArgs),
}

/// What `watermark marker embed` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark watermark marker embed answer.txt --payload tern-42 --key hidden.toml --bind --out marked.txt\n\n\
                  The text is brought into Unicode's composed form (NFC). Any sanitizer removes such marks."
)]
struct EmbedArgs {
    /// The text; `-` reads it from stdin
    file: PathBuf,
    /// A C2PA manifest store (JUMBF) to embed at the text's end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["payload", "key", "bind"], required_unless_present = "payload")]
    manifest: Option<PathBuf>,
    /// Make the manifest's wrapper as long as any of its size can be (C2PA A.8)
    #[arg(long, requires = "manifest")]
    padded: bool,
    /// What the mark says, 1 to 64 bytes; anyone can read it
    #[arg(long, value_name = "TEXT", requires = "key")]
    payload: Option<String>,
    /// The mark's key: TOML with `scheme = "hidden"` and `key`
    #[arg(long, value_name = "KEYFILE", requires = "payload")]
    key: Option<PathBuf>,
    /// Bind the mark to this very text
    #[arg(long, requires = "payload")]
    bind: bool,
    /// Where the marked text goes [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What `watermark marker find` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark watermark marker find marked.txt --key hidden.toml --expect marked\n\n\
                  With --key, marked is a text with a mark that holds under it; without, one with anything hidden.\n\
                  Exit codes: 0 whatever is found; 1 where --expect is contradicted."
)]
struct FindArgs {
    /// The text; `-` reads it from stdin
    file: PathBuf,
    /// A key to test marks with; may be given several times
    #[arg(long = "key", value_name = "KEYFILE")]
    keys: Vec<PathBuf>,
    /// What must be the case
    #[arg(long, value_enum)]
    expect: Option<Expectation>,
}

/// What `watermark marker strip` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark watermark marker strip marked.txt --out plain.txt\n\n\
                        Emoji, joined letters and other wanted invisible characters stay.")]
struct StripArgs {
    /// The text; `-` reads it from stdin
    file: PathBuf,
    /// Where the text goes [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a text must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Expectation {
    /// It is marked.
    Marked,
    /// It is not.
    Unmarked,
}

/// Embeds, finds, or strips.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Embed(args) => embed(&args, session),
        Verb::Find(args) => find(&args, session),
        Verb::Strip(args) => strip(&args, session),
    }
}

fn embed(args: &EmbedArgs, session: &Session) -> Outcome {
    let text = input::text(&args.file)?;
    let problem = |err: Error| of_marker(&err, format!("{} cannot be marked", input::name(&args.file)));
    let marked = match (&args.manifest, &args.payload, &args.key) {
        (Some(manifest), _, _) => {
            let store = input::bytes(manifest)?;
            let padding = if args.padded { Padding::Deterministic } else { Padding::None };
            marker::embed_manifest(&text, &store, padding).map_err(problem)?
        }
        (None, Some(payload), Some(key)) => {
            let key = input::key(key, session)?;
            let binding = if args.bind { Binding::Text } else { Binding::Free };
            marker::embed(&text, payload.as_bytes(), &key, binding).map_err(problem)?
        }
        _ => return Err(Problem::new("nothing to embed is named").hint(NOTHING_NAMED).into()),
    };
    if marker::nfc(&text) != text {
        session.talk.note("the text was brought into Unicode's composed form (NFC): it reads the same");
    }
    session.talk.note("any sanitizer removes such marks: their absence will prove nothing");
    let report = marker::find(&marked, &[]);
    let found = Found::of(&report, &[]);
    write(Answer::of_text("embed", &args.file, found), &marked, args.out.as_deref(), session)
}

const NOTHING_NAMED: &str = "name a manifest store with --manifest, or a mark with --payload and --key";

fn find(args: &FindArgs, session: &Session) -> Outcome {
    let text = input::text(&args.file)?;
    let keys = args.keys.iter().map(|path| input::key(path, session)).collect::<Result<Vec<MarkKey>, _>>()?;
    let report = marker::find(&text, &keys);
    let found = Found::of(&report, &args.keys);
    let is_marked = found.is_marked;
    let answer = Answer::of_text("find", &args.file, found);
    session.answer(&answer, || told(&answer))?;
    let contradicted = match args.expect {
        Some(Expectation::Marked) => !is_marked,
        Some(Expectation::Unmarked) => is_marked,
        None => false,
    };
    Ok(if contradicted { ExitStatus::Negative } else { ExitStatus::Done })
}

fn strip(args: &StripArgs, session: &Session) -> Outcome {
    let text = input::text(&args.file)?;
    let (stripped, report): (String, Report) = marker::strip(&text);
    session.talk.note(&format!("{} hidden characters taken out", report.hidden.values().sum::<usize>()));
    let found = Found::of(&report, &[]);
    write(Answer::of_text("strip", &args.file, found), &stripped, args.out.as_deref(), session)
}

/// Writes a text where it was asked for; its account is the answer wherever stdout does not hold the text itself.
fn write(mut answer: Answer, text: &str, out: Option<&Path>, session: &Session) -> Outcome {
    match out {
        Some(path) => {
            files::write(path, text.as_bytes(), Secrecy::Public)?;
            answer.out = Some(path.to_owned());
            session.answer(&answer, || told(&answer))?;
        }
        None if session.is_json() => {
            answer.text = Some(text.to_owned());
            session.answer(&answer, String::new)?;
        }
        None => output::bytes(text.as_bytes())?,
    }
    Ok(ExitStatus::Done)
}

/// A failure of a marker, with what to do next.
fn of_marker(err: &Error, doing: String) -> Stop {
    let problem = Problem::from_error(err).while_doing(doing);
    let hint = match err {
        Error::Payload { .. } => {
            "name the text by a short identifier, and keep the rest of what is known beside it"
        }
        Error::Key => "`key` is 64 hexadecimal digits drawn at random, as `openssl rand -hex 32` prints them",
        Error::Blank => "mark a text with at least one word",
        Error::ManifestFirst => {
            "strip the text, embed the mark, then a manifest that was made for the marked text"
        }
        Error::Manifest { .. } => {
            "--manifest takes the manifest store that a C2PA tool wrote, a JUMBF box in binary"
        }
        Error::SecondManifest => "`stillmark watermark marker strip` takes the old one out",
        _ => "`stillmark watermark marker find` lists what the text holds",
    };
    problem.hint(hint).into()
}
