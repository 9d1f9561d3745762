//! What a run shows while it works: bars on a terminal, a line now and then elsewhere.

use indicatif::ProgressBar;
use stillmark_distill::metrics::EvaluationRecord;
use stillmark_distill::run::Event;
use stillmark_distill::{capture, course};

use crate::clock::Stopwatch;
use crate::output::Talk;
use crate::session::Session;

/// The bar of the step in hand.
pub(crate) struct Progress {
    talk: Talk,
    bar: Option<ProgressBar>,
    pace: Pace,
}

/// How fast the work itself goes: without evaluations and checkpoints, and without what an earlier run has done.
struct Pace {
    since: Stopwatch,
    seconds: f64,
    tokens: u64,
    steps: u64,
}

impl Pace {
    fn start() -> Self {
        Self { since: Stopwatch::start(), seconds: 0.0, tokens: 0, steps: 0 }
    }

    /// Leaves out the time since the last count.
    fn skip(&mut self) {
        self.since = Stopwatch::start();
    }

    fn count(&mut self, tokens: usize) {
        self.seconds += self.since.seconds();
        self.tokens += tokens as u64;
        self.steps += 1;
        self.skip();
    }

    /// Tokens a second.
    fn rate(&self) -> f64 {
        self.tokens as f64 / self.seconds.max(1e-3)
    }

    /// Seconds that so many steps more will take.
    fn eta(&self, steps: u64) -> f64 {
        self.seconds / self.steps.max(1) as f64 * steps as f64
    }
}

impl Progress {
    pub(crate) fn new(session: &Session) -> Self {
        Self { talk: session.talk, bar: None, pace: Pace::start() }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::Capture(event) => self.capture(event),
            Event::Train(event) => self.train(event),
            Event::Export => self.talk.note("writing the student's files"),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn capture(&mut self, event: &capture::Event) {
        match event {
            capture::Event::Resumed { shards, rows } => {
                self.talk.note(&format!("capture: goes on after {rows} records in {shards} files"));
            }
            capture::Event::Tokens(tokens) => {
                self.pace.count(*tokens);
                if let Some(bar) = &self.bar {
                    let Pace { tokens, .. } = self.pace;
                    bar.set_message(format!("capture  {tokens} tokens  {:.0} tokens/s", self.pace.rate()));
                }
            }
            capture::Event::Shard { shard, of, rows, left_out } => {
                let bar = self.bar.get_or_insert_with(|| self.talk.steps_bar("capture", *of as u64));
                bar.set_position(*shard as u64 + 1);
                let left = if *left_out > 0 { format!(", {left_out} too long") } else { String::new() };
                let line = format!(
                    "capture  {}/{of}  {rows} records{left}  {} tokens  {:.0} tokens/s",
                    shard + 1,
                    self.pace.tokens,
                    self.pace.rate()
                );
                self.line(&line);
            }
        }
    }

    fn train(&mut self, event: &course::Event) {
        match event {
            course::Event::Resumed { step } => {
                self.talk.note(&format!("train: goes on after step {step}"));
                self.pace.skip();
            }
            course::Event::Step { record, of } => {
                self.pace.count(record.tokens);
                let rate = self.pace.rate();
                let bar = self.bar.get_or_insert_with(|| self.talk.steps_bar("train", *of));
                bar.set_position(record.step);
                bar.set_message(format!("train  loss {:.3}  {rate:.0} tokens/s", record.loss));
                if record.step.is_multiple_of(LINES) || record.step == *of {
                    let line = format!(
                        "train  step {}/{of}  loss {:.3}  {rate:.0} tokens/s  ETA {:.0} s",
                        record.step,
                        record.loss,
                        self.pace.eta(*of - record.step)
                    );
                    self.line(&line);
                }
            }
            course::Event::Evaluation(record) => {
                self.line(&evaluation(record));
                self.pace.skip();
            }
            course::Event::Checkpoint { .. } => self.pace.skip(),
        }
    }

    /// Writes a line, above the bar where one is drawn.
    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.talk.note(line)),
            None => self.talk.note(line),
        }
    }
}

/// Steps between two lines.
const LINES: u64 = 20;

/// What is known of an evaluation: plain cross-entropy measures no divergence, and top-k records hold no perplexity of the
/// teacher.
fn evaluation(record: &EvaluationRecord) -> String {
    let known = [
        ("KL", record.kl),
        ("top-1 agreement", record.agreement),
        ("perplexity", record.perplexity),
        ("the teacher's", record.teacher_perplexity),
    ];
    let figures: Vec<_> =
        known.into_iter().filter_map(|(name, value)| Some(format!("{name} {:.3}", value?))).collect();
    format!("held out after step {}: {}", record.step, figures.join("  "))
}
