//! The model: texts with and without marks, and rewritten ones. What it wrote is kept, so that a second run is quick.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stillmark_bench_watermark::Marked;
use stillmark_kernels::gemm::Precision;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::generate::{Event, Recorded, Request, Settings, generate, generate_all};
use stillmark_model::mark::Mark;
use stillmark_model::sample::Sampling;
use stillmark_model::{Checkpoint, Decoder, Tokenizer};
use stillmark_watermark::generate::{Marking, choose_segment, segments};
use stillmark_watermark::{Key, words};

use crate::schemes::Entry;

/// How long every text is, in tokens.
pub(crate) const TOKENS: usize = 300;

/// Prompts longer than this are passed over: they cost time and say nothing about marks.
const LONGEST_PROMPT: usize = 160;

/// Tokens that are asked for a segment of 20 words.
const SEGMENT_TOKENS: usize = 40;

/// Words of a paragraph; shorter ones are rewritten with the next.
const PARAGRAPH: usize = 30;

const REWRITE: &str =
    "Rewrite the following text in your own words. Keep its meaning. Answer with the new text only.\n\n";

/// A model that answers, with its tokenizer and what it answered before.
pub(crate) struct Writer {
    checkpoint: Checkpoint,
    decoder: Option<Decoder>,
    prompts: Vec<Vec<u32>>,
    cache: PathBuf,
}

impl Writer {
    pub(crate) fn open(model: &Path, prompts: &Path, cache: PathBuf) -> Result<Self, String> {
        let checkpoint = Checkpoint::open(model).map_err(told)?;
        let lines =
            std::fs::read_to_string(prompts).map_err(|error| format!("{}: {error}", prompts.display()))?;
        let mut writer = Self { checkpoint, decoder: None, prompts: Vec::new(), cache };
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).map_err(told)?;
            let tokens = writer.asked(line["prompt"].as_str().unwrap_or_default())?;
            if tokens.len() <= LONGEST_PROMPT {
                writer.prompts.push(tokens);
            }
        }
        std::fs::create_dir_all(&writer.cache).map_err(told)?;
        Ok(writer)
    }

    pub(crate) fn tokenizer(&self) -> Result<&Tokenizer, String> {
        self.checkpoint.tokenizer().map_err(told)
    }

    /// Texts that bear a scheme's mark, or none.
    pub(crate) fn texts(&mut self, entry: Option<&Entry>, count: usize) -> Result<Vec<Vec<u32>>, String> {
        let file = self.cache.join(format!("{}.json", entry.map_or(Ok("unmarked".to_owned()), Entry::file)?));
        let mut texts: Vec<Vec<u32>> = read(&file)?;
        if texts.len() < count {
            texts = match entry {
                None => self.write(None, count)?,
                Some(entry) if entry.is_of_words() => {
                    self.write_segments(&entry.key().map_err(told)?, count)?
                }
                Some(entry) => {
                    let key = entry.key().map_err(told)?;
                    let marked = Marked(Marking::new(&key).map_err(told)?);
                    self.write(Some(&marked), count)?
                }
            };
            keep(&file, &texts)?;
        }
        texts.truncate(count);
        Ok(texts)
    }

    /// Texts as they are read.
    pub(crate) fn decoded(&self, texts: &[Vec<u32>]) -> Result<Vec<String>, String> {
        let tokenizer = self.tokenizer()?;
        texts.iter().map(|ids| tokenizer.decode(ids).map_err(told)).collect()
    }

    /// Each text rewritten by the model, paragraph by paragraph.
    pub(crate) fn rewritten(&mut self, name: &str, texts: &[String]) -> Result<Vec<String>, String> {
        let file = self.cache.join(format!("{name}-rewritten.json"));
        let mut done: Vec<String> = read(&file)?;
        if done.len() < texts.len() {
            done = self.rewrite(texts)?;
            keep(&file, &done)?;
        }
        done.truncate(texts.len());
        Ok(done)
    }

    /// Answers of full length, in the order of the prompts; those that end early are left out.
    fn write(&mut self, mark: Option<&dyn Mark>, count: usize) -> Result<Vec<Vec<u32>>, String> {
        self.load()?;
        let decoder = self.decoder()?;
        let request = |(id, prompt): (usize, &Vec<u32>)| Request {
            id: id as u64,
            prompt: prompt.clone(),
            max_tokens: TOKENS,
            seed: 3,
        };
        let mut requests = self.prompts.iter().enumerate().map(request);
        let (mut texts, eos) = (Vec::new(), &decoder.config().eos);
        generate(decoder, &mut requests, &settings(decoder, 1.0), mark, &mut |event| {
            let Event::Answer(answer) = event else { return ControlFlow::Continue(()) };
            if answer.tokens.len() == TOKENS && answer.tokens.last().is_none_or(|last| !eos.contains(last)) {
                texts.push(answer.tokens);
            }
            if texts.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .map_err(told)?;
        Ok(texts)
    }

    /// Texts made of segments, each the best of several answers by a `best-of-n` key.
    fn write_segments(&mut self, key: &Key, count: usize) -> Result<Vec<Vec<u32>>, String> {
        self.load()?;
        // A third of the answers end early.
        let prompts = self.prompts.iter().take(count * 3 / 2);
        let mut growing: Vec<Growing> = prompts.map(|prompt| Growing { prompt, text: Vec::new() }).collect();
        let mut round = 0;
        while growing.iter().any(|growing| growing.text.len() < TOKENS) {
            round += 1;
            growing = self.segment(key, growing, round)?;
        }
        let cut = |growing: Growing<'_>| growing.text[..TOKENS].to_vec();
        Ok(growing.into_iter().map(cut).take(count).collect())
    }

    /// Adds a segment to each text that is not long enough; texts that end are left out.
    fn segment<'a>(
        &self,
        key: &Key,
        growing: Vec<Growing<'a>>,
        round: u64,
    ) -> Result<Vec<Growing<'a>>, String> {
        let (decoder, tokenizer) = (self.decoder()?, self.tokenizer()?);
        let (n, segment) = segments(key).ok_or("the key does not choose among segments")?;
        let (open, mut next): (Vec<_>, Vec<_>) =
            growing.into_iter().partition(|growing| growing.text.len() < TOKENS);
        let request = |id: usize| {
            let prompt = [open[id / n].prompt, open[id / n].text.as_slice()].concat();
            Request { id: id as u64, prompt, max_tokens: SEGMENT_TOKENS, seed: 1000 + round }
        };
        let mut requests = (0..open.len() * n).map(request);
        let answers = generate_all(decoder, &mut requests, &settings(decoder, 1.0), None).map_err(told)?;
        let words_of = |tokens: &[u32]| tokenizer.decode(tokens).map(|text| words(&text)).map_err(told);
        for (mut growing, candidates) in open.into_iter().zip(answers.chunks(n)) {
            let (mut cut, mut added) = (Vec::new(), Vec::new());
            for candidate in candidates {
                let tokens = first_words(tokenizer, &growing.text, &candidate.tokens, segment)?;
                added.push(words_of(&tokens)?);
                cut.push(tokens);
            }
            let best = choose_segment(key, &words_of(&growing.text)?, &added).map_err(told)?;
            let chosen = cut.swap_remove(best);
            if !chosen.is_empty() && !chosen.iter().any(|token| decoder.config().eos.contains(token)) {
                growing.text.extend(chosen);
                next.push(growing);
            }
        }
        Ok(next)
    }

    fn rewrite(&mut self, texts: &[String]) -> Result<Vec<String>, String> {
        self.load()?;
        let (decoder, tokenizer) = (self.decoder()?, self.tokenizer()?);
        let (mut prompts, mut of) = (Vec::new(), Vec::new());
        for (idx, text) in texts.iter().enumerate() {
            for paragraph in paragraphs(text) {
                prompts.push(self.asked(&format!("{REWRITE}{paragraph}"))?);
                of.push((idx, tokenizer.encode(&paragraph).map_err(told)?.len()));
            }
        }
        let request = |(id, prompt): (usize, Vec<u32>)| Request {
            id: id as u64,
            prompt,
            max_tokens: of[id].1 + of[id].1 / 4,
            seed: 5,
        };
        let mut requests = prompts.into_iter().enumerate().map(request);
        let answers = generate_all(decoder, &mut requests, &settings(decoder, 0.7), None).map_err(told)?;
        let mut rewritten = vec![String::new(); texts.len()];
        for ((idx, _), answer) in of.iter().zip(answers) {
            rewritten[*idx] += tokenizer.decode(&answer.tokens).map_err(told)?.trim();
            rewritten[*idx].push_str("\n\n");
        }
        Ok(rewritten)
    }

    fn asked(&self, question: &str) -> Result<Vec<u32>, String> {
        let template = self.checkpoint.chat_template().ok_or("the model has no chat template")?;
        let text = template.render(&[Message::new("user", question)], Ending::Generation).map_err(told)?;
        self.tokenizer()?.encode(&text).map_err(told)
    }

    fn load(&mut self) -> Result<(), String> {
        if self.decoder.is_none() {
            let config = self.checkpoint.config();
            let decoder = Decoder::load(config, &self.checkpoint, Precision::Bf16).map_err(told)?;
            self.decoder = Some(decoder);
        }
        Ok(())
    }

    fn decoder(&self) -> Result<&Decoder, String> {
        self.decoder.as_ref().ok_or_else(|| "the model is not loaded".to_owned())
    }
}

