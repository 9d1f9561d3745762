//! The texts that are judged: rows of JSON Lines or Parquet, or one plain text.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde::Deserialize;
use stillmark_evidence::Digest;
use stillmark_model::Tokenizer;
use stillmark_watermark::{Text, runs, words};

use crate::files;
use crate::problem::{Problem, one_line};

/// A file of texts.
pub(super) struct File {
    /// Its path, or `-`.
    pub(super) path: PathBuf,
    /// What it digests to.
    pub(super) digest: Digest,
    /// Its rows.
    pub(super) rows: Vec<Row>,
}

/// One text as it was given.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    /// Its name.
    pub(super) id: String,
    text: Option<String>,
    response: Option<String>,
    tokens: Option<Vec<u32>>,
    #[serde(default)]
    prompt_len: usize,
}

/// How texts become what a scheme scores.
pub(super) enum Cut<'a> {
    /// Token ids; text by this tokenizer, where there is one.
    Tokens(Option<&'a Tokenizer>),
    /// Words.
    Words,
}

/// One text ready to be scored.
pub(super) struct Ready {
    /// Its name.
    pub(super) id: String,
    /// Prompt and answer.
    pub(super) tokens: Vec<u32>,
    /// How many of these are the prompt.
    pub(super) prompt_len: usize,
    /// The words as they stand, where words are scored.
    pub(super) words: Vec<String>,
}

impl Ready {
    /// The text as the judge takes it.
    pub(super) fn text(&self) -> Text<'_> {
        Text { tokens: &self.tokens, prompt_len: self.prompt_len }
    }
}

/// Reads a file of texts; `-` is stdin.
pub(super) fn read(path: &Path) -> Result<File, Problem> {
    let bytes = bytes(path)?;
    let digest = Digest::of(&bytes);
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    let is = |word: &str| extension.as_ref().is_some_and(|extension| extension == word);
    let is_rows = is("jsonl") || is("json") || is("ndjson");
    let rows = if is("parquet") {
        parquet_rows(path)?
    } else {
        let text = utf8(path, bytes)?;
        if is_rows || (extension.is_none() && text.trim_start().starts_with('{')) {
            json_rows(path, &text)?
        } else {
            let id = path.file_name().map_or("text".into(), |name| name.to_string_lossy());
            let id = if id == "-" { "stdin".to_owned() } else { id.into_owned() };
            vec![Row { id, text: Some(text), response: None, tokens: None, prompt_len: 0 }]
        }
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = rows.iter().find(|row| !seen.insert(row.id.as_str())) {
        return Err(wrong(path, 0, &format!("the id `{}` stands twice", twice.id)));
    }
    Ok(File { path: path.to_owned(), digest, rows })
}

/// Cuts rows into tokens or words.
pub(super) fn ready(file: &File, cut: &Cut<'_>) -> Result<Vec<Ready>, Problem> {
    file.rows.iter().enumerate().map(|(idx, row)| row.ready(&file.path, idx, cut)).collect()
}

impl Row {
    fn ready(&self, path: &Path, idx: usize, cut: &Cut<'_>) -> Result<Ready, Problem> {
        let id = self.id.clone();
        let own = self.response.as_deref().or(self.text.as_deref());
        let row = |detail: &str| wrong(path, idx + 1, detail);
        match (cut, &self.tokens, own) {
            (Cut::Words, _, Some(text)) => {
                let words_as_they_stand = runs(text).map(str::to_owned).collect();
                Ok(Ready { id, tokens: words(text), prompt_len: 0, words: words_as_they_stand })
            }
            (Cut::Words, _, None) => {
                Err(row(&format!("`{id}` has no `text` or `response`: `best-of-n` marks words, not tokens")))
            }
            (Cut::Tokens(_), Some(tokens), _) if self.prompt_len > tokens.len() => {
                Err(row(&format!("`prompt_len` of `{id}` is beyond its {} tokens", tokens.len())))
            }
            (Cut::Tokens(_), Some(tokens), _) => {
                Ok(Ready { id, tokens: tokens.clone(), prompt_len: self.prompt_len, words: Vec::new() })
            }
            (Cut::Tokens(Some(tokenizer)), None, Some(text)) => {
                let tokens = tokenizer.encode(text).map_err(|err| Problem::from_error(&err))?;
                Ok(Ready { id, tokens, prompt_len: 0, words: Vec::new() })
            }
            (Cut::Tokens(None), None, Some(_)) => {
                let what = format!("{} holds text, and the scheme marks token ids", path.display());
                Err(Problem::new(what).hint(
                    "name the tokenizer of the model that may have marked it: --tokenizer with a `tokenizer.json`, a \
                     model's folder or file, or a name of `stillmark model list`",
                ))
            }
            (Cut::Tokens(_), None, None) => {
                Err(row(&format!("`{id}` has none of `text`, `response` and `tokens`")))
            }
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    if path != Path::new("-") {
        return std::fs::read(path).map_err(|err| files::cannot("read", path, &err));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|err| Problem::new("the texts cannot be read from stdin").cause(err.to_string()))?;
    Ok(bytes)
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|err| {
        let valid = err.utf8_error().valid_up_to();
        let line = err.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
        wrong(path, line, "is not UTF-8")
    })
}

fn json_rows(path: &Path, text: &str) -> Result<Vec<Row>, Problem> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(idx, line)| {
            serde_json::from_str(line).map_err(|err| {
                let message = err.to_string();
                let (what, _) = message.rsplit_once(" at line ").unwrap_or((&message, ""));
                wrong(path, idx + 1, &format!("{what} at column {}", err.column()))
            })
        })
        .collect()
}

fn parquet_rows(path: &Path) -> Result<Vec<Row>, Problem> {
    let broken = |err: parquet::errors::ParquetError| wrong(path, 0, &one_line(&err.to_string()));
    let opened = std::fs::File::open(path).map_err(|err| files::cannot("read", path, &err))?;
    let reader = SerializedFileReader::new(opened).map_err(broken)?;
    let mut rows = Vec::new();
    for (idx, found) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        let found = found.map_err(broken)?;
        let mut row = Row { id: String::new(), text: None, response: None, tokens: None, prompt_len: 0 };
        for (name, field) in found.get_column_iter() {
            match (name.as_str(), field) {
                ("id", Field::Str(id)) => row.id.clone_from(id),
                ("text", Field::Str(text)) => row.text = Some(text.clone()),
                ("response", Field::Str(text)) => row.response = Some(text.clone()),
                ("prompt_len", field) => row.prompt_len = whole(field).unwrap_or_default() as usize,
                ("tokens", Field::ListInternal(list)) => {
                    row.tokens = list.elements().iter().map(whole).collect::<Option<_>>();
                }
                _ => {}
            }
        }
        if row.id.is_empty() {
            return Err(wrong(path, idx + 1, "has no `id`, a string"));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn whole(field: &Field) -> Option<u32> {
    match field {
        Field::Int(number) => u32::try_from(*number).ok(),
        Field::Long(number) => u32::try_from(*number).ok(),
        Field::UInt(number) => Some(*number),
        Field::ULong(number) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// A row that makes no sense; row 0 is the whole file.
fn wrong(path: &Path, row: usize, detail: &str) -> Problem {
    let place = if row == 0 { path.display().to_string() } else { format!("{}:{row}", path.display()) };
    Problem::new(format!("{place}: {detail}")).hint(
        "each line is one JSON object: {\"id\": …, \"text\": …}, {\"id\": …, \"tokens\": […], \"prompt_len\": …} or \
         {\"id\": …, \"prompt\": …, \"response\": …}; or name a plain text file in UTF-8",
    )
}
