//! Answers that the student gives itself, mixed among the recorded ones, so that it learns from its own mistakes (GKD, Agarwal
//! et al. 2024, arXiv:2306.13649, algorithm 1: lambda is the part of the sequences that is on-policy).

use std::borrow::Cow;
use std::ops::ControlFlow;

use stillmark_model::generate::{Recorded, Request, Settings, generate_all};
use stillmark_model::sample::Sampling;
use stillmark_model::{Decoder, score};

use crate::Error;
use crate::plan::TrainPlan;
use crate::records::Record;
use crate::teach::push_position;
use crate::train::{Draws, Student};

/// The streams of draws, one a step, that decide whose answer is learned and what the student says.
const STREAM: u64 = 0x4F4E_504F_4C00_0000;
/// Answers that grow at a time.
const ROWS: usize = 32;

/// Who speaks and who judges.
#[derive(Debug)]
pub(crate) struct OnPolicy<'a> {
    pub(crate) plan: &'a TrainPlan,
    pub(crate) teacher: &'a Decoder,
    /// Token ids that both know, from 0 on.
    pub(crate) shared_vocab: usize,
    /// How many of the teacher's log-probabilities a position is given; none where the teacher is asked during the step.
    pub(crate) recorded: Option<usize>,
}

impl OnPolicy<'_> {
    /// Puts the student's own answers in the place of some of a step's records, each with the plan's probability. What
    /// comes of it follows from the plan's seed, the step, the records and the student alone.
    pub(crate) fn mix(
        &self,
        step: u64,
        student: &Student,
        records: &mut [&mut Cow<'_, Record>],
    ) -> Result<(), Error> {
        let draws = Draws::new(self.plan.seed, STREAM.wrapping_add(step));
        let length = |record: &Record| record.input_ids.len().min(self.plan.seq_len);
        let chosen: Vec<usize> = (0..records.len())
            .filter(|place| {
                let record: &Record = records[*place];
                let answers = 0 < record.prompt_len && record.prompt_len < length(record);
                answers && draws.uniform(2 * *place as u64) < self.plan.on_policy
            })
            .collect();
        if chosen.is_empty() {
            return Ok(());
        }
        let mut requests = chosen.iter().map(|place| {
            let record: &Record = records[*place];
            Request {
                id: *place as u64,
                prompt: record.input_ids[..record.prompt_len].to_vec(),
                // No longer than the recorded answer, whose room in the batch it takes.
                max_tokens: length(record) - record.prompt_len,
                seed: draws.bits(2 * *place as u64 + 1),
            }
        });
        let sampling = Sampling { temperature: 1.0, top_k: None, top_p: None, min_p: None };
        let stop = student.config().eos.clone();
        let settings = Settings { sampling, rows: ROWS, stop, recorded: Recorded::Nothing };
        let decoder = Decoder::load(student.config(), student, self.teacher.precision())?;
        let answers = generate_all(&decoder, &mut requests, &settings, None)?;
        let mut own = Vec::with_capacity(chosen.len());
        for (place, answer) in chosen.iter().zip(answers) {
            let Record { id, source, prompt_len, .. } = &**records[*place];
            let known = answer.tokens.into_iter().take_while(|token| (*token as usize) < self.shared_vocab);
            let input_ids = records[*place].input_ids[..*prompt_len].iter().copied().chain(known).collect();
            let (id, source) = (id.clone(), source.clone());
            own.push(Record { id, source, prompt_len: *prompt_len, input_ids, ..Record::default() });
        }
        if let Some(k) = self.recorded {
            self.judge(&mut own, k)?;
        }
        for (place, record) in chosen.into_iter().zip(own) {
            *records[place] = Cow::Owned(record);
        }
        Ok(())
    }

    /// Adds what the teacher thinks of each position.
    fn judge(&self, records: &mut [Record], k: usize) -> Result<(), Error> {
        let (mut tokens, mut segments) = (Vec::new(), Vec::new());
        for record in &*records {
            let start = tokens.len();
            tokens.extend(&record.input_ids);
            segments.push(start..tokens.len());
        }
        let mut record = 0;
        score::score(self.teacher, &tokens, &segments, k, &mut |scores| {
            for (idx, row) in scores.rows.clone().enumerate() {
                while segments[record].end <= row {
                    record += 1;
                }
                push_position(&mut records[record], &scores.top, idx);
            }
            ControlFlow::Continue(())
        })?;
        Ok(())
    }
}
