//! Which examples a prompt shows.

use stillmark_stats::python_random::Random;

use super::recipe::{Sampler, Task};
use crate::Error;
use crate::record::Record;

/// Chooses examples for one record after another, as the harness does: records must be asked in their order, none left out, since all
/// draw from one generator.
#[derive(Debug, Clone)]
pub struct Shots<'a> {
    pool: &'a [Record],
    size: usize,
    sampler: Sampler,
    count: usize,
    random: Random,
}

impl<'a> Shots<'a> {
    /// Chooses `count` examples a record from `pool`, with the harness's few-shot seed.
    pub fn new(task: &Task, pool: &'a [Record], count: usize, seed: u64) -> Result<Self, Error> {
        let needed = count + usize::from(task.sampler == Sampler::RandomWithoutOwn);
        if 0 < count && pool.len() < needed {
            return Err(Error::Malformed {
                format: "examples",
                at: format!("task `{}`", task.name),
                problem: format!("{needed} are wanted, the copy holds {}", pool.len()),
            });
        }
        Ok(Self { pool, size: pool.len(), sampler: task.sampler, count, random: Random::new(seed) })
    }

    /// The same from a pool of which only the size is known; a sampler that has to look at its records is an error.
    pub fn unseen(task: &Task, size: usize, count: usize, seed: u64) -> Result<Self, Error> {
        if task.sampler == Sampler::RandomWithoutOwn || size < count {
            return Err(Error::Malformed {
                format: "examples",
                at: format!("task `{}`", task.name),
                problem: format!("{count} cannot be drawn from {size} that are not at hand"),
            });
        }
        Ok(Self { pool: &[], size, sampler: task.sampler, count, random: Random::new(seed) })
    }

    /// The places in the pool of the next record's examples, in the order of the prompt.
    pub fn next_for(&mut self, record: &Record) -> Vec<usize> {
        if self.count == 0 {
            return Vec::new();
        }
        match self.sampler {
            Sampler::FirstN => (0..self.count).collect(),
            Sampler::Random => self.random.sample(self.size, self.count),
            Sampler::RandomWithoutOwn => {
                let other = |idx: &usize| self.pool[*idx] != *record;
                let drawn = self.random.sample(self.pool.len(), self.count + 1);
                let mut kept: Vec<usize> = drawn.into_iter().filter(other).collect();
                kept.truncate(self.count);
                if kept.len() < self.count {
                    // Several copies of the record were drawn: the harness draws anew from a pool without them.
                    let others: Vec<usize> = (0..self.pool.len()).filter(other).collect();
                    let again = self.random.sample(others.len(), self.count.min(others.len()));
                    kept = again.into_iter().map(|idx| others[idx]).collect();
                }
                kept
            }
        }
    }

    /// The pool.
    pub fn pool(&self) -> &'a [Record] {
        self.pool
    }
}
