//! Records as batches: split into what is learned and what is held out, cut, packed, and handed out step by step.

use std::path::PathBuf;

use crate::Error;
use crate::plan::{LossKind, Support, TrainPlan};
use crate::records::{Record, Shard};
use crate::train::{Answers, Batch, Draws, Sampler, TopAnswers, pack};

/// The stream of draws that decides which records are held out.
const HELD_OUT_STREAM: u64 = 0x4845_4C44;

/// The batches of a run.
#[derive(Debug)]
pub struct Batches {
    records: Vec<Record>,
    rows: Vec<Vec<usize>>,
    held_out: Vec<Vec<usize>>,
    sampler: Sampler,
    batch: usize,
    form: Form,
}

/// What a batch holds besides its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Asked,
    Recorded { k: usize },
}

/// Reads all records of a dataset, checking every row group.
pub fn read_records(paths: &[PathBuf]) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    for path in paths {
        records.extend(Shard::open(path)?.records()?);
    }
    Ok(records)
}

impl Batches {
    /// Batches of `records` as the plan's `[train]` demands, `k` being how many log-probabilities each position has.
    pub fn new(mut records: Vec<Record>, plan: &TrainPlan, k: usize) -> Result<Self, Error> {
        for record in &mut records {
            cut(record, plan.seq_len);
        }
        let (learned, held_out) = split(records.len(), plan);
        let length = |idx: &usize| records[*idx].input_ids.len();
        let packed = |chosen: &[usize]| -> Vec<Vec<usize>> {
            let lengths: Vec<usize> = chosen.iter().map(length).collect();
            let rows = pack(&lengths, plan.seq_len);
            rows.into_iter().map(|row| row.into_iter().map(|at| chosen[at]).collect()).collect()
        };
        let (rows, held_out) = (packed(&learned), packed(&held_out));
        if rows.is_empty() {
            return Err(Error::Plan { line: 0, detail: "no records are left to learn from".to_owned() });
        }
        let sampler = Sampler::new(plan.seed, rows.len(), plan.batch * plan.accumulation);
        Ok(Self { records, rows, held_out, sampler, batch: plan.batch, form: form(plan, k) })
    }

    /// The micro-batches of a step, counted from 1.
    pub fn of_step(&self, step: u64) -> Vec<Batch> {
        let rows = self.sampler.rows_of_step(step);
        let rows: Vec<&Vec<usize>> = rows.into_iter().map(|row| &self.rows[row]).collect();
        rows.chunks(self.batch).map(|rows| self.batch(rows)).collect()
    }

    /// What is never learned, as batches.
    pub fn held_out(&self) -> Vec<Batch> {
        let rows: Vec<&Vec<usize>> = self.held_out.iter().collect();
        rows.chunks(self.batch).map(|rows| self.batch(rows)).collect()
    }

    /// How many packed sequences there are to learn from.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    fn batch(&self, rows: &[&Vec<usize>]) -> Batch {
        let mut batch = Batch::default();
        let mut top = TopAnswers::default();
        for record in rows.iter().copied().flatten().map(|idx| &self.records[*idx]) {
            let start = batch.tokens.len();
            batch.tokens.extend(&record.input_ids);
            batch.segments.push(start..batch.tokens.len());
            for position in 0..record.input_ids.len() {
                let learned = position + 1 < record.input_ids.len() && record.prompt_len <= position + 1;
                let mut known = true;
                if let Form::Recorded { k } = self.form {
                    known = add_position(&mut top, record, position, k);
                }
                batch.weights.push(if learned && known { 1.0 } else { 0.0 });
            }
        }
        batch.answers = match self.form {
            Form::Text => Answers::None,
            Form::Asked => Answers::Asked,
            Form::Recorded { .. } => Answers::Top(top),
        };
        batch
    }
}

/// Adds what was recorded at a position; false, and a filler, where that is not `k` tokens.
fn add_position(top: &mut TopAnswers, record: &Record, position: usize, k: usize) -> bool {
    let (ids, values) = record.top.at(position);
    top.k = k;
    if ids.len() != k {
        top.ids.extend((0..k).map(|id| id as u32));
        top.log_probs.extend(std::iter::repeat_n(-30.0, k));
        top.tails.push(1.0);
        return false;
    }
    top.ids.extend(ids);
    top.log_probs.extend(values);
    top.tails.push(record.tail_logmass.get(position).map_or(0.0, |mass| mass.exp()).min(1.0));
    true
}

fn form(plan: &TrainPlan, k: usize) -> Form {
    let mut divergences = plan.losses.iter().filter(|loss| loss.kind != LossKind::CrossEntropy);
    match divergences.next().map(|loss| loss.support) {
        None => Form::Text,
        Some(Support::Full) => Form::Asked,
        Some(Support::TopK) => Form::Recorded { k },
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

/// Keeps the first `seq_len` tokens.
fn cut(record: &mut Record, seq_len: usize) {
    if record.input_ids.len() > seq_len {
        record.input_ids.truncate(seq_len);
        record.tail_logmass.truncate(seq_len);
        record.prompt_len = record.prompt_len.min(seq_len);
    }
}
