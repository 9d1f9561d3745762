//! A teacher behind an OpenAI-compatible API: its answers are cut by our tokenizer, and its log-probabilities, which come as
//! text, are kept as far as its tokens are ours.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use stillmark_agreement::{Granted, Permit};
use stillmark_evidence::receipt;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::remote::{self, Endpoint, Pause, Prompt, Question, Scope, ask_all};

use super::answers::{Answers, Kept, KeptToken};
use super::vocabulary::Vocabulary;
use crate::capture::receipts::{self, Receipts};
use crate::capture::{Item, Teach};
use crate::plan::{Api, Capture, Place, SourceKind};
use crate::records::{Record, TopLogprobs};
use crate::setup::{Tokens, conversation};
use crate::{Error, Plan, granted};

/// The remote teacher.
#[derive(Debug)]
pub struct RemoteTeacher<'a> {
    endpoint: &'a Endpoint,
    pause: Waits<'a>,
    tokens: Tokens<'a>,
    api: Api,
    capture: &'a Capture,
    vocabulary: Vocabulary,
    end: Option<u32>,
    answers: Answers,
    receipts: Receipts,
    granted: Option<&'a Granted>,
}

/// The rim's part in waiting.
struct Waits<'a>(&'a dyn Pause);

impl std::fmt::Debug for Waits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waits")
    }
}

/// An item with the tokens that stand before the answer, or that are the text.
struct Asked<'i> {
    item: &'i Item,
    tokens: Vec<u32>,
}

impl<'a> RemoteTeacher<'a> {
    /// The teacher of a plan at `endpoint`. Answers are kept in `folder`, that of the records, until their shard is written.
    pub fn new(
        plan: &'a Plan,
        tokens: Tokens<'a>,
        endpoint: &'a Endpoint,
        pause: &'a dyn Pause,
        folder: &Path,
    ) -> Result<Self, Error> {
        let Place::Remote(place) = &plan.teacher().place else {
            let detail = "the teacher has no `url`".to_owned();
            return Err(Error::Plan { line: 0, detail });
        };
        Ok(Self {
            endpoint,
            pause: Waits(pause),
            tokens,
            api: place.api,
            capture: plan.capture(),
            vocabulary: Vocabulary::new(tokens.tokenizer),
            end: turn_end(tokens)?,
            answers: Answers::new(folder),
            receipts: Receipts::of(folder),
            granted: None,
        })
    }

    /// The same teacher, whose answers are given under the grant that a permit rests on.
    #[must_use]
    pub fn under(mut self, permit: &'a Permit) -> Self {
        self.granted = granted::of(permit);
        self
    }

