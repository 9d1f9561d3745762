//! Numbers written in English words, for BIG-Bench Hard answers that hold no digit.

use std::collections::BTreeMap;

use regex::Regex;

use super::pattern::Pick;

/// The harness's pattern of a number in words, with its peculiarities: `six` alone is none, `none` holds `one`, a hyphen parts a number.
const IN_WORDS: &str = "(?:(?:zero|one|two|three|four|five|(?:twen|thir|for|fif|six|seven|nine)(?:teen|ty)|eight(?:|een|y)|ten\
    |eleven|twelve|fourteen|hundred|thousand|(?:m|b|tr)illion)\
    (?:zero|one|two|three|four|five|(?:twen|thir|for|fif|six|seven|nine)(?:|teen|ty)|eight(?:een|y)|ten\
    |eleven|twelve|fourteen|hundred|thousand|(?:m|b|tr)illion|[ \\t\\x0b\\x0c\\x1c-\\x1f\\u{85}\\u{a0}]|,|and|&)+)?\
    (?:zero|one|two|three|four|five|(?:twen|thir|for|fif|six|seven|nine)(?:teen|ty)|eight(?:een|y)|ten\
    |eleven|twelve|fourteen|hundred|thousand|(?:m|b|tr)illion)";

/// The number that a text writes in words; none where there is none.
pub(super) fn number_in_words(pick: Pick, text: &str) -> Option<u64> {
    let in_words = Regex::new(IN_WORDS).ok()?;
    let lower = text.to_lowercase();
    let mut matches = in_words.find_iter(&lower);
    let found = match pick {
        Pick::First => matches.next(),
        Pick::Last => matches.last(),
    }?;
    let values = values();
    let words = found.as_str().split(|c: char| !c.is_alphabetic());
    said(&words.filter_map(|word| values.get(word).copied()).collect::<Vec<_>>())
}

/// What a run of number words adds up to.
fn said(run: &[u64]) -> Option<u64> {
    if run.is_empty() {
        return None;
    }
    let (mut total, mut part) = (0_u64, 0_u64);
    for value in run {
        match *value {
            100 => part = part.max(1).saturating_mul(100),
            scale if 1000 <= scale => {
                total = total.saturating_add(part.max(1).saturating_mul(scale));
                part = 0;
            }
            small => part = part.saturating_add(small),
        }
    }
    Some(total.saturating_add(part))
}

fn values() -> BTreeMap<&'static str, u64> {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let small = SMALL.into_iter().zip(0..);
    let tens = TENS.into_iter().zip((20..).step_by(10));
    let large = [("hundred", 100), ("thousand", 1_000), ("million", 1_000_000), ("billion", 1_000_000_000)];
    small.chain(tens).chain(large).collect()
}
