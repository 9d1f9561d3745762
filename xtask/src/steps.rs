//! A list of named steps, each timed, with a table at the end.

use std::time::{Duration, Instant};

use crate::shell::{Failure, say};

/// How one step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Passed,
    Failed,
}

/// The steps run so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration, Ended)>,
}

impl Steps {
    /// Runs one step; its failure is kept and the next one still runs.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<(), Failure>) {
        say(&format!("\n== {name}"));
        let start = Instant::now();
        let ended = match step() {
            Ok(()) => Ended::Passed,
            Err(failure) => {
                say(&format!("{name} FAILED: {failure}"));
                Ended::Failed
            }
        };
        self.done.push((name.to_owned(), start.elapsed(), ended));
    }

    /// How many steps were run.
    pub(crate) fn count(&self) -> usize {
        self.done.len()
    }

    /// Prints the table; whether every step passed.
    pub(crate) fn finish(&self) -> bool {
        say("\n== summary");
        for (name, took, ended) in &self.done {
            let word = match ended {
                Ended::Passed => "passed",
                Ended::Failed => "FAILED",
            };
            say(&format!("  {word}  {name:<14} {:>7.1} s", took.as_secs_f64()));
        }
        let total: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        let failed = self.done.iter().filter(|(.., ended)| *ended == Ended::Failed).count();
        let count = self.done.len();
        let verdict = if failed == 0 { "all passed".to_owned() } else { format!("{failed} FAILED") };
        say(&format!("  {count} steps in {:.1} s: {verdict}", total.as_secs_f64()));
        failed == 0
    }
}