    /// What is asked of an item; none where it does not fit.
    fn asked<'i>(&self, item: &'i Item) -> Result<Option<Asked<'i>>, Error> {
        let Capture { max_tokens, max_length, .. } = *self.capture;
        let (tokens, fits) = match item.kind {
            SourceKind::Prompts => {
                let tokens = self.tokens.prompt(self.capture.system.as_deref(), &item.text)?;
                let fits = tokens.len() + max_tokens <= max_length;
                (tokens, fits)
            }
            SourceKind::Texts => {
                let tokens = self.tokens.tokenizer.encode_sequence(&item.text)?;
                let fits = 2 <= tokens.len() && tokens.len() <= max_length;
                (tokens, fits)
            }
        };
        Ok(fits.then_some(Asked { item, tokens }))
    }

    fn question(&self, item: &Item) -> Result<Question, Error> {
        let capture = self.capture;
        let system = capture.system.as_deref();
        let turn = |Message { role, content }| remote::Message { role, content };
        let prompt = match (item.kind, self.api, self.tokens.chat) {
            (SourceKind::Prompts, Api::Chat, _) => {
                Prompt::Chat(conversation(system, &item.text).into_iter().map(turn).collect())
            }
            (SourceKind::Prompts, Api::Completions, Some(template)) => {
                Prompt::Text(template.render(&conversation(system, &item.text), Ending::Generation)?)
            }
            (SourceKind::Prompts, Api::Completions, None) | (SourceKind::Texts, ..) => {
                Prompt::Text(item.text.clone())
            }
        };
        let (max_tokens, scope) = match item.kind {
            SourceKind::Prompts => (capture.max_tokens, Scope::Answer),
            // Some servers take 0 for no limit; the one token more is not looked at.
            SourceKind::Texts => (1, Scope::PromptAndAnswer),
        };
        Ok(Question {
            prompt,
            max_tokens,
            temperature: capture.temperature as f32,
            top_p: (capture.top_p < 1.0).then_some(capture.top_p as f32),
            // Servers differ in how large a seed they take; 31 bits all do.
            seed: Some(capture.seed.wrapping_add(item.number) & 0x7FFF_FFFF),
            top_logprobs: (capture.top_logprobs > 0).then_some(capture.top_logprobs),
            scope,
        })
    }

    /// Asks what is not yet answered, keeping each answer as it comes; false where `on_tokens` broke it off.
    fn ask(
        &self,
        open: &[&Item],
        kept: &mut BTreeMap<u64, Kept>,
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        if open.is_empty() {
            return Ok(true);
        }
        let questions: Vec<Question> =
            open.iter().map(|item| self.question(item)).collect::<Result<_, _>>()?;
        let mut file = self.answers.append()?;
        let mut ended: Result<bool, Error> = Ok(true);
        ask_all(self.endpoint, self.pause.0, &mut questions.into_iter(), &mut |idx, reply| {
            let told = on_tokens(reply.as_ref().map_or(0, |reply| reply.tokens.len().max(1)));
            let settled = reply.map_err(Error::from).and_then(|reply| {
                let receipt = receipts::accept(reply.receipt.as_deref(), &reply.text, self.granted)?;
                let answer = Kept::new(open[idx], reply, receipt);
                self.answers.add(&mut file, &answer)?;
                kept.insert(open[idx].number, answer);
                Ok(())
            });
            let end = match settled {
                _ if told.is_break() => Ok(false),
                Err(error) => Err(error),
                Ok(()) => return ControlFlow::Continue(()),
            };
            // What comes after the break is kept, and changes nothing about why it broke off.
            if matches!(ended, Ok(true)) {
                ended = end;
            }
            ControlFlow::Break(())
        })?;
        ended
    }

    /// The record of an answer, or of a text; none where nothing was said.
    fn record(&self, asked: Asked<'_>, kept: &Kept) -> Result<Option<Record>, Error> {
        let Asked { item, tokens: mut ids } = asked;
        let tokenizer = self.tokens.tokenizer;
        let (first, prompt_len, text) = match item.kind {
            SourceKind::Texts => {
                let bare = tokenizer.encode(&item.text)?.len();
                (ids.len().saturating_sub(bare), 0, item.text.clone())
            }
            SourceKind::Prompts => {
                let prompt_len = ids.len();
                let said = said(kept);
                ids.extend(tokenizer.encode(&said)?);
                if ids.len() == prompt_len {
                    return Ok(None);
                }
                ids.extend(self.end.filter(|_| kept.finish.as_deref() == Some("stop")));
                ids.truncate(self.capture.max_length);
                (prompt_len, prompt_len, said)
            }
        };
        let (top, tail_logmass) = self.opinions(&ids, first, &kept.tokens);
        let (id, source) = (item.id.clone(), item.source.clone());
        Ok(Some(Record {
            id,
            source,
            prompt_len,
            input_ids: ids,
            top,
            tail_logmass,
            // A receipt opens to the answer as it was sent.
            text: Some(if kept.receipt.is_some() { kept.text.clone() } else { text }),
            receipt: kept.receipt.as_ref().map(|receipt| receipt.hash().to_string()),
        }))
    }

    /// What the teacher thinks of each position of `ids`, its own tokens beginning at `first`. A token's alternatives belong to
    /// the position before it, and are of use as long as all tokens up to there are the same as ours.
    fn opinions(&self, ids: &[u32], first: usize, tokens: &[KeptToken]) -> (TopLogprobs, Vec<f32>) {
        let mut rows = vec![Vec::new(); ids.len()];
        let mut tails = vec![0.0; ids.len()];
        // A server may show the sequence's first token, which we count to what stands before the text.
        let shown = tokens.iter().take_while(|token| self.is_opening(&token.bytes)).count().min(first);
        for (place, token) in (first..ids.len()).zip(&tokens[shown..]) {
            if place > 0 && !token.top.is_empty() {
                (rows[place - 1], tails[place - 1]) = self.opinion(&token.top);
            }
            if self.id(&token.bytes) != Some(ids[place]) {
                break;
            }
        }
        let mut top = TopLogprobs::new();
        for row in rows {
            top.push(row);
        }
        (top, tails)
    }

    /// One position: log-probabilities by our ids, likeliest first, and the logarithm of what is left.
    fn opinion(&self, alternatives: &[(Vec<u8>, f32)]) -> (Vec<(u32, f32)>, f32) {
        let mut masses: BTreeMap<u32, f64> = BTreeMap::new();
        for (bytes, log_prob) in alternatives.iter().filter(|(_, log_prob)| log_prob.is_finite()) {
            if let Some(id) = self.id(bytes) {
                *masses.entry(id).or_default() += f64::from(*log_prob).exp();
            }
        }
        let mut row: Vec<(u32, f32)> = masses
            .into_iter()
            .filter(|(_, mass)| 0.0 < *mass)
            .map(|(id, mass)| (id, mass.ln().min(0.0) as f32))
            .collect();
        row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        row.truncate(self.capture.top_logprobs);
        let known: f64 = row.iter().map(|(_, log_prob)| f64::from(*log_prob).exp()).sum();
        let tail = (1.0 - known).max(f64::from(f32::MIN_POSITIVE)).ln();
        (row, tail as f32)
    }

    /// The token that stands for these bytes; servers that hide special tokens write the end of a turn as nothing.
    fn id(&self, bytes: &[u8]) -> Option<u32> {
        if bytes.is_empty() { self.end } else { self.vocabulary.id(bytes) }
    }

    fn is_opening(&self, bytes: &[u8]) -> bool {
        self.vocabulary.id(bytes).is_some_and(|id| self.tokens.tokenizer.specials().contains_key(&id))
    }
}

