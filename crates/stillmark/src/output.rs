//! stdout is the answer, stderr the talk.

use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::environment;
use crate::problem::{Problem, Stop};

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    Human,
    /// One JSON object, or JSON Lines where the answer is a stream.
    Json,
}

/// Writes an answer in the format asked for.
pub(crate) fn answer<T: Serialize>(
    format: Format,
    value: &T,
    human: impl FnOnce() -> String,
) -> Result<(), Stop> {
    let mut text = match format {
        Format::Human => human(),
        Format::Json => serde_json::to_string_pretty(value)
            .map_err(|err| Problem::new("the answer could not be written as JSON").cause(err.to_string()))?,
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    bytes(text.as_bytes())
}

/// Writes bytes to stdout; a reader that has gone away ends the program quietly.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Stop> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(err) if err.kind() == ErrorKind::BrokenPipe => Err(Stop::ListenerGone),
        Err(err) => {
            Err(Problem::new("the answer could not be written to stdout").cause(err.to_string()).into())
        }
    }
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Volume {
    /// Notes and progress.
    Normal,
    /// Errors only.
    Quiet,
}

/// What is said on stderr, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    volume: Volume,
    color: bool,
}

impl Talk {
    /// Talk at a volume, colored where a terminal reads it and `NO_COLOR` is not set.
    pub(crate) fn at(volume: Volume) -> Self {
        let color = environment::variable("NO_COLOR").is_none() && std::io::stderr().is_terminal();
        Self { volume, color }
    }

    /// Talk before the settings are known.
    pub(crate) fn plain() -> Self {
        Self::at(Volume::Normal)
    }

    /// Says one line, unless asked to be quiet.
    pub(crate) fn note(self, line: &str) {
        if self.volume == Volume::Normal {
            say(line);
        }
    }

    /// Says one line that starts with `warning:`, unless asked to be quiet.
    pub(crate) fn warn(self, line: &str) {
        self.note(&format!("{} {line}", self.paint("warning:", "33")));
    }

    /// Renders a problem; no volume silences it.
    pub(crate) fn problem(self, problem: &Problem) {
        let mut lines = vec![format!("{} {}", self.paint("error:", "1;31"), problem.message)];
        lines.extend(problem.causes.iter().map(|cause| format!("{} {cause}", self.paint("cause:", "1"))));
        if let Some(hint) = &problem.hint {
            lines.push(format!("\n{} {hint}", self.paint("hint:", "1;36")));
        }
        say(&lines.join("\n"));
    }

    /// A progress bar over bytes: drawn on a terminal only, and never when quiet.
    pub(crate) fn bytes_bar(self, what: &str, total_bytes: u64) -> ProgressBar {
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}";
        self.bar(what, total_bytes, template)
    }

    /// A progress bar over steps: drawn on a terminal only, and never when quiet.
    pub(crate) fn steps_bar(self, what: &str, total: u64) -> ProgressBar {
        self.bar(what, total, "{msg} {wide_bar} {pos}/{len} ETA {eta}")
    }

    fn bar(self, what: &str, total: u64, template: &str) -> ProgressBar {
        let drawn = self.volume == Volume::Normal && std::io::stderr().is_terminal();
        let target = if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(what.to_owned());
        if drawn {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    fn paint(self, word: &str, code: &str) -> String {
        if self.color { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

fn say(text: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// e to a power, as a decimal number that may be far too small or large to be one.
pub(crate) fn of_logarithm(ln: f64) -> String {
    if ln == f64::NEG_INFINITY {
        return "0".to_owned();
    }
    let log = ln / std::f64::consts::LN_10;
    if log.abs() < 3.0 {
        return format!("{:.4}", ln.exp());
    }
    let exponent = log.floor();
    format!("{:.1}e{exponent:.0}", 10_f64.powf(log - exponent))
}
