//! Marking: what is marked is found, and chosen as the scheme says.

use stillmark_evidence::watermark::Mark;
use stillmark_watermark::generate::{self, Chosen, Marking};
use stillmark_watermark::{Error, Key, words};

use crate::writer::{MARKING, Model, Random, SCHEMES, key};
use crate::{judged, scores_after};

/// A text under a key of a scheme is found by that key, and by no other key, scheme or width.
fn check(scheme: usize) {
    let own = key(scheme, 1);
    let what = SCHEMES[scheme];
    let text = Model::new(3.0).write(Some(&own), &Random(1).tokens(9), 300, 5);
    let found = judged(&own, &text.tokens, 9);
    assert_eq!(found.mark, Mark::Marked, "{what:?}: {found:?}");
    assert!(found.ln_p.is_some_and(|ln_p| ln_p < 1e-6_f64.ln()), "{what:?}: {found:?}");
    assert_eq!(found.unscored.prompt, 9);
    // Number 2 ranks first under SynthID of three tokens (p = 1.6e-4), by chance: `another_keys_mark_is_no_mark` counts how often.
    let other = judged(&key(scheme, 3), &text.tokens, 9);
    assert_ne!(other.mark, Mark::Marked, "{what:?}, another key: {other:?}");
    for (name, parameters) in
        [("vllm-philox", "context_width = 3\n"), ("synthid-transformers", "ngram_len = 6\n")]
    {
        let foreign = judged(&Key::generate(name, parameters, &[1; 32]).unwrap(), &text.tokens, 9);
        assert_ne!(foreign.mark, Mark::Marked, "{what:?} as {name}: {foreign:?}");
    }
}

#[test]
fn what_is_marked_is_found() {
    for scheme in MARKING {
        check(scheme);
    }
}

#[test]
fn unmarked_text_is_not() {
    let text = Model::new(3.0).write(None, &[], 400, 5);
    // Each decoy of a self-hash draws a table of a million entries.
    for scheme in (0..SCHEMES.len()).filter(|scheme| *scheme != 5) {
        let found = judged(&key(scheme, 1), &text.tokens, 0);
        assert_ne!(found.mark, Mark::Marked, "{:?}: {found:?}", SCHEMES[scheme]);
    }
}

/// The token chosen is argmax of logit − ln(−ln u), where the score of each token is −ln(1 − u).
#[test]
fn gumbel_choices_are_the_greatest() {
    let (model, mut random) = (Model::new(2.0), Random(3));
    for own in [key(0, 1), key(3, 1)] {
        let marking = Marking::new(&own).unwrap();
        for _ in 0..200 {
            let answer = random.tokens(4);
            let mut scores = model.after(&answer);
            let tokens: Vec<u32> = (0..scores.len() as u32).collect();
            let noise = scores_after(&own, &answer, &tokens)
                .into_iter()
                .map(|score| -(-(-(-score).exp_m1()).ln()).ln());
            let totals: Vec<f64> =
                scores.iter().zip(noise).map(|(score, noise)| f64::from(*score) + noise).collect();
            let greatest = (0..totals.len()).max_by(|a, b| totals[*a].total_cmp(&totals[*b])).unwrap();
            let chosen = marking.start().choose(&answer, &mut scores, 0.5);
            assert_eq!(chosen, Chosen::Token(greatest as u32));
        }
    }
}

/// Tokens that were filtered out are not chosen, and a choice among none is left to the sampler.
#[test]
fn only_what_was_kept_is_chosen() {
    for scheme in [0, 1, 3] {
        let own = key(scheme, 1);
        let marking = Marking::new(&own).unwrap();
        for token in [0, 1, 127, 128, 1023] {
            let mut scores = vec![f32::NEG_INFINITY; 1024];
            scores[token] = -80.0;
            assert_eq!(marking.start().choose(&[1, 2], &mut scores, 0.3), Chosen::Token(token as u32));
        }
        assert_eq!(
            marking.start().choose(&[1, 2], &mut vec![f32::NEG_INFINITY; 1024], 0.3),
            Chosen::Ordinary
        );
    }
}

/// A window marks once among the latest 8,192, whether these marked or not.
#[test]
fn a_window_marks_once() {
    let check = |own: &Key, expected: [bool; 3]| {
        let marking = Marking::new(own).unwrap();
        let mut marker = marking.start();
        let mut is_marked =
            |answer: &[u32]| marker.choose(answer, &mut vec![0.0; 64], 0.5) != Chosen::Ordinary;
        let first = is_marked(&[7, 7, 7, 7]);
        let second = is_marked(&[7, 7, 7, 7]);
        for other in 0..8192 {
            is_marked(&[other, 8, 8, 8]);
        }
        assert_eq!([first, second, is_marked(&[7, 7, 7, 7])], expected, "{own:?}");
    };
    check(&key(0, 1), [true, false, true]);
    check(
        &Key::parse("scheme = \"vllm-philox\"\nkey = 9\ndeduplicate = false\n").unwrap(),
        [true, true, true],
    );
    check(&key(3, 1), [true, false, false]);
    check(&key(9, 1), [true, false, true]);
}

#[test]
fn best_of_n_segments_are_found() {
    let (own, mut random) = (key(19, 1), Random(8));
    let (n, segment) = generate::segments(&own).unwrap();
    let mut word = || words(&format!("w{}", random.below(3000)))[0];
    let mut text = Vec::new();
    for _ in 0..60 {
        let candidates: Vec<Vec<u32>> = (0..n).map(|_| (0..segment).map(|_| word()).collect()).collect();
        let kept = generate::choose_segment(&own, &text, &candidates).unwrap();
        text.extend_from_slice(&candidates[kept]);
    }
    assert_eq!(judged(&own, &text, 0).mark, Mark::Marked);
    assert_ne!(judged(&key(19, 2), &text, 0).mark, Mark::Marked);
}

#[test]
fn what_only_detects_says_so() {
    for scheme in (0..SCHEMES.len()).filter(|scheme| !MARKING.contains(scheme)) {
        let refused = Marking::new(&key(scheme, 1)).map(|_| ());
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{:?}", SCHEMES[scheme]);
    }
    assert!(matches!(generate::choose_segment(&key(0, 1), &[], &[]), Err(Error::Unsupported { .. })));
}

/// A key's secret is in none of its words but its file.
#[test]
fn keys_do_not_show_their_secret() {
    let own = key(0, 0x5a);
    let shown = format!("{own:?} {:?} {:?}", own.parameters(), Marking::new(&own).unwrap());
    assert!(own.to_toml().contains("0x5a5a5a5a5a5a5a5a"));
    assert!(!shown.contains("5a5a") && !shown.contains(&0x5a5a_5a5a_5a5a_5a5a_u64.to_string()), "{shown}");
    for text in
        ["key = 0xdeadbeefdeadbeefdeadbeef", "key = \"deadbeef\"", "key = [0xdeadbeef]", "key = 0xdeadbeef x"]
    {
        let said = Key::parse(&format!("scheme = \"vllm-philox\"\n{text}\n")).unwrap_err().to_string();
        assert!(!said.contains("deadbeef") && !said.contains("3735928559"), "{said}");
    }
}
