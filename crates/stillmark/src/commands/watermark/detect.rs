//! `stillmark watermark detect --key KEYFILE FILE`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stillmark_evidence::Subject;
use stillmark_evidence::signing::seal_finding;
use stillmark_evidence::watermark::{Mark, ScoreLine, TextResult, WatermarkFinding};
use stillmark_kernels::gemm::Precision;
use stillmark_model::{Checkpoint, Decoder, Tokenizer, reading};
use stillmark_watermark::Key;
use stillmark_watermark::detect::{self, Input, Likelihoods, Search, Settings};

use super::texts::{self, Cut, File, Ready};
use super::told;
use crate::advice;
use crate::exit::ExitStatus;
use crate::interrupt;
use crate::keyfile;
use crate::keys;
use crate::problem::{Outcome, Problem, Stop};
use crate::run::seal::open_log;
use crate::run::teacher;
use crate::session::Session;

/// What `watermark detect` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark watermark detect --key marks.toml answers.jsonl --tokenizer smollm2-135m-instruct\n\n\
                  FILE: JSON Lines or Parquet of {id, text}, {id, tokens, prompt_len} or {id, prompt, response}, or a plain\n\
                  text; `-` is stdin. Exit codes: 0 whatever is found; 1 where --expect is contradicted."
)]
pub(crate) struct Args {
    /// The texts
    file: PathBuf,
    /// The key of the mark that is looked for
    #[arg(long, value_name = "KEYFILE")]
    key: PathBuf,
    /// Read the key file as one of this scheme
    #[arg(long, value_name = "NAME")]
    scheme: Option<String>,
    /// The marking model's tokenizer, where texts are no token ids: a path, or a name of `stillmark model list`
    #[arg(long, value_name = "MODEL")]
    tokenizer: Option<String>,
    /// Random keys to rank the true one among
    #[arg(long, value_name = "N", default_value_t = 999)]
    decoys: usize,
    /// Behind the decoys
    #[arg(long, value_name = "N", default_value_t = 0)]
    decoy_seed: u64,
    /// How often an unmarked file may be called marked
    #[arg(long, default_value_t = 0.001)]
    level: f64,
    /// How many keys were tried on these texts, this one included
    #[arg(long, value_name = "N", default_value_t = 1)]
    keys_tried: usize,
    /// A model to ask how probable each token was: finds Gumbel marks in fewer tokens
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// With --model: the share of tokens that may have been replaced
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, requires = "model")]
    foreign: f64,
    /// Look for the stretch of each text that is marked most clearly
    #[arg(long)]
    stretch: bool,
    /// The reference's own statistic and p-value, without decoys
    #[arg(long, conflicts_with_all = ["model", "stretch", "sign"])]
    raw: bool,
    /// What must be the case: the texts together are marked, or none of them is
    #[arg(long, value_enum)]
    expect: Option<Expectation>,
    /// Sign the finding into this folder, with the scores of each token for `stillmark report`
    #[arg(long, value_name = "DIR")]
    sign: Option<PathBuf>,
    /// With --sign: log it here
    #[arg(long, value_name = "DIR", requires = "sign")]
    log: Option<PathBuf>,
}

/// What must be the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Expectation {
    /// The texts together are marked.
    Marked,
    /// No text is.
    Unmarked,
}

/// Judges, answers, and signs where asked to.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    check(args)?;
    let key = keyfile::read(&args.key, args.scheme.as_deref(), session)?;
    let file = texts::read(&args.file)?;
    let model = args.model.as_ref().map(|model| load(model, session)).transpose()?;
    let tokenizer = tokenizer(args, &file, &key, model.as_ref(), session)?;
    let ready = texts::ready(&file, &cut(&key, tokenizer.as_ref()))?;
    warn_of_vocabulary(&key, &ready, tokenizer.as_ref(), session);
    let likelihoods = model.as_ref().map(|model| likelihoods(model, &ready, session)).transpose()?;
    let inputs: Vec<Input<'_>> = ready
        .iter()
        .enumerate()
        .map(|(idx, text)| {
            let ln_q = likelihoods.as_ref().map(|all| all[idx].as_slice());
            let likelihoods = ln_q.map(|ln_q| Likelihoods { ln_q, foreign: args.foreign });
            Input { id: &text.id, text: text.text(), likelihoods }
        })
        .collect();
    let mut finding = judge(args, &key, &inputs, session);
    finding.key = keyfile::commitment(&args.key, &key)?.map(|opening| opening.commitment);
    finding.tokenizer_sha256 = tokenizer.as_ref().map(|tokenizer| tokenizer.digest().to_string());
    if let Some(folder) = &args.sign {
        sign(args, folder, &file, &finding, &score_lines(&key, &ready, tokenizer.as_ref()), session)?;
    }
    session.answer(&finding, || told::finding(&finding))?;
    Ok(status(args.expect, &finding))
}

