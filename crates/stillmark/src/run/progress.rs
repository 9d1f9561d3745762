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
    watch: Stopwatch,
    bar: Option<ProgressBar>,
    tokens: u64,
}

impl Progress {
    pub(crate) fn new(session: &Session) -> Self {
        Self { talk: session.talk, watch: Stopwatch::start(), bar: None, tokens: 0 }
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
                self.tokens += *tokens as u64;
                let rate = self.rate();
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("capture  {} tokens  {rate:.0} tokens/s", self.tokens));
                }
            }
            capture::Event::Shard { shard, of, rows, left_out } => {
                let bar = self.bar.get_or_insert_with(|| self.talk.steps_bar("capture", *of as u64));
                bar.set_position(*shard as u64 + 1);
                let left = if *left_out > 0 { format!(", {left_out} too long") } else { String::new() };
                let line = format!(
                    "capture  {}/{of}  {rows} records{left}  {} tokens  {:.0} tokens/s",
                    shard + 1,
                    self.tokens,
                    self.rate()
                );
                self.line(&line);
            }
        }
    }

    fn train(&mut self, event: &course::Event) {
        match event {
            course::Event::Resumed { step } => self.talk.note(&format!("train: goes on after step {step}")),
            course::Event::Step { record, of } => {
                self.tokens += record.tokens as u64;
                let rate = self.rate();
                let bar = self.bar.get_or_insert_with(|| self.talk.steps_bar("train", *of));
                bar.set_position(record.step);
                bar.set_message(format!("train  loss {:.3}  {rate:.0} tokens/s", record.loss));
                if record.step.is_multiple_of(LINES) || record.step == *of {
                    let line = format!(
                        "train  step {}/{of}  loss {:.3}  {rate:.0} tokens/s  ETA {:.0} s",
                        record.step,
                        record.loss,
                        self.watch.seconds() / record.step as f64 * (*of - record.step) as f64
                    );
                    self.line(&line);
                }
            }
            course::Event::Evaluation(record) => self.line(&evaluation(record)),
            course::Event::Checkpoint { .. } => {}
        }
    }

    fn rate(&self) -> f64 {
        self.tokens as f64 / self.watch.seconds().max(1e-3)
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

fn evaluation(record: &EvaluationRecord) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |x| format!("{x:.3}"));
    format!(
        "held out after step {}: KL {}  top-1 agreement {}  perplexity {} (teacher {})",
        record.step,
        number(record.kl),
        number(record.agreement),
        number(record.perplexity),
        number(record.teacher_perplexity)
    )
}