/// A text that grows by segments.
struct Growing<'a> {
    prompt: &'a [u32],
    text: Vec<u32>,
}

fn settings(decoder: &Decoder, temperature: f32) -> Settings {
    let sampling = Sampling { temperature, top_k: None, top_p: None, min_p: None };
    Settings { sampling, rows: 32, stop: decoder.config().eos.clone(), recorded: Recorded::Nothing }
}

/// The most tokens of a continuation that add no more than so many words.
fn first_words(tokenizer: &Tokenizer, text: &[u32], added: &[u32], most: usize) -> Result<Vec<u32>, String> {
    let count = |tokens: &[u32]| tokenizer.decode(tokens).map(|text| words(&text).len()).map_err(told);
    let before = count(text)?;
    let mut whole = [text, added].concat();
    while whole.len() > text.len() && count(&whole)? > before + most {
        whole.pop();
    }
    Ok(whole.split_off(text.len()))
}

/// Paragraphs, short ones together with the next.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match all.last_mut() {
            Some(last) if last.split_whitespace().count() < PARAGRAPH => {
                last.push_str("\n\n");
                last.push_str(paragraph);
            }
            _ => all.push(paragraph.to_owned()),
        }
    }
    all
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Vec<T>, String> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display())),
        Err(_) => Ok(Vec::new()),
    }
}

fn keep<T: serde::Serialize>(file: &Path, texts: &[T]) -> Result<(), String> {
    let bytes = serde_json::to_vec(texts).map_err(told)?;
    std::fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))
}

pub(crate) fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
