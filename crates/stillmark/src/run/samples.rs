//! One prompt answered by the teacher and by the student before and after.

use std::path::Path;

use stillmark_distill::Embedded;
use stillmark_distill::train::Student;
use stillmark_evidence::layout::path;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::generate::{Recorded, Request, Settings, generate_all};
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder};

use super::comparison::Sample;
use super::job::Job;
use crate::problem::Problem;

/// What is asked; it is not among the prompts that were trained on.
const PROMPT: &str = "Explain in two or three sentences why we should drink enough water every day.";
/// Longest answer.
const MAX_TOKENS: usize = 96;

/// The answers of teacher, student before and student after, each taking its likeliest token.
pub(crate) fn of(job: &Job, before: &Student, folder: &Path) -> Result<Vec<Sample>, Problem> {
    let broken =
        |err: stillmark_model::Error| Problem::from_error(&err).while_doing("the samples could not be made");
    let Some(Embedded { checkpoint, decoder, .. }) = job.teacher.embedded() else { return Ok(Vec::new()) };
    let precision = decoder.precision();
    let untrained = Decoder::load(before.config(), before, precision).map_err(broken)?;
    let after = Checkpoint::open(&folder.join(path::MODEL)).map_err(broken)?;
    let trained = Decoder::load(after.config(), &after, precision).map_err(broken)?;
    let mut answers = Vec::new();
    for (who, decoder) in [("teacher", decoder), ("student before", &untrained), ("student after", &trained)]
    {
        answers.push((who.to_owned(), answer(decoder, checkpoint).map_err(broken)?));
    }
    Ok(vec![Sample { prompt: PROMPT.to_owned(), answers }])
}

fn answer(decoder: &Decoder, tokens_of: &Checkpoint) -> Result<String, stillmark_model::Error> {
    let tokenizer = tokens_of.tokenizer()?;
    let prompt = match tokens_of.chat_template() {
        Some(template) => {
            tokenizer.encode(&template.render(&[Message::new("user", PROMPT)], Ending::Generation)?)?
        }
        None => tokenizer.encode_sequence(PROMPT)?,
    };
    let settings = Settings {
        sampling: Sampling::GREEDY,
        rows: 1,
        stop: tokens_of.config().eos.clone(),
        recorded: Recorded::Nothing,
    };
    let request = Request { id: 0, prompt, max_tokens: MAX_TOKENS, seed: 0 };
    let answers = generate_all(decoder, &mut std::iter::once(request), &settings, None)?;
    let tokens = answers.into_iter().next().map(|answer| answer.tokens).unwrap_or_default();
    tokenizer.decode(&tokens)
}
