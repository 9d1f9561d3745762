//! Why something about a model could not be found out.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("could not access `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not what its format demands.
    #[error("`{}`: {detail}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
    /// A model's configuration asks for what the decoder does not do, or makes no sense.
    #[error("`{}`, field `{field}`: {detail}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The field.
        field: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A tensor is absent, or of another shape than the config demands.
    #[error("tensor `{name}`: {detail}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// A token id that the model does not have.
    #[error("token {token} is outside the vocabulary of {vocab_size}")]
    Token {
        /// The id.
        token: u32,
        /// Rows of the embedding.
        vocab_size: usize,
    },
    /// A sequence longer than the model's context.
    #[error("a sequence of {tokens} tokens is longer than the model's context of {limit}")]
    Context {
        /// Its length.
        tokens: usize,
        /// The longest the model takes.
        limit: usize,
    },
    /// The segments of a batch overlap or reach past it.
    #[error("segment {start}..{end} overlaps the one before it or reaches past the {rows} rows of the batch")]
    Segment {
        /// First row.
        start: usize,
        /// One past the last row.
        end: usize,
        /// Rows of the batch.
        rows: usize,
    },
    /// The model answered with NaN or infinity.
    #[error("the logits of row {row} are not finite numbers")]
    NotFinite {
        /// The row of the batch, or the request.
        row: u64,
    },
    /// A remote model's server said no.
    #[error("`{url}` refused with status {status}: {detail}")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        detail: String,
    },
    /// A remote model's server did not answer, however often it was asked.
    #[error("`{url}` gave no answer in {attempts} attempts, at last: {detail}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// How often.
        attempts: u32,
        /// Why the last attempt failed.
        detail: String,
    },
    /// A remote model's server answered something else than its API promises.
    #[error("`{url}`: {detail}")]
    Reply {
        /// What was asked.
        url: String,
        /// What is wrong with the reply.
        detail: String,
    },
    /// Two tokenizers are not the same.
    #[error("the tokenizers differ{}", difference(*id, first.as_deref(), second.as_deref()))]
    Tokenizers {
        /// The first id whose tokens differ; none if they differ in merges or in how they cut text.
        id: Option<u32>,
        /// What the first tokenizer has there.
        first: Option<String>,
        /// What the second one has there.
        second: Option<String>,
    },
}

fn difference(id: Option<u32>, first: Option<&str>, second: Option<&str>) -> String {
    let quoted = |token: Option<&str>| token.map_or_else(|| "no token".into(), |token| format!("`{token}`"));
    match id {
        Some(id) => format!(" at id {id}: {} and {}", quoted(first), quoted(second)),
        None => ": the tokens are the same, but merges or the way of cutting text are not".into(),
    }
}
