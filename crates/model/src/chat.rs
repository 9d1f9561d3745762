//! Chat templates: a conversation as the text that a model was tuned on.
//!
//! A template is a Jinja program that travels with the model. It sees the messages, the first and last tokens, and nothing of
//! the machine; where it asks for the date, it gets the one that the caller states.

use std::path::{Path, PathBuf};

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, ErrorKind, context};
use serde_json::Value;

use crate::error::Error;

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message of `role`.
    pub fn new(role: &str, content: &str) -> Self {
        Self { role: role.into(), content: content.into() }
    }

    fn to_value(&self) -> minijinja::Value {
        BTreeMap::from([("role", self.role.clone()), ("content", self.content.clone())]).into()
    }
}

/// How the text of a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After the last message.
    Complete,
    /// With the words that open the model's answer.
    Generation,
}

/// A chat template with the tokens that it may name.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    path: PathBuf,
    source: String,
    bos: String,
    eos: String,
    now: Option<jiff::Timestamp>,
}

impl ChatTemplate {
    /// A template; `path` is where it was found.
    pub fn new(path: &Path, source: String, bos: Option<&str>, eos: Option<&str>) -> Result<Self, Error> {
        let (bos, eos) = (bos.unwrap_or_default().into(), eos.unwrap_or_default().into());
        let template = Self { path: path.into(), source, bos, eos, now: None };
        let detail = |error| Error::Format { path: path.into(), detail: told(&error) };
        template.environment().template_from_str(&template.source).map_err(detail)?;
        Ok(template)
    }

    /// The same with a time (RFC 3339) for templates that state the date.
    pub fn at(mut self, now: &str) -> Result<Self, Error> {
        let detail =
            |error: jiff::Error| Error::Format { path: self.path.clone(), detail: error.to_string() };
        self.now = Some(now.parse().map_err(detail)?);
        Ok(self)
    }

    /// The program's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text of a conversation. It holds the special tokens, so none are to be added when it is encoded.
    pub fn render(&self, messages: &[Message], ending: Ending) -> Result<String, Error> {
        let messages: Vec<minijinja::Value> = messages.iter().map(Message::to_value).collect();
        let context = context! {
            messages => messages,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => ending == Ending::Generation,
        };
        let rendered = self.environment().render_str(&self.source, context);
        rendered.map_err(|error| Error::Format { path: self.path.clone(), detail: told(&error) })
    }

    fn environment(&self) -> Environment<'static> {
        let mut environment = Environment::new();
        // As transformers sets Jinja up. The delimiters are the usual ones, so that this cannot fail.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        let now = self.now;
        environment.add_function("strftime_now", move |format: String| match now {
            Some(now) => Ok(now.strftime(&format).to_string()),
            None => Err(minijinja::Error::new(
                ErrorKind::InvalidOperation,
                "asks for the date, and none was given",
            )),
        });
        environment
    }
}

/// A value as Python's `json.dumps` writes it, without the escapes for HTML.
#[expect(clippy::needless_pass_by_value, reason = "the form that filters have")]
fn to_json(value: &minijinja::Value, options: Kwargs) -> Result<String, minijinja::Error> {
    let mut out = String::new();
    write_json(value, options.get("indent")?, 0, &mut out)?;
    Ok(out)
}

fn write_json(
    value: &minijinja::Value,
    indent: Option<usize>,
    depth: usize,
    out: &mut String,
) -> Result<(), minijinja::Error> {
    let line = |depth: usize, out: &mut String| {
        if let Some(indent) = indent {
            out.push('\n');
            out.push_str(&" ".repeat(indent * depth));
        }
    };
    let comma = if indent.is_some() { "," } else { ", " };
    let quoted = |text: &str| Value::from(text).to_string();
    let brackets = match value.kind() {
        ValueKind::Map => ["{", "}"],
        ValueKind::Seq | ValueKind::Iterable => ["[", "]"],
        ValueKind::Undefined | ValueKind::None => {
            out.push_str("null");
            return Ok(());
        }
        ValueKind::String => {
            out.push_str(&quoted(value.as_str().unwrap_or_default()));
            return Ok(());
        }
        ValueKind::Bool | ValueKind::Number => {
            out.push_str(&value.to_string());
            return Ok(());
        }
        other => {
            return Err(minijinja::Error::new(ErrorKind::BadSerialization, format!("{other} is no JSON")));
        }
    };
    let mut is_empty = true;
    for item in value.try_iter()? {
        out.push_str(if is_empty { brackets[0] } else { comma });
        is_empty = false;
        line(depth + 1, out);
        if value.kind() == ValueKind::Map {
            out.push_str(&quoted(&item.to_string()));
            out.push_str(": ");
            write_json(&value.get_item(&item)?, indent, depth + 1, out)?;
        } else {
            write_json(&item, indent, depth + 1, out)?;
        }
    }
    if is_empty {
        out.push_str(brackets[0]);
    } else {
        line(depth, out);
    }
    out.push_str(brackets[1]);
    Ok(())
}

/// The error's own words and its line.
fn told(error: &minijinja::Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or_else(
        || format!("chat template: {detail}"),
        |line| format!("chat template, line {line}: {detail}"),
    )
}

/// The template that `tokenizer_config.json` holds, with the names of its first and last tokens.
pub(crate) struct TokenizerConfig {
    pub(crate) template: Option<String>,
    pub(crate) bos: Option<String>,
    pub(crate) eos: Option<String>,
}

impl TokenizerConfig {
    /// Reads the text of a `tokenizer_config.json`; `path` is for the errors.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let format = |detail: String| Error::Format { path: path.into(), detail };
        let value: Value = serde_json::from_str(text).map_err(|error| format(error.to_string()))?;
        let token = |field: &str| match value.get(field) {
            Some(Value::String(token)) => Some(token.clone()),
            Some(Value::Object(token)) => token.get("content").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        let template = match value.get("chat_template") {
            None | Some(Value::Null) => None,
            Some(Value::String(template)) => Some(template.clone()),
            Some(Value::Array(templates)) => {
                let default =
                    templates.iter().find(|one| one.get("name").and_then(Value::as_str) == Some("default"));
                default.and_then(|one| one.get("template")).and_then(Value::as_str).map(str::to_owned)
            }
            Some(_) => return Err(format("`chat_template` is neither a string nor a list".into())),
        };
        Ok(Self { template, bos: token("bos_token"), eos: token("eos_token") })
    }
}
