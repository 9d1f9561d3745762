//! The attacks at all their strengths.

use stillmark_bench_watermark_attacks::{Draws, letters, sentences, words};
use stillmark_model::Tokenizer;
use stillmark_watermark::marker;

use crate::model::told;

/// An attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attack {
    /// None: the ids that were generated.
    Ids,
    /// Another text of the model, which bears no mark.
    Unmarked,
    Retokenize,
    Delete,
    Insert,
    Substitute,
    First,
    Last,
    Dilute,
    Bury,
    Lower,
    Upper,
    Title,
    Homoglyphs,
    ZeroWidth,
    ZeroWidthStripped,
    ShuffleSentences,
    EverySecond,
    Paraphrase,
}

/// An attack at one strength.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) attack: Attack,
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// A share, a number of tokens, or 0 where there is only one strength.
    pub(crate) strength: f64,
}

const TENTHS: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5];
const LENGTHS: &[f64] = &[200.0, 100.0, 50.0];
const ONE: &[f64] = &[0.0];

/// Every attack with its name and strengths, in the order of the table.
const ALL: [(Attack, &str, &[f64]); 19] = [
    (Attack::Unmarked, "unmarked text (false alarms)", ONE),
    (Attack::Ids, "nothing: the generated ids", ONE),
    (Attack::Retokenize, "re-tokenization alone", ONE),
    (Attack::Delete, "words deleted", TENTHS),
    (Attack::Insert, "words inserted", TENTHS),
    (Attack::Substitute, "words substituted", TENTHS),
    (Attack::First, "first tokens kept", LENGTHS),
    (Attack::Last, "last tokens kept", LENGTHS),
    (Attack::Dilute, "unmarked words around", TENTHS),
    (Attack::Bury, "within four unmarked texts", ONE),
    (Attack::Lower, "lower case", ONE),
    (Attack::Upper, "upper case", ONE),
    (Attack::Title, "title case", ONE),
    (Attack::Homoglyphs, "homoglyphs", &[0.1, 0.5, 1.0]),
    (Attack::ZeroWidth, "zero-width spaces left in", &[0.1]),
    (Attack::ZeroWidthStripped, "zero-width spaces, stripped", &[0.1]),
    (Attack::ShuffleSentences, "sentences shuffled", ONE),
    (Attack::EverySecond, "every second sentence", ONE),
    (Attack::Paraphrase, "rewritten by the model", ONE),
];

/// Every attack at each of its strengths.
pub(crate) fn cases() -> Vec<Case> {
    let of = |(attack, name, strengths): (Attack, &'static str, &'static [f64])| {
        strengths.iter().map(move |strength| Case { attack, name, strength: *strength })
    };
    ALL.into_iter().flat_map(of).collect()
}

impl Case {
    /// What it is called in the table.
    pub(crate) fn title(&self) -> String {
        match self.strength {
            0.0 => self.name.to_owned(),
            share if share <= 1.0 => format!("{}, {:.0} %", self.name, 100.0 * share),
            tokens => format!("{}, {tokens:.0}", self.name),
        }
    }
}

/// What is at hand for attacks on one text.
pub(crate) struct Material<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    /// Words of other texts.
    pub(crate) donors: &'a [&'a str],
    /// Unmarked texts, the nearest first.
    pub(crate) unmarked: &'a [&'a str],
    /// The text as the model rewrote it, where it was asked.
    pub(crate) rewritten: Option<&'a str>,
    pub(crate) seed: u64,
}

/// An attacked text, and where in it the marked stretch lies, in bytes.
pub(crate) struct Attacked {
    pub(crate) text: String,
    pub(crate) stretch: Option<(usize, usize)>,
}

/// Attacks a text; nothing, where the material is missing.
pub(crate) fn attacked(case: &Case, text: &str, at_hand: &Material<'_>) -> Result<Option<Attacked>, String> {
    let (share, mut draws) = (case.strength, Draws::new(at_hand.seed));
    let text = match case.attack {
        Attack::Ids | Attack::Retokenize => text.to_owned(),
        Attack::Unmarked => at_hand.unmarked[0].to_owned(),
        Attack::Delete => words::delete(text, share, &mut draws),
        Attack::Insert => words::insert(text, share, at_hand.donors, &mut draws),
        Attack::Substitute => words::substitute(text, share, at_hand.donors, &mut draws),
        Attack::First | Attack::Last => piece(case, text, at_hand.tokenizer)?,
        Attack::Dilute => return Ok(Some(words::dilute(text, at_hand.unmarked[0], share).into())),
        Attack::Bury => return Ok(Some(words::bury(text, &at_hand.unmarked.join("\n\n")).into())),
        Attack::Lower => text.to_lowercase(),
        Attack::Upper => text.to_uppercase(),
        Attack::Title => letters::title_case(text),
        Attack::Homoglyphs => letters::homoglyphs(text, share, &mut draws),
        Attack::ZeroWidth => letters::zero_width(text, share, &mut draws),
        Attack::ZeroWidthStripped => marker::strip(&letters::zero_width(text, share, &mut draws)).0,
        Attack::ShuffleSentences => sentences::shuffle(text, &mut draws),
        Attack::EverySecond => sentences::every_second(text),
        Attack::Paraphrase => match at_hand.rewritten {
            Some(rewritten) => rewritten.to_owned(),
            None => return Ok(None),
        },
    };
    Ok(Some(Attacked { text, stretch: None }))
}

/// The first or last tokens of a text.
fn piece(case: &Case, text: &str, tokenizer: &Tokenizer) -> Result<String, String> {
    let tokens = tokenizer.encode(text).map_err(told)?;
    let kept = (case.strength as usize).min(tokens.len());
    let kept = if case.attack == Attack::First { &tokens[..kept] } else { &tokens[tokens.len() - kept..] };
    tokenizer.decode(kept).map_err(told)
}

impl From<words::Mixed> for Attacked {
    fn from(mixed: words::Mixed) -> Self {
        Self { text: mixed.text, stretch: Some((mixed.from, mixed.to)) }
    }
}
