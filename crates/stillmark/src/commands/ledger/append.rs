//! `stillmark ledger append`.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_ledger::Log;

use super::{entries, failed, key};
use crate::exit::ExitStatus;
use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// How many lines go under one checkpoint.
const BATCH: usize = 256;
/// One byte more than an entry may have, so that a longer one is seen to be.
const LONGEST: u64 = 65_536;

/// What `append` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log's folder
    log: PathBuf,
    /// Files, each one entry; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Every line of the files is an entry, without its newline
    #[arg(long)]
    lines: bool,
    /// The log's secret key: `PRIVATE+KEY+…` in a file, or a PEM key it is made from [default: yours]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    origin: String,
    key: String,
    first: u64,
    appended: u64,
    size: u64,
    root: String,
}

/// Appends, and says what the log is now.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let key = key::signing(args.key.as_ref(), session)?;
    let mut log = Log::open_or_create(&args.log, key).map_err(|error| failed(&error, &args.log))?;
    let first = log.size();
    for file in &args.files {
        if args.lines {
            append_lines(&mut log, file, args)?;
        } else {
            let entry = whole(file)?;
            log.append(&[&entry]).map_err(|error| failed(&error, &args.log))?;
        }
    }
    let answer = Answer {
        schema: "stillmark/ledger-append/v1",
        origin: log.verifier().name().to_owned(),
        key: log.verifier().to_string(),
        first,
        appended: log.size() - first,
        size: log.size(),
        root: log.head().root.to_string(),
    };
    session.answer(&answer, || {
        let Answer { origin, first, appended, size, key, .. } = &answer;
        format!("{} from {first} on, {size} in all  {origin}\n{key}", entries(*appended))
    })?;
    Ok(ExitStatus::Done)
}

fn append_lines(log: &mut Log, file: &Path, args: &Args) -> Result<(), Problem> {
    let mut lines = BufReader::new(open(file)?);
    let mut batch: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut line = Vec::new();
        let n = lines
            .by_ref()
            .take(LONGEST + 1)
            .read_until(b'\n', &mut line)
            .map_err(|err| files::cannot("read", file, &err))?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let is_end = n == 0;
        if !is_end {
            batch.push(line);
        }
        if batch.len() == BATCH || is_end {
            let slices: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
            log.append(&slices).map_err(|error| {
                let at = format!("the log has {}: what was appended stays", entries(log.size()));
                failed(&error, &args.log).cause(at)
            })?;
            batch.clear();
        }
        if is_end {
            return Ok(());
        }
    }
}

fn whole(file: &Path) -> Result<Vec<u8>, Problem> {
    let mut entry = Vec::new();
    open(file)?.take(LONGEST).read_to_end(&mut entry).map_err(|err| files::cannot("read", file, &err))?;
    Ok(entry)
}

fn open(file: &Path) -> Result<Box<dyn Read>, Problem> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = std::fs::File::open(file).map_err(|err| files::cannot("read", file, &err))?;
    Ok(Box::new(opened))
}
