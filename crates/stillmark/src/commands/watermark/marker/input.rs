//! The texts and keys that marker commands read.

use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use stillmark_watermark::marker::MarkKey;

use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// A key file: one scheme, one key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    scheme: String,
    /// Of whatever type, so that no message about its type shows it.
    key: toml::Value,
}

/// How a file is called in messages.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { "the text on stdin".to_owned() } else { path.display().to_string() }
}

/// Reads bytes from a file, or from stdin.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    if !is_stdin(path) {
        return std::fs::read(path).map_err(|err| files::cannot("read", path, &err));
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|err| Problem::from_error(&err).while_doing("stdin cannot be read"))?;
    Ok(bytes)
}

/// Reads a text in UTF-8 from a file, or from stdin.
pub(super) fn text(path: &Path) -> Result<String, Problem> {
    String::from_utf8(bytes(path)?).map_err(|err| {
        let at = err.utf8_error().valid_up_to();
        let byte = err.as_bytes()[at];
        Problem::new(format!("{} is not text in UTF-8", name(path)))
            .cause(format!("byte {at} (0x{byte:02x}) begins no character"))
            .hint("convert it to UTF-8 first, as `iconv -t utf-8` does")
    })
}

/// Reads a mark's key.
pub(super) fn key(path: &Path, session: &Session) -> Result<MarkKey, Problem> {
    const HINT: &str = "it is TOML with `scheme = \"hidden\"` and `key = \"…\"`, 64 hexadecimal digits";
    let wrong = |cause: String| {
        Problem::new(format!("{} is not the key of a hidden mark", path.display())).cause(cause).hint(HINT)
    };
    let text = files::read_secret(path, session.talk)?;
    let file: KeyFile = toml::from_str(&text).map_err(|err| {
        // The line itself might be the key: only its number is told.
        let line = err.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        wrong(format!("line {line}: {}", err.message()))
    })?;
    if file.scheme != "hidden" {
        return Err(wrong(format!("its scheme is `{}`", file.scheme)));
    }
    MarkKey::from_hex(file.key.as_str().unwrap_or_default()).map_err(|err| wrong(err.to_string()))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