impl Teach for RemoteTeacher<'_> {
    fn teach(
        &mut self,
        items: &[Item],
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Record>>, Error> {
        let mut fitting = Vec::new();
        for item in items {
            fitting.extend(self.asked(item)?);
        }
        let mut kept = self.answers.load(items)?;
        let open: Vec<&Item> =
            fitting.iter().map(|asked| asked.item).filter(|item| !kept.contains_key(&item.number)).collect();
        if !self.ask(&open, &mut kept, on_tokens)? {
            return Ok(None);
        }
        let (mut records, mut receipts) = (Vec::new(), Vec::new());
        for asked in fitting {
            let Some(answer) = kept.get(&asked.item.number) else { continue };
            let (source, record) = (asked.item.source.clone(), asked.item.id.clone());
            let made = self.record(asked, answer)?;
            let unused = made.is_none();
            receipts.extend(answer.receipt.clone().map(|receipt| receipt::Kept {
                source,
                record,
                unused,
                receipt,
            }));
            records.extend(made);
        }
        self.receipts.add(&receipts)?;
        Ok(Some(records))
    }

    fn settled(&mut self) -> Result<(), Error> {
        self.answers.clear()
    }
}

/// The answer as its tokens have it, where they differ from its text by white space at the ends alone; else its text.
fn said(kept: &Kept) -> String {
    let bytes: Vec<u8> = kept.tokens.iter().flat_map(|token| &token.bytes).copied().collect();
    match String::from_utf8(bytes) {
        Ok(joined) if !joined.is_empty() && joined.trim() == kept.text.trim() => joined,
        _ => kept.text.clone(),
    }
}

/// The token that ends a turn of the teacher's conversations: the special one that follows an answer in the chat template.
fn turn_end(tokens: Tokens<'_>) -> Result<Option<u32>, Error> {
    let Some(template) = tokens.chat else { return Ok(None) };
    let mut messages = conversation(None, "a");
    let before = template.render(&messages, Ending::Generation)?;
    messages.push(Message::new("assistant", "b"));
    let whole = template.render(&messages, Ending::Complete)?;
    let after = whole.strip_prefix(&before).and_then(|rest| rest.trim_start().strip_prefix('b'));
    let ids = tokens.tokenizer.encode(after.unwrap_or_default())?;
    Ok(ids.first().copied().filter(|id| tokens.tokenizer.specials().contains_key(id)))
}
