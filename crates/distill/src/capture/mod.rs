//! The teacher's answers and scores, taken shard by shard so that a kill at any moment loses one shard's work and nothing else.

mod journal;
pub(crate) mod receipts;
mod sources;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub use journal::{Journal, ShardEntry};
pub use sources::{Item, Loaded, built_in, items, load};

use stillmark_evidence::Digest;
use stillmark_evidence::manifest::Watermark;

use crate::records::{self, Meta, Record};
use crate::{Error, Plan};

/// Whoever answers prompts and scores texts.
pub trait Teach {
    /// Makes a record of each item, in their order, leaving out those that do not fit. Tells `on_tokens` of tokens as they are done;
    /// where that breaks off, nothing is returned.
    fn teach(
        &mut self,
        items: &[Item],
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Record>>, Error>;

    /// Hears that the records of the last call lie safely on the disk.
    fn settled(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What is to be captured, and where to.
#[derive(Debug)]
pub struct Job<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What every file says about itself.
    pub meta: &'a Meta,
    /// What the teacher is asked, in order.
    pub items: &'a [Item],
    /// What is known of the mark in the answers, where they carry one.
    pub watermark: Option<&'a Watermark>,
    /// The grant that the answers are given under, where there is one.
    pub grant: Option<Digest>,
    /// The folder of the records.
    pub folder: &'a Path,
}

/// What happens during a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many shards were found from before.
    Resumed {
        /// Finished shards.
        shards: usize,
        /// Their records.
        rows: usize,
    },
    /// The teacher went through so many more tokens.
    Tokens(usize),
    /// A shard is on the disk.
    Shard {
        /// Its number, from 0.
        shard: usize,
        /// How many there will be.
        of: usize,
        /// Its records.
        rows: usize,
        /// Items that did not fit.
        left_out: usize,
    },
}

/// How a capture ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With all records.
    Done(Summary),
    /// Broken off; a further call resumes it.
    Stopped,
}

/// A finished capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The files, in order.
    pub shards: Vec<ShardEntry>,
    /// What came of each source.
    pub counts: BTreeMap<String, Counts>,
}

/// What came of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records.
    pub rows: u64,
    /// Tokens in them.
    pub tokens: u64,
}

/// Captures what is not yet there. Whether or not it was interrupted before, the same bytes lie in the folder at the end.
pub fn capture(
    job: &Job<'_>,
    teacher: &mut dyn Teach,
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<Outcome, Error> {
    std::fs::create_dir_all(job.folder).map_err(Error::io(job.folder))?;
    let mut journal = Journal::open(job.folder, &job.plan.digest().to_string())?;
    journal.continue_with(job.watermark)?;
    journal.continue_under(job.grant)?;
    let of = job.items.len().div_ceil(job.plan.capture().shard_rows);
    let rows = journal.shards.iter().map(|shard| shard.rows).sum();
    if !journal.shards.is_empty()
        && on_event(Event::Resumed { shards: journal.shards.len(), rows }).is_break()
    {
        return Ok(Outcome::Stopped);
    }
    for (shard, items) in
        job.items.chunks(job.plan.capture().shard_rows).enumerate().skip(journal.shards.len())
    {
        let taught = teacher.teach(items, &mut |tokens| on_event(Event::Tokens(tokens)))?;
        let Some(records) = taught else { return Ok(Outcome::Stopped) };
        journal.add(job.folder, write_shard(job, shard, &records)?)?;
        teacher.settled()?;
        let event = Event::Shard { shard, of, rows: records.len(), left_out: items.len() - records.len() };
        if on_event(event).is_break() && shard + 1 < of {
            return Ok(Outcome::Stopped);
        }
    }
    let counts = counts(job.folder, &journal.shards)?;
    Ok(Outcome::Done(Summary { shards: journal.shards, counts }))
}

fn write_shard(job: &Job<'_>, shard: usize, records: &[Record]) -> Result<ShardEntry, Error> {
    let file = format!("records-{shard:05}.parquet");
    let path = job.folder.join(&file);
    let written = records::write(&path, job.meta, records)?;
    let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
    Ok(ShardEntry {
        file,
        sha256: Digest::of(&bytes).to_string(),
        rows: written.rows,
        tokens: written.tokens,
    })
}

/// Paths of a dataset's files, in order.
pub fn paths(folder: &Path, shards: &[ShardEntry]) -> Vec<PathBuf> {
    shards.iter().map(|shard| folder.join(&shard.file)).collect()
}

/// Counts rows and tokens of each source from the files themselves, which also checks every one of them.
fn counts(folder: &Path, shards: &[ShardEntry]) -> Result<BTreeMap<String, Counts>, Error> {
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    for path in paths(folder, shards) {
        let shard = records::Shard::open(&path)?;
        for group in 0..shard.groups() {
            for record in shard.group(group)? {
                let of_source = counts.entry(record.source).or_default();
                of_source.rows += 1;
                of_source.tokens += record.input_ids.len() as u64;
            }
        }
    }
    Ok(counts)
}
