//! Attacks on letters that leave a text readable, or even looking the same.

use crate::Draws;
use crate::words::split;

/// Latin letters with the Cyrillic ones that look like them.
const TWINS: [(char, char); 22] = [
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('j', 'ј'),
    ('o', 'о'),
    ('p', 'р'),
    ('s', 'ѕ'),
    ('x', 'х'),
    ('y', 'у'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('S', 'Ѕ'),
    ('T', 'Т'),
    ('X', 'Х'),
];

/// Puts the Cyrillic twin in the place of a share of the letters that have one.
pub fn homoglyphs(text: &str, share: f64, draws: &mut Draws) -> String {
    let twin = |c: char| TWINS.iter().find(|(latin, _)| *latin == c).map(|(_, cyrillic)| *cyrillic);
    let changed = draws.share(text.chars().filter(|c| twin(*c).is_some()).count(), share);
    let mut number = 0;
    text.chars()
        .map(|c| {
            let Some(twin) = twin(c) else { return c };
            number += 1;
            if changed.binary_search(&(number - 1)).is_ok() { twin } else { c }
        })
        .collect()
}

/// Puts a zero-width space behind a share of the letters.
pub fn zero_width(text: &str, share: f64, draws: &mut Draws) -> String {
    let places = draws.share(text.chars().filter(|c| c.is_alphabetic()).count(), share);
    let (mut number, mut longer) = (0, String::new());
    for c in text.chars() {
        longer.push(c);
        if c.is_alphabetic() {
            if places.binary_search(&number).is_ok() {
                longer.push('\u{200B}');
            }
            number += 1;
        }
    }
    longer
}

/// Writes the first letter of every word large.
pub fn title_case(text: &str) -> String {
    let raised = split(text).into_iter().map(|word| {
        let mut chars = word.word.chars();
        let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
        first + chars.as_str() + word.gap
    });
    raised.collect()
}