fn check(args: &Args) -> Result<(), Problem> {
    check_level(args.level)?;
    if !(0.0..=1.0).contains(&args.foreign) {
        return Err(Problem::new(format!("`--foreign {}` makes no sense", args.foreign))
            .hint("a share lies between 0 and 1"));
    }
    if args.decoys > 1_000_000 {
        return Err(
            Problem::new("more than a million decoys are refused").hint("999 rank to one in a thousand")
        );
    }
    Ok(())
}

/// Refuses what cannot be a rate of false alarms.
pub(super) fn check_level(level: f64) -> Result<(), Problem> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Problem::new(format!("`--level {level}` makes no sense"))
        .hint("a level lies between 0 and 1, such as 0.001"))
}

fn judge(args: &Args, key: &Key, inputs: &[Input<'_>], session: &Session) -> WatermarkFinding {
    let settings = Settings {
        decoys: args.decoys,
        decoy_seed: args.decoy_seed,
        level: args.level,
        search: if args.stretch { Search::Stretch } else { Search::Whole },
        keys_tried: args.keys_tried,
    };
    if args.raw {
        return detect::detect_raw(key, inputs, &settings);
    }
    let bar = session.talk.steps_bar("decoys", args.decoys as u64);
    let finding = detect::detect(key, inputs, &settings, &|| bar.inc(1));
    bar.finish_and_clear();
    finding
}

fn status(expect: Option<Expectation>, finding: &WatermarkFinding) -> ExitStatus {
    let marked = |result: &TextResult| result.mark == Mark::Marked;
    let holds = match expect {
        None => true,
        Some(Expectation::Marked) => {
            marked(&finding.pooled) || (!finding.texts.is_empty() && finding.texts.iter().all(marked))
        }
        Some(Expectation::Unmarked) => !finding.results().any(marked),
    };
    if holds { ExitStatus::Done } else { ExitStatus::Negative }
}

/// How the texts of a scheme are cut.
pub(super) fn cut<'a>(key: &Key, tokenizer: Option<&'a Tokenizer>) -> Cut<'a> {
    if key.scheme().name() == "best-of-n" { Cut::Words } else { Cut::Tokens(tokenizer) }
}

fn tokenizer(
    args: &Args,
    file: &File,
    key: &Key,
    model: Option<&(Checkpoint, Decoder)>,
    session: &Session,
) -> Result<Option<Tokenizer>, Stop> {
    if key.scheme().name() == "best-of-n" || (file.rows.is_empty() && args.tokenizer.is_none()) {
        return Ok(None);
    }
    match (&args.tokenizer, model) {
        (Some(name), _) => teacher::tokenizer(name, session).map(Some),
        (None, Some((checkpoint, _))) => {
            let broken = |err: stillmark_model::Error| advice::model_problem(&err, "no tokenizer".to_owned());
            Ok(Some(checkpoint.tokenizer().map_err(broken)?.clone()))
        }
        (None, None) => Ok(None),
    }
}

fn load(model: &str, session: &Session) -> Result<(Checkpoint, Decoder), Stop> {
    let path = crate::commands::model::locate(model, session)?;
    let ours = |err: stillmark_model::Error| {
        advice::model_problem(&err, format!("{} cannot be asked", path.display()))
    };
    let checkpoint = Checkpoint::open(&path).map_err(ours)?;
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).map_err(ours)?;
    Ok((checkpoint, decoder))
}

