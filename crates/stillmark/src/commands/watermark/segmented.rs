//! Answers marked by keyed best-of-n: segment by segment the one of n candidates that fits the key best.

use stillmark_model::generate::{Answer, Finish, Recorded, Request, Settings, generate_all};
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder};
use stillmark_watermark::generate::{choose_segment, segments};
use stillmark_watermark::{Key, words};

use super::prompts::Prompt;
use crate::advice;
use crate::interrupt;
use crate::keyfile;
use crate::problem::{Problem, Stop};

/// What answers are made with.
pub(super) struct Job<'a> {
    pub(super) key: &'a Key,
    pub(super) decoder: &'a Decoder,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) sampling: Sampling,
    pub(super) seed: u64,
}

/// The tokens of each answer, in the order of the prompts; fewer where the user stopped it.
pub(super) fn answers(
    job: &Job<'_>,
    prompts: &[Prompt],
    max_tokens: usize,
    tick: &dyn Fn(),
) -> Result<Vec<Vec<u32>>, Stop> {
    let mut answers = Vec::new();
    for (number, prompt) in prompts.iter().enumerate() {
        let mut answer = Vec::new();
        while answer.len() < max_tokens {
            if interrupt::requested() {
                return Ok(answers);
            }
            let kept = segment(job, number as u64, prompt, &answer, max_tokens - answer.len())?;
            let ended = kept.finish == Finish::Stop || kept.tokens.is_empty();
            answer.extend(kept.tokens);
            if ended {
                break;
            }
        }
        answers.push(answer);
        tick();
    }
    Ok(answers)
}

/// The next segment: of n candidates, the one whose words add most to the text's mark.
fn segment(job: &Job<'_>, number: u64, prompt: &Prompt, answer: &[u32], most: usize) -> Result<Answer, Stop> {
    let broke = |err: stillmark_model::Error| advice::model_problem(&err, "the answers broke off".to_owned());
    let (n, words_each) = segments(job.key).unwrap_or((1, 20));
    // Four tokens make about three words.
    let max_tokens = (words_each * 4).div_ceil(3).clamp(1, most);
    let context: Vec<u32> = prompt.tokens.iter().chain(answer).copied().collect();
    let mut requests = (0..n as u64).map(|candidate| Request {
        id: (number << 40) | ((answer.len() as u64) << 8) | candidate,
        prompt: context.clone(),
        max_tokens,
        seed: job.seed,
    });
    let settings = Settings {
        sampling: job.sampling,
        rows: n,
        stop: job.checkpoint.config().eos.clone(),
        recorded: Recorded::Nothing,
    };
    let candidates = generate_all(job.decoder, &mut requests, &settings, None).map_err(broke)?;
    let tokenizer = job.checkpoint.tokenizer().map_err(broke)?;
    let text_of = |tokens: &[u32]| tokenizer.decode(tokens).map(|text| words(&text)).map_err(broke);
    // The last word may go on in the candidate: it is counted with it.
    let mut before = text_of(answer)?;
    before.pop();
    let mut continued = Vec::new();
    for candidate in &candidates {
        let whole: Vec<u32> = answer.iter().chain(&candidate.tokens).copied().collect();
        let all = text_of(&whole)?;
        continued.push(all.get(before.len()..).unwrap_or_default().to_vec());
    }
    let chosen = choose_segment(job.key, &before, &continued)
        .map_err(|err| keyfile::of_key(&err, "no segment was chosen".to_owned()))?;
    candidates.into_iter().nth(chosen).ok_or_else(|| Problem::new("the model gave no candidates").into())
}
