//! How far the student is from its teacher and from the text, on rows it did not learn from.

use rayon::prelude::*;
use stillmark_kernels::softmax::log_sum_exp;

use super::batch::{Answers, Batch};
use super::head::Chunk;
use super::loss::{Divergence, Loss, Missing, Scratch, Teacher, Term, row_loss};

/// Means over held-out rows; what needs a teacher or a text is absent where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Rows that were looked at.
    pub rows: usize,
    /// `KL(teacher || student)` in nats; of k + 1 outcomes where only the top k are known.
    pub kl: Option<f64>,
    /// Share of rows where both find the same token the likeliest.
    pub agreement: Option<f64>,
    /// The student's perplexity of the text.
    pub perplexity: Option<f64>,
    /// The teacher's.
    pub teacher_perplexity: Option<f64>,
}

/// Running sums, in the order of the rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    rows: usize,
    kl: Mean,
    agreement: Mean,
    surprise: Mean,
    teacher_surprise: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

/// What one row adds.
#[derive(Clone, Copy, Debug, Default)]
struct RowSums {
    kl: Option<f64>,
    agrees: Option<f64>,
    surprise: Option<f64>,
    teacher_surprise: Option<f64>,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Sums {
    /// Adds the rows of a chunk of logits.
    pub(super) fn add(&mut self, chunk: &Chunk<'_>, batch: &Batch, next: &[Option<u32>], shared: usize) {
        let n_rows = chunk.rows.len().max(1);
        let width = chunk.logits.len() / n_rows;
        let teacher_width = chunk.teacher.map_or(0, <[f32]>::len) / n_rows;
        let (rows, teacher, logits) = (chunk.rows, chunk.teacher, &*chunk.logits);
        let of_row = |(idx, logits): (usize, &[f32])| {
            let row = rows[idx];
            let asked = teacher.map(|teacher| &teacher[idx * teacher_width..][..teacher_width]);
            let known = match &batch.answers {
                Answers::Top(top) if !top.next_log_probs.is_empty() => Some(top.next_log_probs[row]),
                _ => None,
            };
            judge(batch.row(row, next[row], asked, 1.0).teacher, next[row], logits, (shared, known))
        };
        let results: Vec<RowSums> = logits.par_chunks_exact(width).enumerate().map(of_row).collect();
        for row in results {
            self.rows += 1;
            self.kl.add(row.kl);
            self.agreement.add(row.agrees);
            self.surprise.add(row.surprise);
            self.teacher_surprise.add(row.teacher_surprise);
        }
    }

    pub(super) fn mean(self) -> Evaluation {
        Evaluation {
            rows: self.rows,
            kl: self.kl.get(),
            agreement: self.agreement.get(),
            perplexity: self.surprise.get().map(f64::exp),
            teacher_perplexity: self.teacher_surprise.get().map(f64::exp),
        }
    }
}

fn judge(
    teacher: Teacher<'_>,
    next: Option<u32>,
    logits: &[f32],
    (shared, known): (usize, Option<f32>),
) -> RowSums {
    let surprise = |logits: &[f32]| {
        let next = next.filter(|&next| (next as usize) < logits.len())?;
        Some(f64::from(log_sum_exp(logits, 1.0)) - f64::from(logits[next as usize]))
    };
    let mut sums = RowSums { surprise: surprise(logits), ..RowSums::default() };
    let likeliest = match teacher {
        Teacher::Silent => return sums,
        Teacher::Logits(teacher) => {
            sums.teacher_surprise = surprise(&teacher[..shared]);
            best(&teacher[..shared])
        }
        Teacher::Top { ids, log_probs, .. } => {
            sums.teacher_surprise = known.map(|log_prob| -f64::from(log_prob));
            ids.get(best(log_probs)).map_or(usize::MAX, |&id| id as usize)
        }
    };
    sums.agrees = Some(f64::from(u8::from(best(&logits[..shared]) == likeliest)));
    let terms = vec![Term::plain(Divergence::ForwardKl)];
    let loss = Loss { terms, missing: Missing::Bucket, shared_vocab: shared };
    let (mut logits, mut value) = (logits.to_vec(), [0.0]);
    let row = super::loss::Row { next: None, teacher, weight: 0.0 };
    row_loss(&loss, &row, &mut logits, &mut value, &mut Scratch::default());
    sums.kl = Some(f64::from(value[0]));
    sums
}

/// The index of the largest element, the first of equals.
fn best(row: &[f32]) -> usize {
    let mut best = 0;
    for (index, x) in row.iter().enumerate() {
        if *x > row[best] {
            best = index;
        }
    }
    best
}
