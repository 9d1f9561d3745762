//! What every command needs besides its own words: the settings in force, and who is listening.

use serde::Serialize;

use crate::output::{self, Format, Talk};
use crate::problem::Stop;
use crate::settings::{self, Settings, Shared};

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    /// The settings in force.
    pub(crate) settings: Settings,
    /// What is said on stderr.
    pub(crate) talk: Talk,
}

/// Reads the settings and gets ready to talk.
pub(crate) fn open(shared: &Shared) -> Result<Session, Stop> {
    let settings = settings::load(shared)?;
    let talk = Talk::at(settings.volume);
    for warning in settings::misspelled_variables() {
        talk.warn(&warning);
    }
    Ok(Session { settings, talk })
}

impl Session {
    /// Writes the answer of a command: JSON as asked, or the text made for people.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, human: impl FnOnce() -> String) -> Result<(), Stop> {
        output::answer(self.settings.format, value, human)
    }

    /// Whether answers are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.settings.format == Format::Json
    }
}
