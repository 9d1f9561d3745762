//! How a copy spells which choice is right.

use super::json::Json;

/// A spelling of the right choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `A`, `B`, … (or `(A)`, `a`, `A.`).
    Letters,
    /// 0 is the first choice.
    FromZero,
    /// 1 is the first choice.
    FromOne,
    /// The choice's own text.
    Text,
}

impl Spelling {
    const ALL: [Self; 4] = [Self::Letters, Self::FromZero, Self::FromOne, Self::Text];

    /// The index of the right choice, if this spelling gives one.
    fn index<T: AsRef<str>>(self, gold: &Json<'_>, choices: &[T]) -> Option<usize> {
        let idx = match (self, gold) {
            (Self::Text, Json::Text(text)) => unique(choices, text)?,
            (Self::Letters, Json::Text(text)) => letter(text)?,
            (Self::FromZero, Json::Text(text)) => number(text)?,
            (Self::FromOne, Json::Text(text)) => number(text)?.checked_sub(1)?,
            (Self::FromZero, Json::Whole(whole)) => usize::try_from(*whole).ok()?,
            (Self::FromOne, Json::Whole(whole)) => usize::try_from(*whole).ok()?.checked_sub(1)?,
            // What a table with gaps makes of whole numbers.
            (Self::FromZero, Json::Real(real)) if real.fract() == 0.0 && (0.0..1e6).contains(real) => {
                *real as usize
            }
            _ => return None,
        };
        (idx < choices.len()).then_some(idx)
    }
}

/// Which spelling a copy uses: the one that explains most of its rows, the likelier one where several do.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Votes([usize; 4]);

impl Votes {
    /// Counts one row.
    pub(super) fn add<T: AsRef<str>>(&mut self, gold: &Json<'_>, choices: &[T]) {
        for (votes, spelling) in self.0.iter_mut().zip(Spelling::ALL) {
            *votes += usize::from(spelling.index(gold, choices).is_some());
        }
    }

    /// The spelling that won; none where no row could be read.
    pub(super) fn winner(&self) -> Option<Spelling> {
        let most = self.0.iter().max().filter(|most| **most > 0)?;
        self.0.iter().zip(Spelling::ALL).find(|(votes, _)| *votes == most).map(|(_, spelling)| spelling)
    }
}

/// The index of the right choice in a row of which nothing else is known.
pub(super) fn index(gold: &Json<'_>, choices: &[String]) -> Option<usize> {
    let mut votes = Votes::default();
    votes.add(gold, choices);
    votes.winner()?.index(gold, choices)
}

/// The index of the right choice in a copy that uses one spelling.
pub(super) fn index_in(spelling: Spelling, gold: &Json<'_>, choices: &[String]) -> Option<usize> {
    spelling.index(gold, choices)
}

fn unique<T: AsRef<str>>(choices: &[T], text: &str) -> Option<usize> {
    let mut places = choices.iter().enumerate().filter(|(_, choice)| choice.as_ref() == text);
    let (idx, _) = places.next()?;
    places.next().is_none().then_some(idx)
}

fn letter(text: &str) -> Option<usize> {
    let bare = text.trim().trim_start_matches('(').trim_end_matches([')', '.', ':']);
    match bare.as_bytes() {
        [upper @ b'A'..=b'Z'] => Some(usize::from(upper - b'A')),
        [lower @ b'a'..=b'z'] => Some(usize::from(lower - b'a')),
        _ => None,
    }
}

fn number(text: &str) -> Option<usize> {
    let bare = text.trim();
    let bare = bare.strip_suffix(".0").unwrap_or(bare);
    (bare.len() <= 6 && bare.bytes().all(|byte| byte.is_ascii_digit())).then(|| bare.parse().ok())?
}
