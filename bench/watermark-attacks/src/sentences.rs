//! Attacks on the order of sentences: words inside a sentence stay where they are.

use crate::Draws;
use crate::words::{Word, join, split};

/// Cuts a text into sentences: a line ends one, and so does a word that ends in a full stop, a question or an exclamation mark.
pub fn sentences(text: &str) -> Vec<String> {
    let ends = |word: &Word<'_>| {
        let bare = word.word.trim_end_matches(['"', '\'', ')', '*', '”']);
        bare.ends_with(['.', '!', '?']) || word.gap.contains('\n')
    };
    split(text).split_inclusive(ends).map(join).collect()
}

/// Puts the sentences into random order.
pub fn shuffle(text: &str, draws: &mut Draws) -> String {
    let mut sentences = sentences(text);
    draws.shuffle(&mut sentences);
    spaced(&sentences)
}

/// Keeps every second sentence, the first included.
pub fn every_second(text: &str) -> String {
    spaced(&sentences(text).into_iter().step_by(2).collect::<Vec<_>>())
}

fn spaced(sentences: &[String]) -> String {
    let mut text = String::new();
    for sentence in sentences {
        if !text.is_empty() && !text.ends_with(char::is_whitespace) {
            text.push(' ');
        }
        text += sentence;
    }
    text
}
