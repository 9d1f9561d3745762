//! Settings: flags over `STILLMARK_*` variables over `stillmark.toml` over the defaults tabled here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::environment;
use crate::files;
use crate::output::{Format, Volume};
use crate::problem::Problem;

/// The file looked for in the current folder.
const FILE: &str = "stillmark.toml";

/// One key of `stillmark.toml`; its variable is `STILLMARK_` and the key in capitals.
const KEYS: [&str; 7] = ["format", "quiet", "cache", "trust", "key", "hub", "attempts"];

/// The model hub asked where no other is named.
const DEFAULT_HUB: &str = "https://huggingface.co";

/// How often a question is put to a teacher's API before it counts as unanswered.
const DEFAULT_ATTEMPTS: u32 = 6;

/// The settings in force.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How answers are written.
    pub(crate) format: Format,
    /// How much is said on stderr.
    pub(crate) volume: Volume,
    /// Where fetched models are kept.
    pub(crate) cache: PathBuf,
    /// The folder of the public keys that `verify` trusts.
    pub(crate) trust: PathBuf,
    /// The private key that statements are signed with.
    pub(crate) key: PathBuf,
    /// The model hub's address, without a slash at its end.
    pub(crate) hub: String,
    /// How often a question is put to a teacher's API before it counts as unanswered.
    pub(crate) attempts: u32,
}

/// The flags that every command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Shared {
    /// How the answer is written: human or json [default: human]
    #[arg(long, global = true, value_enum, hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Settings file [default: ./stillmark.toml, if there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Where a value came from, to be named when it makes no sense.
struct Found {
    value: String,
    place: String,
}

/// Reads the settings in force.
pub(crate) fn load(shared: &Shared) -> Result<Settings, Problem> {
    let file = read_file(shared.config.as_deref())?;
    let find = |key: &str| variable(key).or_else(|| from_file(file.as_ref(), key));
    let format = match shared.format {
        Some(format) => format,
        None => find("format").map_or(Ok(Format::Human), |found| format_of(&found))?,
    };
    let quiet = shared.quiet || find("quiet").map_or(Ok(false), |found| truth_of(&found))?;
    let place = |key: &str, default: PathBuf| find(key).map_or(default, |found| PathBuf::from(found.value));
    Ok(Settings {
        format,
        volume: if quiet { Volume::Quiet } else { Volume::Normal },
        cache: place("cache", environment::cache_home().join("stillmark")),
        trust: place("trust", environment::config_home().join("stillmark").join("trusted")),
        key: place("key", environment::config_home().join("stillmark").join("signer.pem")),
        attempts: find("attempts").map_or(Ok(DEFAULT_ATTEMPTS), |found| count_of(&found))?,
        hub: find("hub").map_or(DEFAULT_HUB.to_owned(), |found| found.value.trim_end_matches('/').to_owned()),
    })
}

/// A warning for each `STILLMARK_*` variable that is nearly, but not quite, one of ours.
pub(crate) fn misspelled_variables() -> Vec<String> {
    const PREFIX: &str = "STILLMARK_";
    let mut warnings = Vec::new();
    for name in environment::names_with(PREFIX) {
        // What all of them share would make any two look alike.
        let word = name[PREFIX.len()..].to_lowercase();
        if KEYS.contains(&word.as_str()) {
            continue;
        }
        if let Some(close) = closest(&word, KEYS.into_iter()) {
            warnings.push(format!("`{name}` is not a setting; did you mean `{}`?", variable_name(close)));
        }
    }
    warnings
}

/// The candidate that a misspelled word was probably meant to be.
pub(crate) fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| 0.82 <= *score).map(|(_, candidate)| candidate)
}

fn variable_name(key: &str) -> String {
    format!("STILLMARK_{}", key.to_uppercase())
}

fn variable(key: &str) -> Option<Found> {
    let place = variable_name(key);
    let value: OsString = environment::variable(&place)?;
    Some(Found { value: value.to_string_lossy().into_owned(), place: format!("the variable `{place}`") })
}

/// The settings file that was named, or the one in the current folder, if any.
fn read_file(named: Option<&Path>) -> Result<Option<(PathBuf, toml::Table)>, Problem> {
    let path = match named {
        Some(path) => path.to_owned(),
        None if Path::new(FILE).is_file() => PathBuf::from(FILE),
        None => return Ok(None),
    };
    let text = files::read_text(&path)?;
    let table: toml::Table = text.parse().map_err(|err: toml::de::Error| {
        let line = err.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        Problem::new(format!("{}:{line} is not TOML", path.display())).cause(err.message())
    })?;
    for key in table.keys() {
        if !KEYS.contains(&key.as_str()) {
            return Err(unknown_key(&path, &text, key));
        }
    }
    Ok(Some((path, table)))
}

fn unknown_key(path: &Path, text: &str, key: &str) -> Problem {
    let line =
        text.lines().position(|line| line.trim_start().trim_start_matches(['[', '"']).starts_with(key));
    let place = line.map_or_else(String::new, |idx| format!(":{}", idx + 1));
    let hint = match closest(key, KEYS.into_iter()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("the keys are {}", KEYS.map(|known| format!("`{known}`")).join(", ")),
    };
    Problem::new(format!("{}{place}: there is no setting `{key}`", path.display())).hint(hint)
}

fn from_file(file: Option<&(PathBuf, toml::Table)>, key: &str) -> Option<Found> {
    let (path, table) = file?;
    let value = match table.get(key)? {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(Found { value, place: format!("`{key}` in {}", path.display()) })
}

fn format_of(found: &Found) -> Result<Format, Problem> {
    Format::from_str(&found.value, false).map_err(|_| wrong(found, "`human` or `json`"))
}

fn truth_of(found: &Found) -> Result<bool, Problem> {
    match found.value.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(wrong(found, "`true` or `false`")),
    }
}

fn count_of(found: &Found) -> Result<u32, Problem> {
    let count = found.value.parse().ok().filter(|count| (1..=100).contains(count));
    count.ok_or_else(|| wrong(found, "a whole number from 1 to 100"))
}

fn wrong(found: &Found, wanted: &str) -> Problem {
    Problem::new(format!("{} is `{}`, which makes no sense there", found.place, found.value))
        .hint(format!("it takes {wanted}"))
}
