//! Whether what lies beside a model meets the duties that fall due for it.

use serde::Serialize;

use crate::beside::{Beside, TextFile};
use crate::licenses::{called, same_license};
use crate::names::begins_with;
use crate::pack::Pack;
use crate::recognize::Recognizer;
use crate::ruling::Obligation;
use crate::words::DutyKind;

/// What is missing beside a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LapseCode {
    /// The published name does not begin with the word.
    NameLapse,
    /// There is no NOTICE file.
    NoNotice,
    /// The NOTICE file, or the card, lacks the words that are asked for.
    NoticeLacks,
    /// No file holds the license that has to be passed on.
    NoLicenseCopy,
    /// The card does not show the sentence.
    NotShown,
    /// It is offered under another license than the one that is asked for.
    OtherLicense,
}

impl LapseCode {
    /// Every code.
    pub const ALL: [Self; 6] = [
        Self::NameLapse,
        Self::NoNotice,
        Self::NoticeLacks,
        Self::NoLicenseCopy,
        Self::NotShown,
        Self::OtherLicense,
    ];

    /// The word as it is spelled in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameLapse => "name-lapse",
            Self::NoNotice => "no-notice",
            Self::NoticeLacks => "notice-lacks",
            Self::NoLicenseCopy => "no-license-copy",
            Self::NotShown => "not-shown",
            Self::OtherLicense => "other-license",
        }
    }
}

/// A duty that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lapse {
    /// What is missing.
    pub code: LapseCode,
    /// The duty.
    pub duty: Obligation,
    /// What is missing, in one sentence.
    pub says: String,
}

/// How the duties stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lint {
    /// Duties that are not met.
    pub lapses: Vec<Lapse>,
    /// Duties that are met, as far as files show it.
    pub met: Vec<Obligation>,
    /// Duties that no file can show to be met.
    pub unchecked: Vec<Obligation>,
}

/// How one duty stands.
enum State {
    Met,
    Unchecked,
    Lapsed(LapseCode, String),
}

/// Holds a published name and the files beside a model against its duties.
pub fn lint(
    pack: &Pack,
    recognizer: &Recognizer,
    duties: &[Obligation],
    name: &str,
    beside: &Beside,
) -> Lint {
    let mut lint = Lint::default();
    for duty in duties {
        let state = match duty.kind {
            DutyKind::NamePrefix => prefix(duty, name),
            DutyKind::CopyLicense => copy(pack, recognizer, duty, beside),
            DutyKind::Notice | DutyKind::Attribute => notice(pack, duty, beside),
            DutyKind::Show => show(pack, duty, beside),
            DutyKind::SameLicense => same(pack, duty, beside),
            _ => State::Unchecked,
        };
        match state {
            State::Met => lint.met.push(duty.clone()),
            State::Unchecked => lint.unchecked.push(duty.clone()),
            State::Lapsed(code, says) => lint.lapses.push(Lapse { code, duty: duty.clone(), says }),
        }
    }
    lint
}

fn prefix(duty: &Obligation, name: &str) -> State {
    if begins_with(name, &duty.text) {
        return State::Met;
    }
    State::Lapsed(LapseCode::NameLapse, format!("`{name}` does not begin with `{}`.", duty.text))
}

fn copy(pack: &Pack, recognizer: &Recognizer, duty: &Obligation, beside: &Beside) -> State {
    let missing = |says: String| State::Lapsed(LapseCode::NoLicenseCopy, says);
    if beside.licenses.is_empty() {
        return missing(format!("No LICENSE file is there, which would hold `{}`.", duty.terms));
    }
    let is_it = |id: &str| same_license(pack, id, &duty.terms);
    let holds = |file: &TextFile| recognizer.recognize(&file.text).id().is_some_and(is_it);
    if beside.licenses.iter().any(holds) {
        return State::Met;
    }
    if recognizer.known().iter().any(|known| is_it(known.id())) {
        return missing(format!("No LICENSE file holds the text of `{}`.", duty.terms));
    }
    State::Unchecked
}

fn notice(pack: &Pack, duty: &Obligation, beside: &Beside) -> State {
    let wanted = wanted(pack, duty);
    if wanted.is_empty() {
        return State::Unchecked;
    }
    if beside.notices.is_empty() {
        let says = format!("No NOTICE file is there, which would name {}.", listed(&wanted));
        return State::Lapsed(LapseCode::NoNotice, says);
    }
    if beside.notices.iter().any(|file| stands(file, &wanted)) {
        return State::Met;
    }
    State::Lapsed(LapseCode::NoticeLacks, format!("NOTICE does not hold {}.", listed(&wanted)))
}

fn show(pack: &Pack, duty: &Obligation, beside: &Beside) -> State {
    let mut wanted = wanted(pack, duty);
    if wanted.is_empty() {
        wanted.push(duty.text.clone());
    }
    if beside.card.as_ref().is_some_and(|card| stands(card, &wanted)) {
        return State::Met;
    }
    State::Lapsed(LapseCode::NotShown, format!("README.md does not show {}.", listed(&wanted)))
}

fn same(pack: &Pack, duty: &Obligation, beside: &Beside) -> State {
    let Some(said) = beside.card().license else { return State::Unchecked };
    if said.eq_ignore_ascii_case(&duty.text) || called(pack, &said).iter().any(|entry| entry.id == duty.terms)
    {
        return State::Met;
    }
    let says = format!("README.md says `license: {said}`; `{}` is asked for.", duty.text);
    State::Lapsed(LapseCode::OtherLicense, says)
}

/// The words of which one has to stand, as the pack knows them.
fn wanted(pack: &Pack, duty: &Obligation) -> Vec<String> {
    let rules = pack.get(&duty.terms).map(|entry| entry.rules.as_slice()).unwrap_or_default();
    let limited = |rule: &crate::pack::Rule| {
        let added = rule.limits.iter().filter_map(|limit| match &limit.breach {
            crate::pack::Breach::Duties(duties) => Some(duties.clone()),
            _ => None,
        });
        added.flatten().chain(rule.duties.clone()).collect::<Vec<_>>()
    };
    let own = rules.iter().flat_map(limited).find(|own| own.kind == duty.kind && own.text == duty.text);
    own.map(|own| own.holds).unwrap_or_default()
}

/// Whether one of the phrases stands in a file, whatever the case, lines and marks.
fn stands(file: &TextFile, phrases: &[String]) -> bool {
    let plain = |text: &str| {
        let letters = text.to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), " ");
        letters.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = format!(" {} ", plain(&file.text));
    phrases.iter().any(|phrase| text.contains(&format!(" {} ", plain(phrase))))
}

fn listed(phrases: &[String]) -> String {
    phrases.iter().map(|phrase| format!("`{phrase}`")).collect::<Vec<_>>().join(" or ")
}
