//! Which tokens are evidence.

use stillmark_watermark::sites::{Before, Once, Rule, Sites, Text};

use crate::writer::Random;

const RULE: Rule = Rule {
    width: 2,
    before: Before::Nothing,
    once: Once::Never,
    skip: 0,
    end: None,
    vocab_size: None,
    places: None,
};

/// The positions of the sites of each text, and which of them are new among all.
fn check(rule: Rule, texts: &[(&[u32], usize)], positions: &[&[u32]], fresh: &[u8]) {
    let texts: Vec<Text<'_>> =
        texts.iter().map(|&(tokens, prompt_len)| Text { tokens, prompt_len }).collect();
    let sites = Sites::find(&texts, &rule);
    let found: Vec<&[u32]> = sites.texts.iter().map(|range| &sites.positions[range.clone()]).collect();
    assert_eq!(found, positions, "{rule:?}");
    assert_eq!(sites.fresh.iter().map(|fresh| u8::from(*fresh)).collect::<Vec<_>>(), fresh, "{rule:?}");
    for (text, (range, unscored)) in texts.iter().zip(sites.texts.iter().zip(&sites.unscored)) {
        let out = unscored.prompt + unscored.edge + unscored.repeated + unscored.outside;
        assert_eq!(range.len() as u64 + out, text.tokens.len() as u64, "{rule:?}: {unscored:?}");
        for site in range.clone() {
            let position = sites.positions[site] as usize;
            assert_eq!(sites.tokens[site], text.tokens[position]);
            let window = sites.slice(site..site + 1).window(0).to_vec();
            let filled = |back: usize| match (rule.before, position.checked_sub(back)) {
                (Before::Filler(filler), before) if before.is_none_or(|at| at < text.prompt_len) => filler,
                (_, before) => text.tokens[before.unwrap()],
            };
            assert_eq!(
                window,
                (1..=rule.width).rev().map(filled).collect::<Vec<_>>(),
                "{rule:?} at {position}"
            );
        }
    }
}

#[test]
fn windows_begin_where_the_rule_says() {
    let text: (&[u32], usize) = (&[1, 2, 3, 4, 5, 6], 3);
    check(RULE, &[text], &[&[5]], &[1]);
    check(Rule { before: Before::Prompt, ..RULE }, &[text], &[&[3, 4, 5]], &[1, 1, 1]);
    check(Rule { before: Before::Filler(9), ..RULE }, &[text], &[&[3, 4, 5]], &[1, 1, 1]);
    check(Rule { before: Before::Prompt, skip: 2, ..RULE }, &[text], &[&[4, 5]], &[1, 1]);
    check(Rule { before: Before::Prompt, ..RULE }, &[(&[1, 2, 3, 4], 0)], &[&[2, 3]], &[1, 1]);
    check(Rule { width: 0, before: Before::Prompt, ..RULE }, &[(&[1, 2], 1)], &[&[1]], &[1]);
    for before in [Before::Nothing, Before::Prompt, Before::Filler(9)] {
        check(Rule { before, ..RULE }, &[(&[], 0), (&[1, 2], 2), (&[1, 2], 7)], &[&[], &[], &[]], &[]);
    }
}

#[test]
fn what_repeats_is_passed_over() {
    // Windows: 12 23 31 12 23 31; tokens after them 3 1 2 4 1 2.
    let text: (&[u32], usize) = (&[1, 2, 3, 1, 2, 4, 1, 2, 3, 1], 0);
    check(Rule { once: Once::Window, ..RULE }, &[text], &[&[2, 3, 4, 6, 7]], &[1; 5]);
    check(Rule { once: Once::Pair, ..RULE }, &[text], &[&[2, 3, 4, 5, 6, 7]], &[1; 6]);
    check(Rule { once: Once::LastPair, ..RULE }, &[text], &[&[2, 3, 4, 5, 6]], &[1; 5]);
    check(Rule { once: Once::History(3), ..RULE }, &[text], &[&[2, 3, 4, 6, 7, 9]], &[1, 1, 1, 1, 1, 0]);
}

#[test]
fn what_texts_share_is_fresh_once() {
    let (a, b): (&[u32], &[u32]) = (&[1, 2, 3, 1, 2], &[2, 3, 1, 2, 9]);
    let rule = Rule { once: Once::Window, ..RULE };
    check(
        rule,
        &[(a, 0), (b, 0), (a, 0)],
        &[&[2, 3, 4], &[2, 3, 4], &[2, 3, 4]],
        &[1, 1, 1, 0, 0, 0, 0, 0, 0],
    );
    let texts = [a, b].map(|tokens| Text { tokens, prompt_len: 0 });
    let fresh = Sites::find(&texts, &rule).fresh_only();
    assert_eq!((fresh.len(), fresh.tokens), (3, vec![3, 1, 2]));
    check(RULE, &[(a, 0), (a, 0)], &[&[2, 3, 4], &[2, 3, 4]], &[1; 6]);
}

#[test]
fn the_end_and_the_vocabulary_bound_a_text() {
    let text: (&[u32], usize) = (&[1, 0, 2, 3, 4, 0, 5, 6], 2);
    check(Rule { end: Some(0), before: Before::Prompt, ..RULE }, &[text], &[&[2, 3, 4]], &[1; 3]);
    check(Rule { vocab_size: Some(4), before: Before::Prompt, ..RULE }, &[text], &[&[2, 3, 5]], &[1; 3]);
    check(Rule { end: Some(1), ..RULE }, &[(&[1, 2, 3], 0)], &[&[]], &[]);
}

/// What leads to a place of a short table that was led to before is passed over, in the next text again.
#[test]
fn places_count_once() {
    let rule = Rule { width: 0, places: Some(4), ..RULE };
    check(rule, &[(&[1, 2, 5, 3, 6, 4], 0), (&[1, 9, 8], 0)], &[&[0, 1, 3, 5], &[0, 2]], &[1, 1, 1, 1, 0, 0]);
}

/// Fingerprints decide nothing: among many texts, what is found is what comparing all with all finds.
#[test]
fn repetitions_are_found_exactly() {
    let mut random = Random(1);
    let texts: Vec<Vec<u32>> = (0..60).map(|_| (0..150).map(|_| random.below(4)).collect()).collect();
    for (once, before, after) in [(Once::Window, 3, 0), (Once::Pair, 3, 1), (Once::LastPair, 1, 1)] {
        let rule = Rule { width: 3, once, ..RULE };
        let found = Sites::find(
            &texts.iter().map(|tokens| Text { tokens, prompt_len: 0 }).collect::<Vec<_>>(),
            &rule,
        );
        let mut anywhere = std::collections::BTreeSet::new();
        let mut expected = Vec::new();
        for text in &texts {
            let mut seen = std::collections::BTreeSet::new();
            for at in 3..text.len() {
                let run = &text[at - before..at + after];
                if seen.insert(run) {
                    expected.push((at as u32, anywhere.insert(run)));
                }
            }
        }
        assert_eq!(found.positions.into_iter().zip(found.fresh).collect::<Vec<_>>(), expected, "{once:?}");
    }
}
