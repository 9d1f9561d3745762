//! Attacks on words: runs of characters between white space, punctuation included.

use crate::Draws;

/// A word with the white space after it; at a text's beginning the word may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// The word.
    pub word: &'a str,
    /// The white space after it.
    pub gap: &'a str,
}

/// Cuts a text into words; put together they are the text.
pub fn split(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let next = after.find(|c: char| !c.is_whitespace()).unwrap_or(after.len());
        let (gap, after) = after.split_at(next);
        words.push(Word { word, gap });
        rest = after;
    }
    words
}

/// Words put together.
pub fn join(words: &[Word<'_>]) -> String {
    words.iter().flat_map(|word| [word.word, word.gap]).collect()
}

/// Takes a share of the words away.
pub fn delete(text: &str, share: f64, draws: &mut Draws) -> String {
    let words = split(text);
    let gone = draws.share(words.len(), share);
    let kept = words.iter().enumerate().filter(|(idx, _)| gone.binary_search(idx).is_err());
    join(&kept.map(|(_, word)| *word).collect::<Vec<_>>())
}

/// Puts new words between a share of the words.
pub fn insert(text: &str, share: f64, donors: &[&str], draws: &mut Draws) -> String {
    let words = split(text);
    let places = draws.share(words.len(), share);
    let mut longer = String::new();
    for (idx, word) in words.iter().enumerate() {
        if places.binary_search(&idx).is_ok()
            && let Some(new) = donors.get(draws.below(donors.len()))
        {
            longer.push_str(new);
            longer.push(' ');
        }
        longer.push_str(word.word);
        longer.push_str(word.gap);
    }
    longer
}

/// Puts others in the place of a share of the words.
pub fn substitute(text: &str, share: f64, donors: &[&str], draws: &mut Draws) -> String {
    let mut words = split(text);
    for idx in draws.share(words.len(), share) {
        // A word is not put in its own place; of a thousand draws one will do.
        let mut others = (0..1000).filter_map(|_| donors.get(draws.below(donors.len())));
        if let Some(new) = others.find(|new| **new != words[idx].word) {
            words[idx].word = new;
        }
    }
    join(&words)
}

/// A text that is partly marked: the marked words stand between the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mixed {
    /// The text.
    pub text: String,
    /// Where the marked words begin, in bytes.
    pub from: usize,
    /// Where they end.
    pub to: usize,
}

/// The first words of a marked text in the middle of an unmarked one, so that the unmarked words are a share of a text that is
/// as long as the marked one was.
pub fn dilute(marked: &str, unmarked: &str, share: f64) -> Mixed {
    let (marked, unmarked) = (split(marked), split(unmarked));
    let foreign = (marked.len() as f64 * share).round() as usize;
    surround(&marked[..marked.len() - foreign.min(marked.len())], &unmarked[..foreign.min(unmarked.len())])
}

/// A marked text in the middle of an unmarked one.
pub fn bury(marked: &str, unmarked: &str) -> Mixed {
    surround(&split(marked), &split(unmarked))
}

fn surround(marked: &[Word<'_>], unmarked: &[Word<'_>]) -> Mixed {
    let (before, after) = unmarked.split_at(unmarked.len() / 2);
    let mut text = spaced(before);
    let from = text.len();
    text += &spaced(marked);
    let to = text.len();
    text += &join(after);
    Mixed { text, from, to }
}

/// Words put together, with white space after the last.
fn spaced(words: &[Word<'_>]) -> String {
    let mut text = join(words);
    if !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push(' ');
    }
    text
}
