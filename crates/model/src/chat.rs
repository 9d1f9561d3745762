//! Chat templates: a conversation as the text that a model was tuned on.
//!
//! A template is a Jinja program that travels with the model. It sees the messages, the first and last tokens, and nothing of
//! the machine; where it asks for the date, it gets the one that the caller states. What it may do is bounded, in steps as in
//! memory, so that a hostile one ends.

use std::path::{Path, PathBuf};

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, ErrorKind, State, context};
use serde_json::Value;

use crate::error::Error;

/// What one rendering may spend: about a unit a step, and one for every 64 bytes of text it makes. The templates of real models
/// spend some hundreds a message.
const FUEL: u64 = 1_000_000;

/// Address space for the stack of one rendering; what is not touched costs no memory.
const STACK: usize = 1 << 28;

/// How deep values may lie in each other where a template writes them as JSON.
const DEEPEST: usize = 128;

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
        let render = || {
            let messages: Vec<minijinja::Value> = messages.iter().map(Message::to_value).collect();
            let context = context! {
                messages => messages,
                bos_token => self.bos.as_str(),
                eos_token => self.eos.as_str(),
                add_generation_prompt => ending == Ending::Generation,
            };
            self.environment().render_str(&self.source, context).map_err(|error| told(&error))
        };
        // Values that a template has nested are freed by recursion, as deep as its fuel let it build them.
        let rendered = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, render);
            match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(rendered)) => rendered,
                Ok(Err(_)) => Err("the template engine failed".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        rendered.map_err(|detail| Error::Format { path: self.path.clone(), detail })
    }

    fn environment(&self) -> Environment<'static> {
        let mut environment = Environment::new();
        // As transformers sets Jinja up. The delimiters are the usual ones, so that this cannot fail.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_fuel(Some(FUEL));
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
fn to_json(
    state: &State<'_, '_>,
    value: &minijinja::Value,
    options: Kwargs,
) -> Result<String, minijinja::Error> {
    let mut json = Json { state, indent: options.get("indent")?, out: String::new() };
    if json.indent.is_some_and(|indent| DEEPEST < indent) {
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "asks for too deep an indent"));
    }
    json.write(value, 0)?;
    Ok(json.out)
}

/// JSON being written, each step at the cost of the rendering's fuel.
struct Json<'a, 'state, 'env> {
    state: &'a State<'state, 'env>,
    indent: Option<usize>,
    out: String,
}

impl Json<'_, '_, '_> {
    fn write(&mut self, value: &minijinja::Value, depth: usize) -> Result<(), minijinja::Error> {
        if DEEPEST < depth {
            return Err(minijinja::Error::new(
                ErrorKind::BadSerialization,
                "values lie too deep in each other",
            ));
        }
        let quoted = |text: &str| Value::from(text).to_string();
        let brackets = match value.kind() {
            ValueKind::Map => ["{", "}"],
            ValueKind::Seq | ValueKind::Iterable => ["[", "]"],
            ValueKind::Undefined | ValueKind::None => return self.put("null"),
            ValueKind::String => return self.put(&quoted(value.as_str().unwrap_or_default())),
            ValueKind::Bool | ValueKind::Number => return self.put(&value.to_string()),
            other => {
                return Err(minijinja::Error::new(
                    ErrorKind::BadSerialization,
                    format!("{other} is no JSON"),
                ));
            }
        };
        let comma = if self.indent.is_some() { "," } else { ", " };
        let mut is_empty = true;
        for item in value.try_iter()? {
            self.put(if is_empty { brackets[0] } else { comma })?;
            is_empty = false;
            self.line(depth + 1)?;
            if value.kind() == ValueKind::Map {
                self.put(&quoted(&item.to_string()))?;
                self.put(": ")?;
                self.write(&value.get_item(&item)?, depth + 1)?;
            } else {
                self.write(&item, depth + 1)?;
            }
        }
        if is_empty {
            self.put(brackets[0])?;
        } else {
            self.line(depth)?;
        }
        self.put(brackets[1])
    }

    fn line(&mut self, depth: usize) -> Result<(), minijinja::Error> {
        match self.indent {
            Some(indent) => self.put(&format!("\n{}", " ".repeat(indent * depth))),
            None => Ok(()),
        }
    }

    fn put(&mut self, text: &str) -> Result<(), minijinja::Error> {
        self.state.consume_fuel(1 + text.len() as u64 / 64)?;
        self.out.push_str(text);
        Ok(())
    }
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
