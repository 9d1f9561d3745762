//! A store in memory that can die at any step, as a killed process or with the power of the machine.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use stillmark_ledger::Error;
use stillmark_ledger::storage::{Source, Store, folder, part};

type Files = BTreeMap<String, Vec<u8>>;

/// Shared, so that a test sees what the log wrote.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a living machine sees.
    seen: Files,
    /// What is on the disk for sure.
    durable: Files,
    /// What may or may not be there when the power goes, by folder, in order.
    pending: BTreeMap<String, Vec<Step>>,
    /// How many steps are left before the end.
    left: Option<usize>,
    steps: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Put(String, Vec<u8>),
    Name(String),
    Remove(String),
}

impl Step {
    fn apply(&self, files: &mut Files) {
        match self {
            Self::Put(path, bytes) => drop(files.insert(part(path), bytes.clone())),
            Self::Name(path) => {
                if let Some(bytes) = files.remove(&part(path)) {
                    files.insert(path.clone(), bytes);
                }
            }
            Self::Remove(folder) => files.retain(|path, _| !path.starts_with(&format!("{folder}/"))),
        }
    }
}

impl State {
    fn carry_out(&mut self, step: Step) {
        step.apply(&mut self.seen);
        let place = match &step {
            Step::Put(path, _) | Step::Name(path) | Step::Remove(path) => folder(path).to_owned(),
        };
        self.pending.entry(place).or_default().push(step);
    }
}

impl Memory {
    /// A store that dies at its step number `steps`.
    pub(crate) fn dying_after(&self, steps: usize) {
        self.state().left = Some(steps);
    }

    pub(crate) fn steps(&self) -> usize {
        self.state().steps
    }

    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.state().seen.get_mut(path).unwrap());
    }

    pub(crate) fn remove_file(&self, path: &str) {
        self.state().seen.remove(path).unwrap();
    }

    pub(crate) fn file(&self, path: &str) -> Vec<u8> {
        self.state().seen[path].clone()
    }

    pub(crate) fn put_file(&self, path: &str, bytes: Vec<u8>) {
        self.state().seen.insert(path.to_owned(), bytes);
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.state().seen.keys().cloned().collect()
    }

    /// The same files, which nothing done to the other changes.
    pub(crate) fn copy(&self) -> Self {
        let seen = self.state().seen.clone();
        Self::of(seen)
    }

    /// What the next process finds after a kill.
    pub(crate) fn after_kill(&self) -> Self {
        self.copy()
    }

    /// What is found after a power cut: of the names of each folder, a beginning was written.
    pub(crate) fn after_power_cut(&self, mut seed: u64) -> Self {
        let state = self.state();
        let mut files = state.durable.clone();
        for steps in state.pending.values() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let kept = (seed >> 33) as usize % (steps.len() + 1);
            steps[..kept].iter().for_each(|step| step.apply(&mut files));
        }
        Self::of(files)
    }

    fn of(files: Files) -> Self {
        Self(Arc::new(Mutex::new(State { durable: files.clone(), seen: files, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Counts a step; the state where it may be carried out.
    fn step(&self) -> Result<MutexGuard<'_, State>, MutexGuard<'_, State>> {
        let mut state = self.state();
        state.steps += 1;
        match &mut state.left {
            Some(0) => Err(state),
            Some(left) => {
                *left -= 1;
                Ok(state)
            }
            None => Ok(state),
        }
    }
}

fn dead() -> Error {
    Error::Io { path: PathBuf::new(), source: io::Error::other("dead") }
}

impl Source for Memory {
    fn read(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.state().seen.get(path).map(|bytes| bytes[..bytes.len().min(most + 1)].to_vec()))
    }
}

impl Store for Memory {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        match self.step() {
            Ok(mut state) => {
                state.carry_out(Step::Put(path.to_owned(), bytes.to_vec()));
                Ok(())
            }
            Err(mut state) => {
                state.carry_out(Step::Put(path.to_owned(), bytes[..bytes.len() / 2].to_vec()));
                Err(dead())
            }
        }
    }

    fn name(&self, path: &str) -> Result<(), Error> {
        self.step().map_err(|_| dead())?.carry_out(Step::Name(path.to_owned()));
        Ok(())
    }

    fn settle(&self, folder: &str) -> Result<(), Error> {
        let mut guard = self.step().map_err(|_| dead())?;
        let state = &mut *guard;
        for step in state.pending.remove(folder).unwrap_or_default() {
            step.apply(&mut state.durable);
        }
        Ok(())
    }

    fn remove(&self, folder: &str) -> Result<(), Error> {
        self.step().map_err(|_| dead())?.carry_out(Step::Remove(folder.to_owned()));
        Ok(())
    }
}
