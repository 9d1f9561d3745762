//! `stillmark watermark attribute --keys DIR FILE`.

use std::path::{Path, PathBuf};

use stillmark_watermark::attribute::{self, Suspect};
use stillmark_watermark::detect::{Input, Search, Settings};

use super::{detect, texts, told};
use crate::exit::ExitStatus;
use crate::files;
use crate::keyfile;
use crate::problem::{Outcome, Problem};
use crate::run::teacher;
use crate::session::Session;

/// What `watermark attribute` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark watermark attribute --keys keys leaked.jsonl\n\n\
                        A key goes by the name of its file. Exit code 0 whatever is found.")]
pub(crate) struct Args {
    /// The texts, as `watermark detect` takes them
    file: PathBuf,
    /// A folder of key files (*.toml) of one scheme
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The marking model's tokenizer, where texts are no token ids
    #[arg(long, value_name = "MODEL")]
    tokenizer: Option<String>,
    /// Random keys that say whether the analytic p-value holds on these texts
    #[arg(long, value_name = "N", default_value_t = 199)]
    decoys: usize,
    /// How often any text of the file may be attributed wrongly
    #[arg(long, default_value_t = 0.001)]
    level: f64,
}

/// Tries all keys on all texts.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    detect::check_level(args.level)?;
    let suspects = suspects(&args.keys, session)?;
    let file = texts::read(&args.file)?;
    let tokenizer = args.tokenizer.as_ref().map(|name| teacher::tokenizer(name, session)).transpose()?;
    let ready = texts::ready(&file, &detect::cut(&suspects[0].key, tokenizer.as_ref()))?;
    let inputs: Vec<Input<'_>> =
        ready.iter().map(|text| Input { id: &text.id, text: text.text(), likelihoods: None }).collect();
    let settings = Settings {
        decoys: args.decoys,
        decoy_seed: 0,
        level: args.level,
        search: Search::Whole,
        keys_tried: suspects.len(),
    };
    let bar = session.talk.steps_bar("keys", suspects.len() as u64);
    let found = attribute::attribute(&suspects, &inputs, &settings, &|| bar.inc(1));
    bar.finish_and_clear();
    let found =
        found.map_err(|err| keyfile::of_key(&err, format!("{} cannot be compared", args.keys.display())))?;
    session.answer(&found, || told::attribution(&found))?;
    Ok(ExitStatus::Done)
}

/// The keys of a folder, by the names of their files.
fn suspects(folder: &Path, session: &Session) -> Result<Vec<Suspect>, Problem> {
    let entries = std::fs::read_dir(folder).map_err(|err| files::cannot("read", folder, &err))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    if paths.is_empty() {
        return Err(Problem::new(format!("{} holds no key files", folder.display()))
            .hint("`stillmark watermark key tenant` makes them: one *.toml a tenant"));
    }
    let suspect = |path: &PathBuf| {
        let key = keyfile::read(path, None, session)?;
        let commitment = keyfile::commitment(path, &key)?.map(|opening| opening.commitment);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Suspect { name, commitment, key })
    };
    paths.iter().map(suspect).collect()
}
