//! What the command line says.

use std::path::{Path, PathBuf};

/// The options of all commands.
#[derive(Debug)]
pub(crate) struct Options {
    /// The model's GGUF file.
    pub(crate) model: PathBuf,
    /// Real prompts and texts.
    pub(crate) shared: PathBuf,
    /// Where charts are written, if anywhere.
    pub(crate) svg: Option<PathBuf>,
    /// The one scheme that is wanted.
    pub(crate) scheme: Option<String>,
    /// The one class of text that is wanted.
    pub(crate) class: Option<String>,
    /// Texts a class, or answers a scheme.
    pub(crate) texts: usize,
    /// Keys that marked nothing, a text.
    pub(crate) keys: usize,
    /// Texts whose tenant is looked for.
    pub(crate) trials: usize,
}

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self {
            model: PathBuf::new(),
            shared: SHARED.into(),
            svg: None,
            scheme: None,
            class: None,
            texts: 200,
            keys: 2000,
            trials: 1000,
        };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return Err(format!("`{}` has no value", pair[0])) };
            match name.as_str() {
                "--model" => options.model = value.into(),
                "--shared" => options.shared = value.into(),
                "--svg" => options.svg = Some(value.into()),
                "--scheme" => options.scheme = Some(value.clone()),
                "--class" => options.class = Some(value.clone()),
                "--texts" => options.texts = count(value)?,
                "--keys" => options.keys = count(value)?,
                "--trials" => options.trials = count(value)?,
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        Ok(options)
    }

    /// Whether a scheme's row is wanted.
    pub(crate) fn wants_scheme(&self, name: &str) -> bool {
        self.scheme.as_deref().is_none_or(|wanted| wanted == name)
    }

    /// Whether a class of text is wanted.
    pub(crate) fn wants_class(&self, name: &str) -> bool {
        self.class.as_deref().is_none_or(|wanted| wanted == name)
    }

    /// A file of the shared data, or why it cannot be read.
    pub(crate) fn shared_text(&self, name: &str) -> Result<String, String> {
        read(&self.shared.join(name))
    }
}

/// A file as text.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn count(word: &str) -> Result<usize, String> {
    word.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("`{word}` is no number above 0"))
}
