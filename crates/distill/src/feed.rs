//! Records as batches: split into what is learned and what is held out, cut, packed, and handed out step by step.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::Error;
use crate::plan::{LossKind, Support, TrainPlan};
use crate::records::{Record, Shard};
use crate::train::{Answers, Batch, Draws, Sampler, TopAnswers, pack};

/// The stream of draws that decides which records are held out.
const HELD_OUT_STREAM: u64 = 0x4845_4C44;

/// The batches of a run.
#[derive(Debug)]
pub struct Batches<'a> {
    records: &'a [Record],
    rows: Vec<Vec<usize>>,
    held_out: Vec<Vec<usize>>,
    sampler: Sampler,
    batch: usize,
    seq_len: usize,
    shared_vocab: usize,
    /// The most log-probabilities that a position has.
    k: usize,
    form: Form,
    text: Text,
}

/// What a batch holds besides its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Asked,
    Recorded,
}

/// Whether a position teaches anything where the teacher's opinion of it was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// Yes: the token that follows.
    Learned,
    /// No.
    PassedOver,
}

/// Reads all records of a dataset, checking every row group.
pub fn read_records(paths: &[PathBuf]) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    for path in paths {
        records.extend(Shard::open(path)?.records()?);
    }
    Ok(records)
}

impl<'a> Batches<'a> {
    /// Batches of `records` as the plan's `[train]` demands. Recorded tokens from `shared_vocab` on, which the student does not
    /// have, count as the teacher's "any other".
    pub fn new(records: &'a [Record], plan: &TrainPlan, shared_vocab: usize) -> Result<Self, Error> {
        let form = form(plan);
        let positions = records.iter().flat_map(|record| record.top.iter());
        let k = positions.map(|(ids, _)| ids.len()).max().unwrap_or(0);
        if form == Form::Recorded && k == 0 {
            let detail = "the losses compare log-probabilities, and not one was recorded: the teacher gave none, or its tokens \
                          are not the student's; train by `ce`";
            return Err(Error::Plan { line: 0, detail: detail.to_owned() });
        }
        let (learned, held_out) = split(records.len(), plan);
        let packed = |chosen: &[usize]| -> Vec<Vec<usize>> {
            let length = |idx: &usize| records[*idx].input_ids.len().min(plan.seq_len);
            let lengths: Vec<usize> = chosen.iter().map(length).collect();
            let rows = pack(&lengths, plan.seq_len);
            rows.into_iter().map(|row| row.into_iter().map(|at| chosen[at]).collect()).collect()
        };
        let (rows, held_out) = (packed(&learned), packed(&held_out));
        if rows.is_empty() {
            return Err(Error::Plan { line: 0, detail: "no records are left to learn from".to_owned() });
        }
        let is_plain = plan.losses.iter().any(|loss| loss.kind == LossKind::CrossEntropy);
        Ok(Self {
            records,
            sampler: Sampler::new(plan.seed, rows.len(), plan.batch * plan.accumulation),
            rows,
            held_out,
            batch: plan.batch,
            seq_len: plan.seq_len,
            shared_vocab,
            k,
            form,
            text: if is_plain || form != Form::Recorded { Text::Learned } else { Text::PassedOver },
        })
    }

    /// The records of each micro-batch of a step, counted from 1.
    pub fn records_of_step(&self, step: u64) -> Vec<Vec<Cow<'a, Record>>> {
        let rows = self.sampler.rows_of_step(step);
        let rows: Vec<&Vec<usize>> = rows.into_iter().map(|row| &self.rows[row]).collect();
        rows.chunks(self.batch).map(|rows| self.records_of(rows)).collect()
    }

    /// The micro-batches of a step, counted from 1.
    pub fn of_step(&self, step: u64) -> Vec<Batch> {
        self.records_of_step(step).iter().map(|records| self.batch(records)).collect()
    }

    /// What is never learned, as batches.
    pub fn held_out(&self) -> Vec<Batch> {
        let rows: Vec<&Vec<usize>> = self.held_out.iter().collect();
        rows.chunks(self.batch).map(|rows| self.batch(&self.records_of(rows))).collect()
    }

    /// How many log-probabilities a position is learned from; none where they are not those that were recorded.
    pub fn recorded(&self) -> Option<usize> {
        (self.form == Form::Recorded).then_some(self.k)
    }

    /// How many packed sequences there are to learn from.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    fn records_of(&self, rows: &[&Vec<usize>]) -> Vec<Cow<'a, Record>> {
        rows.iter().copied().flatten().map(|idx| Cow::Borrowed(&self.records[*idx])).collect()
    }

    /// Some records, one after another.
    pub fn batch(&self, records: &[Cow<'_, Record>]) -> Batch {
        let mut batch = Batch::default();
        let mut top = TopAnswers { k: self.k, ..TopAnswers::default() };
        for record in records {
            let length = record.input_ids.len().min(self.seq_len);
            let start = batch.tokens.len();
            batch.tokens.extend(&record.input_ids[..length]);
            batch.segments.push(start..start + length);
            for position in 0..length {
                let in_answer = position + 1 < length && record.prompt_len <= position + 1;
                let is_known = self.form == Form::Recorded && self.add_position(&mut top, record, position);
                let counts = in_answer && (is_known || self.text == Text::Learned);
                batch.weights.push(if counts { 1.0 } else { 0.0 });
            }
        }
        batch.answers = match self.form {
            Form::Text => Answers::None,
            Form::Asked => Answers::Asked,
            Form::Recorded => Answers::Top(top),
        };
        batch
    }

    /// Adds what was recorded at a position; false where that is nothing.
    fn add_position(&self, top: &mut TopAnswers, record: &Record, position: usize) -> bool {
        let (ids, values) = record.top.at(position);
        let mut tail = record.tail_logmass.get(position).map_or(0.0, |mass| mass.exp());
        let start = top.ids.len();
        for (id, value) in ids.iter().zip(values) {
            if (*id as usize) < self.shared_vocab {
                top.ids.push(*id);
                top.log_probs.push(*value);
            } else {
                tail += value.exp();
            }
        }
        let known = top.ids.len() - start;
        top.known.push(known);
        top.ids.resize(start + top.k, 0);
        top.log_probs.resize(start + top.k, 0.0);
        top.tails.push(tail.min(1.0));
        known > 0
    }
}

fn form(plan: &TrainPlan) -> Form {
    let mut divergences = plan.losses.iter().filter(|loss| loss.kind != LossKind::CrossEntropy);
    match divergences.next().map(|loss| loss.support) {
        None => Form::Text,
        Some(Support::Full) => Form::Asked,
        Some(Support::TopK) => Form::Recorded,
    }
}

/// Which records are learned and which held out, each ascending.
fn split(n: usize, plan: &TrainPlan) -> (Vec<usize>, Vec<usize>) {
    let draws = Draws::new(plan.seed, HELD_OUT_STREAM);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|idx| draws.bits(*idx as u64));
    let count = ((n as f64 * plan.held_out).ceil() as usize).min(n.saturating_sub(1));
    let mut held_out = order[..count].to_vec();
    let mut learned = order[count..].to_vec();
    held_out.sort_unstable();
    learned.sort_unstable();
    (learned, held_out)
}
