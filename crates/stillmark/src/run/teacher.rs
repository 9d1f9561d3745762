//! The teacher that a plan names, found: a model fetched and loaded, or an API with the tokenizer that cuts its answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use stillmark_distill::plan::{KeyPlace, Place, Precision, Remote};
use stillmark_distill::{Embedded, Marking, Plan, Tokens};
use stillmark_evidence::layout::path::MODEL;
use stillmark_evidence::manifest::Watermark;
use stillmark_kernels::gemm;
use stillmark_model::catalog;
use stillmark_model::remote::{Endpoint, Patience, Pause, Secret};
use stillmark_model::{ChatTemplate, Checkpoint, Decoder, Tokenizer};

use crate::advice;
use crate::environment;
use crate::fetch;
use crate::files;
use crate::interrupt;
use crate::keyfile;
use crate::mark::Marks;
use crate::problem::{Problem, Stop};
use crate::session::Session;
use crate::settings;

/// A teacher at hand.
pub(crate) struct Teacher {
    /// The name that it is published under.
    pub(crate) name: String,
    /// Where it is from.
    pub(crate) uri: String,
    attempts: u32,
    kind: Kind,
}

enum Kind {
    Embedded { checkpoint: Box<Checkpoint>, decoder: Box<Decoder>, marking: Option<Marking> },
    Remote(Words),
}

/// A tokenizer with or without a model around it.
enum Words {
    Model(Box<Checkpoint>),
    Bare { tokenizer: Box<Tokenizer>, chat: Option<ChatTemplate> },
}

impl Teacher {
    /// Finds the teacher of a plan; a model that is not in the cache is fetched.
    pub(crate) fn find(plan: &Plan, base: &Path, session: &Session) -> Result<Self, Stop> {
        match &plan.teacher().place {
            Place::Embedded { model } => {
                let (place, uri) = find(model, base, session)?;
                let unusable = |err: &stillmark_model::Error| {
                    advice::model_problem(err, format!("the teacher `{model}` cannot be used"))
                };
                let checkpoint = Checkpoint::open(&place).map_err(|err| unusable(&err))?;
                let precision = match plan.train().precision {
                    Precision::F32 => gemm::Precision::F32,
                    Precision::Bf16 => gemm::Precision::Bf16,
                };
                let decoder = Decoder::load(checkpoint.config(), &checkpoint, precision)
                    .map_err(|err| unusable(&err))?;
                let key = plan.capture().watermark_key.as_ref();
                let marking = key.map(|key| marking(&base.join(key), session)).transpose()?;
                let (checkpoint, decoder) = (Box::new(checkpoint), Box::new(decoder));
                let kind = Kind::Embedded { checkpoint, decoder, marking };
                Ok(Self { name: published(model), uri, attempts: session.settings.attempts, kind })
            }
            Place::Remote(remote) => {
                let words = words(&remote.tokenizer, base, session)?;
                let attempts = session.settings.attempts;
                let (name, uri) = (remote.model.clone(), remote.url.clone());
                Ok(Self { name, uri, attempts, kind: Kind::Remote(words) })
            }
        }
    }

    /// The model, where it runs on this machine.
    pub(crate) fn embedded(&self) -> Option<Embedded<'_>> {
        match &self.kind {
            Kind::Embedded { checkpoint, decoder, marking } => {
                Some(Embedded { checkpoint, decoder, marking: marking.as_ref() })
            }
            Kind::Remote(_) => None,
        }
    }

    /// Where a remote teacher is asked; the key is read here, from where the plan says that it is.
    pub(crate) fn endpoint(&self, remote: &Remote, base: &Path) -> Result<Endpoint, Problem> {
        let key = match &remote.key {
            None => None,
            Some(KeyPlace::Env(name)) => {
                let value = environment::variable(name).ok_or_else(|| {
                    Problem::new(format!("the variable `{name}`, which holds the teacher's key, is not set"))
                        .hint(format!(
                            "set `{name}`, or name another place by `teacher.key_env` or `teacher.key_file`"
                        ))
                })?;
                Some(Secret::new(&value.to_string_lossy()))
            }
            Some(KeyPlace::File(path)) => Some(Secret::new(&files::read_text(&base.join(path))?)),
        };
        Ok(endpoint((&remote.url, &remote.model), key, remote.concurrency, self.attempts))
    }

    /// How its text is cut into tokens.
    pub(crate) fn tokens(&self) -> Result<Tokens<'_>, Problem> {
        match &self.kind {
            Kind::Embedded { checkpoint, .. } | Kind::Remote(Words::Model(checkpoint)) => {
                Tokens::of(checkpoint).map_err(|err| Problem::from_error(&err))
            }
            Kind::Remote(Words::Bare { tokenizer, chat }) => Ok(Tokens { tokenizer, chat: chat.as_ref() }),
        }
    }
}

/// The mark of a plan's key, with what the records say of it: that key must have been committed to.
fn marking(path: &Path, session: &Session) -> Result<Marking, Problem> {
    let key = keyfile::read(path, None, session)?;
    let Some(opening) = keyfile::commitment(path, &key)? else {
        return Err(Problem::new(format!("nothing was committed to for the key {}", path.display()))
            .cause("records of marked answers name the commitment of their key")
            .hint(format!("run `stillmark watermark key commit {}` first", path.display())));
    };
    let marking = stillmark_watermark::generate::Marking::new(&key)
        .map_err(|err| keyfile::of_key(&err, format!("{} cannot mark answers", path.display())))?;
    let key_commitment = opening.commitment.parse().map_err(|err| {
        Problem::from_error(&err).while_doing(format!("the commitment of {} is none", path.display()))
    })?;
    let stated =
        Watermark { scheme: key.scheme().name().to_owned(), parameters: key.parameters(), key_commitment };
    Ok(Marking { mark: Box::new(Marks(marking)), stated })
}

