//! A teacher on this machine: it answers prompts in batches, keeping its exact distribution at every position on the way,
//! and scores texts.

use std::ops::ControlFlow;

use stillmark_model::generate::{self, Recorded, Request, generate};
use stillmark_model::sample::Sampling;
use stillmark_model::{Decoder, score};

use crate::capture::{Item, Teach};
use crate::plan::{Capture, SourceKind};
use crate::records::Record;
use crate::setup::{Embedded, Marking, Tokens};
use crate::{Error, Plan};

/// Answers that grow at a time.
const ROWS: usize = 48;
/// Tokens that are scored at a time.
const SCORED: usize = 4096;

/// The embedded teacher.
#[derive(Debug)]
pub struct EmbeddedTeacher<'a> {
    decoder: &'a Decoder,
    marking: Option<&'a Marking>,
    tokens: Tokens<'a>,
    capture: &'a Capture,
}

impl<'a> EmbeddedTeacher<'a> {
    /// The teacher of a plan, loaded before; its answers carry its mark.
    pub fn new(teacher: Embedded<'a>, tokens: Tokens<'a>, plan: &'a Plan) -> Self {
        let Embedded { decoder, marking, .. } = teacher;
        Self { decoder, marking, tokens, capture: plan.capture() }
    }

    /// Prompts with their answers and the scores of both, and texts without scores; none where it broke off.
    fn texts(
        &self,
        items: &[Item],
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Record>>, Error> {
        let longest = self.capture.max_length.min(self.decoder.config().max_positions);
        let mut records: Vec<Record> = Vec::with_capacity(items.len());
        let mut requests = Vec::new();
        for item in items {
            let (tokens, prompt_len) = match item.kind {
                SourceKind::Prompts => {
                    let prompt = self.tokens.prompt(self.capture.system.as_deref(), &item.text)?;
                    let len = prompt.len();
                    (prompt, len)
                }
                SourceKind::Texts => (self.tokens.tokenizer.encode_sequence(&item.text)?, 0),
            };
            let room = longest.saturating_sub(tokens.len());
            let fits = match item.kind {
                SourceKind::Prompts => self.capture.max_tokens <= room,
                SourceKind::Texts => 2 <= tokens.len() && tokens.len() <= longest,
            };
            if !fits {
                continue;
            }
            if item.kind == SourceKind::Prompts {
                requests.push((records.len(), self.request(item, &tokens)));
            }
            let text = (item.kind == SourceKind::Texts).then(|| item.text.clone());
            let (id, source) = (item.id.clone(), item.source.clone());
            records.push(Record { id, source, prompt_len, input_ids: tokens, text, ..Record::default() });
        }
        let places: Vec<usize> = requests.iter().map(|(place, _)| *place).collect();
        let mut asked = requests.into_iter().map(|(_, request)| request);
        let mut answers = Vec::new();
        let mut stopped = false;
        let mark = self.marking.map(|marking| &*marking.mark);
        generate(self.decoder, &mut asked, &self.settings(), mark, &mut |event| match event {
            generate::Event::Answer(answer) => {
                answers.push(answer);
                ControlFlow::Continue(())
            }
            generate::Event::Token { .. } => {
                let listener = on_tokens(1);
                stopped |= listener.is_break();
                listener
            }
        })?;
        if stopped {
            return Ok(None);
        }
        for (place, answer) in places.into_iter().zip(answers) {
            let record = &mut records[place];
            record.text = Some(self.tokens.tokenizer.decode(&answer.tokens)?);
            record.input_ids.extend(answer.tokens);
            for row in 0..answer.top.rows() {
                push_position(record, &answer.top, row);
            }
        }
        Ok(Some(records))
    }

    fn request(&self, item: &Item, prompt: &[u32]) -> Request {
        let Capture { max_tokens, seed, .. } = *self.capture;
        Request { id: item.number, prompt: prompt.to_vec(), max_tokens, seed }
    }

    fn settings(&self) -> generate::Settings {
        let capture = self.capture;
        let sampling = Sampling {
            temperature: capture.temperature as f32,
            top_k: (capture.top_k > 0).then_some(capture.top_k),
            top_p: (capture.top_p < 1.0).then_some(capture.top_p as f32),
            min_p: (capture.min_p > 0.0).then_some(capture.min_p as f32),
        };
        let recorded = match capture.top_logprobs {
            0 => Recorded::Nothing,
            k => Recorded::Everywhere { k },
        };
        generate::Settings { sampling, rows: ROWS, stop: self.decoder.config().eos.clone(), recorded }
    }

    /// Adds to some texts what the teacher thinks of each of their positions.
    fn score(
        &self,
        records: &mut [&mut Record],
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let mut tokens = Vec::new();
        let mut segments = Vec::new();
        for record in &*records {
            let start = tokens.len();
            tokens.extend(&record.input_ids);
            segments.push(start..tokens.len());
        }
        let mut record = 0;
        let mut listener = ControlFlow::Continue(());
        score::score(self.decoder, &tokens, &segments, self.capture.top_logprobs, &mut |scores| {
            for (idx, row) in scores.rows.clone().enumerate() {
                while segments[record].end <= row {
                    record += 1;
                }
                push_position(records[record], &scores.top, idx);
            }
            listener = on_tokens(0);
            listener
        })?;
        Ok(listener)
    }
}

/// Adds as many positions without anything as the record has tokens.
fn push_nothing(record: &mut Record) {
    for _ in 0..record.input_ids.len() {
        record.top.push([]);
        record.tail_logmass.push(0.0);
    }
}

/// Adds one position; tokens of one log-probability are ordered by their ids.
pub(crate) fn push_position(record: &mut Record, top: &score::TopK, row: usize) {
    let (ids, log_probs) = top.row(row);
    let mut pairs: Vec<(u32, f32)> = ids.iter().copied().zip(log_probs.iter().copied()).collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    record.top.push(pairs);
    record.tail_logmass.push(top.tails[row].max(f32::MIN_POSITIVE).ln().min(0.0));
}

impl Teach for EmbeddedTeacher<'_> {
    fn teach(
        &mut self,
        items: &[Item],
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Record>>, Error> {
        let Some(mut records) = self.texts(items, on_tokens)? else { return Ok(None) };
        if self.capture.top_logprobs == 0 {
            records.iter_mut().for_each(push_nothing);
            return Ok(Some(records));
        }
        let mut texts: Vec<&mut Record> =
            records.iter_mut().filter(|record| record.tail_logmass.is_empty()).collect();
        let mut rest = &mut texts[..];
        while !rest.is_empty() {
            let mut n_tokens = 0;
            let fits = rest.iter().take_while(|record| {
                n_tokens += record.input_ids.len();
                n_tokens <= SCORED
            });
            let (part, after) = rest.split_at_mut(fits.count().max(1));
            if self.score(part, on_tokens)?.is_break() {
                return Ok(None);
            }
            rest = after;
        }
        Ok(Some(records))
    }
}
