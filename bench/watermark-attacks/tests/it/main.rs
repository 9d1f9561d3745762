//! The attacks do what they say, at the strength that is asked for, and alike for one seed.

use stillmark_bench_watermark_attacks::{Draws, letters, sentences, words};
use stillmark_watermark::marker;

const TEXT: &str = "One two three. Four five, six seven!\n\nEight nine ten eleven twelve? Thirteen: fourteen fifteen \
                    sixteen seventeen eighteen.\nNineteen twenty";

const DONORS: [&str; 3] = ["alpha", "beta", "gamma"];

const SHARES: [f64; 5] = [0.1, 0.2, 0.3, 0.4, 0.5];

/// An attack changes the words by as much as its strength says; one seed attacks alike, another does not.
fn check(attack: fn(&str, f64, &mut Draws) -> String, changed: fn(before: &[&str], after: &[&str]) -> usize) {
    let long = TEXT.repeat(10);
    let before: Vec<&str> = long.split_whitespace().collect();
    let pieces = words::split(&long).len() as f64;
    for share in SHARES {
        let text = attack(&long, share, &mut Draws::new(7));
        let after: Vec<&str> = text.split_whitespace().collect();
        let expected = (share * pieces).round() as usize;
        let found = changed(&before, &after);
        assert!(found.abs_diff(expected) <= 1, "{found} words at {share}, not {expected}");
        assert_eq!(text, attack(&long, share, &mut Draws::new(7)));
        assert_ne!(text, attack(&long, share, &mut Draws::new(8)));
    }
    assert_eq!(attack(&long, 0.0, &mut Draws::new(7)), long);
}

#[test]
fn words_change_at_the_rate_that_is_asked_for() {
    check(words::delete, |before, after| before.len() - after.len());
    check(
        |text, share, draws| words::insert(text, share, &DONORS, draws),
        |before, after| after.len() - before.len(),
    );
    check(
        |text, share, draws| words::substitute(text, share, &DONORS, draws),
        |before, after| before.iter().zip(after).filter(|(before, after)| before != after).count(),
    );
}

#[test]
fn letters_change_at_the_rate_that_is_asked_for() {
    for share in [0.1, 0.5, 1.0] {
        let text = letters::homoglyphs(TEXT, share, &mut Draws::new(7));
        let changed = TEXT.chars().zip(text.chars()).filter(|(before, after)| before != after).count();
        let twins = TEXT.chars().filter(|c| "aceijopsxyABCEHKMOPSTX".contains(*c)).count();
        assert_eq!(changed, (share * twins as f64).round() as usize);
        let longer = letters::zero_width(TEXT, share, &mut Draws::new(7));
        let letters = TEXT.chars().filter(|c| c.is_alphabetic()).count();
        assert_eq!(longer.matches('\u{200B}').count(), (share * letters as f64).round() as usize);
        assert_eq!(marker::strip(&longer).0, TEXT);
    }
    assert_eq!(letters::title_case("one  two\nThree"), "One  Two\nThree");
}

#[test]
fn unmarked_words_surround_marked_ones() {
    let (marked, unmarked) = ("m ".repeat(100), "u ".repeat(300));
    for share in SHARES {
        let mixed = words::dilute(&marked, &unmarked, share);
        assert_eq!(mixed.text.split_whitespace().count(), 100);
        let inside = &mixed.text[mixed.from..mixed.to];
        assert_eq!(inside, "m ".repeat((100.0 * (1.0 - share)).round() as usize));
        assert!(!mixed.text[..mixed.from].contains('m') && !mixed.text[mixed.to..].contains('m'));
    }
    let mixed = words::bury(&marked, &unmarked);
    assert_eq!((mixed.from, mixed.to, mixed.text.len()), (300, 500, 800));
}

#[test]
fn sentences_move_whole() {
    let whole = sentences::sentences(TEXT);
    assert_eq!(whole.concat(), TEXT);
    assert_eq!(whole.len(), 5);
    let mut sorted: Vec<String> = whole.iter().map(|sentence| sentence.trim().to_owned()).collect();
    let moved = sentences::shuffle(TEXT, &mut Draws::new(7));
    assert_ne!(moved, TEXT);
    let mut found: Vec<String> =
        sentences::sentences(&moved).iter().map(|sentence| sentence.trim().to_owned()).collect();
    // The last had no full stop, so it may have become one with the next.
    found.sort();
    sorted.sort();
    assert_eq!(found.concat().replace(' ', "").len(), sorted.concat().replace(' ', "").len());
    assert_eq!(sentences::every_second("One. Two! Three? Four"), "One. Three? ");
}

#[test]
fn hidden_marks_survive_nothing_that_reads_the_text() {
    let key = marker::MarkKey::from_bytes([7; 32]);
    let marked = marker::embed(TEXT, b"tenant", &key, marker::Binding::Free).unwrap();
    let found = |text: &str| marker::find(text, std::slice::from_ref(&key)).marks.len();
    assert_eq!(found(&marked), 1);
    let ascii: String = marked.chars().filter(char::is_ascii).collect();
    for sanitized in [marker::strip(&marked).0, ascii] {
        assert_eq!(found(&sanitized), 0);
        assert_eq!(sanitized, TEXT);
    }
}