/// Where a model lies: a path as it stands, or a name of the catalog, fetched where it is not in the cache.
fn find(model: &str, base: &Path, session: &Session) -> Result<(PathBuf, String), Stop> {
    if let Some(entry) = catalog::find(model) {
        let fetched = fetch::fetch(entry, None, &session.settings, session.talk)?;
        return Ok((fetched.path, format!("urn:stillmark:catalog:{model}")));
    }
    let path = base.join(model);
    if !path.exists() {
        let hint = match settings::closest(model, catalog::entries().iter().map(|entry| entry.name)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`stillmark model list` shows the names".to_owned(),
        };
        return Err(Problem::new(format!("there is no model `{model}`"))
            .cause(format!("it is no name of the catalog, and {} is not there", path.display()))
            .hint(hint)
            .into());
    }
    let uri = format!("file:{model}");
    Ok((path, uri))
}

/// The name a model is published under: the repository of its maker, or the last part of its path.
pub(crate) fn published(model: &str) -> String {
    let hub = catalog::find(model).and_then(|entry| {
        entry.sources.iter().find_map(|source| match source.place {
            catalog::Place::Hub { repository, .. } => Some(repository.to_owned()),
            catalog::Place::PyPi { .. } => None,
        })
    });
    let stem = || {
        let path = Path::new(model);
        // In a run folder every model lies at `NAME/model`.
        let folder = path.parent().filter(|_| path.ends_with(MODEL)).and_then(Path::file_name);
        folder.or(path.file_stem()).map_or(model.to_owned(), |stem| stem.to_string_lossy().into_owned())
    };
    hub.unwrap_or_else(stem)
}

/// The tokenizer of a model, or of a folder or file that holds no more than a tokenizer.
fn words(name: &str, base: &Path, session: &Session) -> Result<Words, Stop> {
    let (path, _) = find(name, base, session)?;
    let unusable = |err: &stillmark_model::Error| {
        advice::model_problem(err, format!("the tokenizer `{name}` cannot be used"))
    };
    let is_file = path.extension().is_some_and(|extension| extension == "json");
    if !is_file && (!path.is_dir() || path.join("config.json").exists()) {
        let checkpoint = Checkpoint::open(&path).map_err(|err| unusable(&err))?;
        return Ok(Words::Model(Box::new(checkpoint)));
    }
    let file = if is_file { path } else { path.join("tokenizer.json") };
    let tokenizer = Tokenizer::open(&file).map_err(|err| unusable(&err))?;
    let template = file.with_file_name("chat_template.jinja");
    let chat = if template.exists() {
        let source = files::read_text(&template)?;
        Some(ChatTemplate::new(&template, source, None, None).map_err(|err| unusable(&err))?)
    } else {
        None
    };
    Ok(Words::Bare { tokenizer: Box::new(tokenizer), chat })
}

/// The tokenizer of a model of the catalog, or at a path: a model's folder or file, or a `tokenizer.json`.
pub(crate) fn tokenizer(name: &str, session: &Session) -> Result<Tokenizer, Stop> {
    match words(name, Path::new(""), session)? {
        Words::Model(checkpoint) => Ok(checkpoint
            .tokenizer()
            .map_err(|err| advice::model_problem(&err, format!("the tokenizer of `{name}` cannot be used")))?
            .clone()),
        Words::Bare { tokenizer, .. } => Ok(*tokenizer),
    }
}

/// The longest that one answer may take.
/// Where a model of an API, told by its URL and name, is asked.
pub(crate) fn endpoint(
    (url, model): (&str, &str),
    key: Option<Secret>,
    concurrency: usize,
    attempts: u32,
) -> Endpoint {
    Endpoint {
        base_url: url.to_owned(),
        model: model.to_owned(),
        key,
        proxy: proxy(url),
        timeout: TIMEOUT,
        concurrency,
        patience: Patience { attempts, first_wait: FIRST_WAIT, longest_wait: LONGEST_WAIT },
    }
}

const TIMEOUT: Duration = Duration::from_mins(10);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The proxy that the environment names for an address: none for this machine and for what `NO_PROXY` lists.
pub(super) fn proxy(url: &str) -> Option<String> {
    let variable = |name: &str| environment::variable(name).map(|value| value.to_string_lossy().into_owned());
    let either = |name: &str| variable(name).or_else(|| variable(&name.to_lowercase()));
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?.rsplit_once(':').map_or(rest, |(host, _)| host);
    let direct = either("NO_PROXY").unwrap_or_default();
    let here = ["localhost", "127.0.0.1", "[::1]"];
    let is_direct = |name: &str| {
        let name = name.trim().trim_start_matches('.');
        !name.is_empty() && (name == "*" || host == name || host.ends_with(&format!(".{name}")))
    };
    if here.into_iter().chain(direct.split(',')).any(is_direct) {
        return None;
    }
    either(&format!("{}_PROXY", scheme.to_uppercase())).or_else(|| either("ALL_PROXY"))
}

/// Waits in short pieces, so that Ctrl-C is heard.
pub(crate) struct Waits;

impl Pause for Waits {
    fn sleep(&self, wait: Duration) {
        const PIECE: Duration = Duration::from_millis(100);
        let mut left = wait;
        while !left.is_zero() && !interrupt::requested() {
            std::thread::sleep(left.min(PIECE));
            left = left.saturating_sub(PIECE);
        }
    }

    fn random(&self) -> f64 {
        let mut bytes = [0; 4];
        match getrandom::fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }
}
