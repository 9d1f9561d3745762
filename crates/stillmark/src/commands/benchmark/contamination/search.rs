//! The search itself: rounds of several threads, between which what was found is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use stillmark_benchmark::contamination::scan::{Index, Place, Reader, Tally};

use super::corpus::{Corpus, Piece};
use super::state::State;
use crate::interrupt;
use crate::problem::Problem;
use crate::session::Session;

/// More threads than this are not started.
const MOST_THREADS: usize = 256;

/// How a corpus is searched.
#[derive(Debug, clap::Args)]
pub(super) struct How {
    /// The field or column that holds the text of a document
    #[arg(long, default_value = "text", value_name = "NAME")]
    field: String,
    /// How many threads search; the answer is the same for any number
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Keep what was found so far in this file: the same command goes on from it after an interruption
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How many MB are searched between two times that the state is kept
    #[arg(long, default_value_t = 1024, requires = "state", value_name = "MB")]
    save_every: u64,
}

/// Searches the files for what the index holds.
pub(super) fn search(
    how: &How,
    index: &Index,
    files: &[(PathBuf, u64)],
    session: &Session,
) -> Result<Tally, Problem> {
    let bar = session.talk.bytes_bar("searching", files.iter().map(|(_, size)| size).sum());
    let state = how.state.as_deref().map(|path| State::of(path, index, &how.field, files)).transpose()?;
    let (mut corpus, mut tally) = (Corpus::new(files), Tally::default());
    if let Some((at, before)) = state.as_ref().map(State::read).transpose()?.flatten() {
        corpus.go_to(at)?;
        tally = before;
        session.talk.note(&format!("goes on behind {} documents that were searched before", tally.documents));
    }
    let threads = how.threads.clamp(1, MOST_THREADS);
    let mut readers: Vec<Reader<'_>> = (0..threads).map(|_| Reader::new(index, &how.field)).collect();
    let at_a_time = if state.is_some() { how.save_every.saturating_mul(1 << 20).max(1) } else { u64::MAX };
    loop {
        let round = Round::new(&mut corpus, files, &how.field, at_a_time, &bar);
        let is_last = round.run(&mut readers)?;
        for reader in &mut readers {
            tally.absorb(reader.take());
        }
        if let Some(state) = &state {
            state.write(corpus.position(), &tally)?;
        }
        if interrupt::requested() {
            return Err(Problem::interrupted(match state {
                Some(_) => "the same command goes on where it stopped",
                None => "nothing was kept: with `--state FILE` the same command goes on where it stopped",
            }));
        }
        if is_last {
            bar.finish_and_clear();
            return Ok(tally);
        }
    }
}

/// A part of the corpus, searched by several threads; at its end all that was handed out has been searched.
struct Round<'r, 'c> {
    corpus: Mutex<(&'r mut Corpus<'c>, u64)>,
    files: &'c [(PathBuf, u64)],
    field: &'r str,
    bar: &'r ProgressBar,
    /// Whether the corpus came to its end.
    is_last: AtomicBool,
    /// What went wrong, by where; nothing more is handed out then.
    failed: Mutex<BTreeMap<Place, Problem>>,
}

impl<'r, 'c> Round<'r, 'c> {
    fn new(
        corpus: &'r mut Corpus<'c>,
        files: &'c [(PathBuf, u64)],
        field: &'r str,
        bytes: u64,
        bar: &'r ProgressBar,
    ) -> Self {
        Self {
            corpus: Mutex::new((corpus, bytes)),
            files,
            field,
            bar,
            is_last: AtomicBool::new(false),
            failed: Mutex::new(BTreeMap::new()),
        }
    }

    /// Searches; `true` where nothing is left.
    fn run(self, readers: &mut [Reader<'_>]) -> Result<bool, Problem> {
        std::thread::scope(|scope| {
            for reader in readers {
                scope.spawn(|| self.work(reader));
            }
        });
        match (self.failed.into_inner().map(|mut failed| failed.pop_first()), self.corpus.is_poisoned()) {
            // Pieces are handed out in order: the first that fails is the same however many search.
            (Ok(Some((_, problem))), _) => Err(problem),
            (Ok(None), false) => Ok(self.is_last.into_inner()),
            _ => {
                Err(Problem::new("a search ended before its time").hint("this is a fault of ours: report it"))
            }
        }
    }

    fn work(&self, reader: &mut Reader<'_>) {
        while let Some(piece) = self.next() {
            if let Err(problem) = piece.search(reader, self.files, self.field) {
                self.fail(piece.place(), problem);
            }
        }
    }

    fn next(&self) -> Option<Piece> {
        let mut corpus = self.corpus.lock().ok()?;
        let (corpus, left) = &mut *corpus;
        let has_failed = self.failed.lock().map_or(true, |failed| !failed.is_empty());
        if *left == 0 || has_failed || interrupt::requested() {
            return None;
        }
        match corpus.next() {
            Ok(Some(piece)) => {
                *left = left.saturating_sub(piece.size);
                self.bar.set_position(corpus.passed());
                Some(piece)
            }
            Ok(None) => {
                self.is_last.store(true, Ordering::Relaxed);
                None
            }
            Err(problem) => {
                self.fail(Place { file: u32::MAX, line: 0, byte: 0 }, problem);
                None
            }
        }
    }

    fn fail(&self, place: Place, problem: Problem) {
        if let Ok(mut failed) = self.failed.lock() {
            failed.insert(place, problem);
        }
    }
}