/// What the model says of each token: the natural logarithm of its probability at temperature 1; of a text's first token
/// it says nothing, which is a probability of 1.
fn likelihoods(
    (_, decoder): &(Checkpoint, Decoder),
    texts: &[Ready],
    session: &Session,
) -> Result<Vec<Vec<f32>>, Stop> {
    let total: usize = texts.iter().map(|text| text.tokens.len()).sum();
    let bar = session.talk.steps_bar("tokens read", total as u64);
    let vocab_size = decoder.config().vocab_size as u32;
    for text in texts {
        if let Some(token) = text.tokens.iter().find(|token| **token >= vocab_size) {
            return Err(Problem::new(format!(
                "`{}` has token {token}, and the model knows {vocab_size}",
                text.id
            ))
            .hint("ask the model that made the texts, or leave --model out")
            .into());
        }
    }
    interrupt::listen()?;
    let mut all: Vec<Vec<f32>> = texts.iter().map(|text| vec![0.0; text.tokens.len()]).collect();
    let settings = reading::Settings { temperature: 1.0, window: 2048 };
    let mut every = texts.iter().map(|text| text.tokens.clone());
    let read = reading::read(decoder, &mut every, &settings, &mut |reading| {
        all[reading.text][reading.position] = reading.log_prob;
        bar.inc(1);
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    read.map_err(|err| advice::model_problem(&err, "the texts could not be read by the model".to_owned()))?;
    if interrupt::requested() {
        return Err(Problem::interrupted("nothing was judged; run the same command again").into());
    }
    Ok(all)
}

/// A vocabulary that is not the key's makes every answer empty: better said than found out.
fn warn_of_vocabulary(key: &Key, texts: &[Ready], tokenizer: Option<&Tokenizer>, session: &Session) {
    let Some(expected) = key.parameters().get("vocab_size").and_then(serde_json::Value::as_u64) else {
        return;
    };
    if let Some(found) = tokenizer.map(Tokenizer::vocab_size).filter(|found| *found as u64 > expected) {
        let what = format!(
            "the tokenizer has {found} tokens and the key says {expected}: is it the marking model's?"
        );
        session.talk.warn(&what);
    }
    let beyond = texts.iter().flat_map(|text| &text.tokens).filter(|token| u64::from(**token) >= expected);
    let beyond = beyond.count();
    if beyond > 0 {
        session.talk.warn(&format!(
            "{beyond} token ids are not of the key's vocabulary of {expected}; they are not scored"
        ));
    }
}

/// The scores of each token with its piece of text, and the curve of each text.
fn score_lines(key: &Key, texts: &[Ready], tokenizer: Option<&Tokenizer>) -> Vec<ScoreLine> {
    texts
        .iter()
        .map(|text| {
            let scores = detect::scores(key, text.text());
            let mut quantiles = vec![None; text.tokens.len()];
            for (position, quantile) in scores.positions.iter().zip(&scores.quantiles) {
                quantiles[*position as usize] = Some(*quantile);
            }
            let piece = |idx: usize| match (tokenizer, text.words.get(idx)) {
                (_, Some(word)) => format!("{word} "),
                (Some(tokenizer), None) => tokenizer
                    .decode_all(&text.tokens[idx..=idx])
                    .unwrap_or_else(|_| format!("[{}]", text.tokens[idx])),
                (None, None) => format!("{} ", text.tokens[idx]),
            };
            let pieces = quantiles.into_iter().enumerate().map(|(idx, score)| (piece(idx), score)).collect();
            ScoreLine { id: text.id.clone(), curve: scores.curve, pieces }
        })
        .collect()
}

fn sign(
    args: &Args,
    folder: &Path,
    file: &File,
    finding: &WatermarkFinding,
    scores: &[ScoreLine],
    session: &Session,
) -> Result<(), Stop> {
    let signer = keys::read_private(&session.settings.key)?;
    let mut log = args.log.as_ref().map(|log| open_log(log, &signer)).transpose()?;
    let name = file.path.file_name().map_or("stdin".into(), |name| name.to_string_lossy());
    let name = if name == "-" { "stdin".into() } else { name };
    let judged = vec![Subject::new(name, file.digest)];
    seal_finding(folder, judged, finding.clone(), scores, &signer, log.as_mut()).map_err(|err| {
        Problem::from_error(&err)
            .while_doing("the finding could not be signed")
            .hint("name an empty folder, and a judged file whose name is not one of the finding's own")
    })?;
    session.talk.note(&format!("signed into {}: `stillmark report` shows it", folder.display()));
    Ok(())
}
