//! `stillmark model show PATH`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use stillmark_model::Checkpoint;
use stillmark_model::checkpoint::Chats;

use crate::advice;
use crate::exit::ExitStatus;
use crate::problem::Outcome;
use crate::session::Session;

/// What `model show` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark model show run/model")]
pub(crate) struct Args {
    /// A folder in Hugging Face layout, a .gguf file, or a name of `stillmark model list`
    model: String,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    path: PathBuf,
    sha256: String,
    name: Option<String>,
    family: &'static str,
    parameters: u64,
    layers: usize,
    hidden_size: usize,
    heads: usize,
    kv_heads: usize,
    intermediate_size: usize,
    vocab_size: usize,
    max_positions: usize,
    tied_embeddings: bool,
    encodings: BTreeMap<String, usize>,
    tokens: Option<usize>,
    tokenizer_sha256: Option<String>,
    chat_template: bool,
    license: Option<String>,
}

/// Describes a model.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let path = super::locate(&args.model, session)?;
    let open = || {
        let checkpoint = Checkpoint::open(&path)?;
        let digest = checkpoint.digest()?;
        Ok((checkpoint, digest))
    };
    let (checkpoint, digest) = open().map_err(|err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be read as a model", path.display()))
    })?;
    let (config, described) = (checkpoint.config(), checkpoint.describe());
    let answer = Answer {
        schema: "stillmark/model-show/v1",
        path: path.clone(),
        sha256: digest.to_string(),
        name: described.name,
        family: described.family,
        parameters: described.parameters,
        layers: config.layers,
        hidden_size: config.hidden_size,
        heads: config.heads,
        kv_heads: config.kv_heads,
        intermediate_size: config.intermediate_size,
        vocab_size: config.vocab_size,
        max_positions: config.max_positions,
        tied_embeddings: config.tied_embeddings,
        encodings: described.encodings,
        tokens: described.tokens,
        tokenizer_sha256: described.tokenizer.map(|digest| digest.to_string()),
        chat_template: described.chats == Chats::Template,
        license: described.license,
    };
    session.answer(&answer, || told(&answer))?;
    Ok(ExitStatus::Done)
}

fn told(answer: &Answer) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    let encodings: Vec<String> =
        answer.encodings.iter().map(|(kind, count)| format!("{count} x {kind}")).collect();
    let tokenizer = match (&answer.tokens, &answer.tokenizer_sha256) {
        (Some(tokens), Some(digest)) => format!("{tokens} tokens, sha256 {digest}"),
        _ => "none".to_owned(),
    };
    let rows = [
        ("model", answer.path.display().to_string()),
        ("name", or_none(&answer.name)),
        ("sha256", answer.sha256.clone()),
        ("family", format!("{}, {} parameters", answer.family, answer.parameters)),
        (
            "shape",
            format!(
                "{} layers of {}, {} heads ({} key-value), feed-forward {}",
                answer.layers, answer.hidden_size, answer.heads, answer.kv_heads, answer.intermediate_size
            ),
        ),
        ("context", format!("{} positions, vocabulary {}", answer.max_positions, answer.vocab_size)),
        ("tensors", encodings.join(", ")),
        ("tokenizer", tokenizer),
        ("chat", if answer.chat_template { "has a template" } else { "no template" }.to_owned()),
        ("license", or_none(&answer.license)),
    ];
    rows.map(|(name, value)| format!("{name:<10} {value}")).join("\n")
}
