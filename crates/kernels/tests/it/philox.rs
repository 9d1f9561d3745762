//! Philox, the uniform numbers and scores of sites, and the choice of tokens, against plain references.

use stillmark_kernels::isa::Isa;
use stillmark_kernels::log::{ln, ln_f32};
use stillmark_kernels::philox::{
    block, context_state, context_states_on, gumbel_choice, gumbel_choice_on, gumbel_scores_on, token_word,
    token_words_on, uniform,
};

use crate::{noise, words};

/// Philox4x32-10 as the paper states it.
fn plain_block(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let product = |multiplier: u32, word: u32| {
            let whole = u64::from(multiplier) * u64::from(word);
            ((whole >> 32) as u32, whole as u32)
        };
        let (high_0, low_0) = product(0xD251_1F53, counter[0]);
        let (high_1, low_1) = product(0xCD9E_8D57, counter[2]);
        counter = [high_1 ^ counter[1] ^ key[0], low_1, high_0 ^ counter[3] ^ key[1], low_0];
    }
    counter
}

fn plain_state(context: &[u32], key: u64) -> [u32; 4] {
    let mut state = [0x574D_4358, context.len() as u32, 0, 0];
    for offset in (0..context.len()).step_by(4) {
        for (word, state) in state.iter_mut().enumerate() {
            *state ^= context.get(offset + word).copied().unwrap_or(u32::MAX - word as u32);
        }
        state = plain_block(state, [key as u32 ^ offset as u32, (key >> 32) as u32]);
    }
    state
}

fn plain_word(state: [u32; 4], token: u32, key: u64) -> u32 {
    let key = [key as u32 ^ state[3], (key >> 32) as u32 ^ 0x574D_544B];
    plain_block([token / 4, state[0], state[1], state[2]], key)[token as usize % 4]
}

fn plain_uniform(word: u32) -> f32 {
    ((f64::from(word >> 8) + 1.0) / 16_777_217.0) as f32
}

fn plain_choice(logits: &[f32], state: [u32; 4], key: u64) -> Option<u32> {
    let mut best = None;
    for (token, logit) in logits.iter().enumerate() {
        let u = f64::from(plain_uniform(plain_word(state, token as u32, key)));
        let score = logit + -f64::from(-u.ln() as f32).ln() as f32;
        if score > best.map_or(f32::NEG_INFINITY, |(score, _)| score) {
            best = Some((score, token as u32));
        }
    }
    best.map(|(_, token)| token)
}

#[test]
fn blocks_are_those_of_the_papers_library() {
    // Random123's known answers, kat_vectors.
    let check = |counter, key, expected| assert_eq!(block(counter, key), expected);
    check([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    check([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    check(
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    );
}

#[test]
fn uniform_numbers_are_those_of_vllm() {
    let check = |context: &[u32], key, expected: &str| {
        let state = context_state(context, key);
        let tokens = [0, 1, 2, 3, 4, 5, 128_255, 248_319];
        let drawn = tokens.map(|token| format!("{:08x}", uniform(token_word(state, token, key)).to_bits()));
        assert_eq!(drawn.join(" "), expected);
    };
    // Drawn by vLLM 0.33.0's PhiloxPRF.
    check(
        &[119_686, 195_866, 151_813, 118_660],
        42,
        "3eca2247 3f7255e9 3edea579 3ec36d73 3f0d39cc 3e08fc4b 3f4f36db 3dce997f",
    );
    check(
        &[u32::MAX, u32::MAX, u32::MAX, 7],
        42,
        "3f16f3ef 3dd29917 3f7bc2c6 3e18b667 3e04f27f 3d8f4faf 3f20afe3 3f6f9237",
    );
    check(
        &[u32::MAX, u32::MAX, u32::MAX, u32::MAX, 7],
        u64::MAX,
        "3e9ffeb7 3f5ca55c 3f7d03e2 3f3ea5eb 3f7bd2f5 3f645182 3ed80aa7 3e673917",
    );
    check(&[197_644], 0, "3f24b437 3edd41a3 3d827a37 3e993aa1 3e915e1d 3eb79cfb 3f0f02f8 3d9c6327");
    check(
        &[
            9287, 196_552, 103_545, 45_071, 117_315, 69_532, 205_652, 55_377, 70_036, 92_190, 84_275,
            145_353, 53_070, 227_348, 75_409, 5994,
        ],
        u64::MAX,
        "3f15c2bb 3f1deb47 3e537a1b 3ebd8205 3f0eef10 3d6763cf 3ece6f8f 3df0a9a7",
    );
}

#[test]
fn every_uniform_number_is_rounded_as_a_division() {
    for upper in 0..1 << 24 {
        assert_eq!(uniform(upper << 8), plain_uniform(upper << 8));
    }
}

#[test]
fn sites_side_by_side_are_those_one_by_one() {
    for (count, width) in [(0, 4), (1, 4), (15, 1), (16, 2), (17, 3), (33, 4), (100, 5), (47, 8), (5, 16)] {
        let mut contexts = words(count * width, 3);
        contexts.iter_mut().step_by(7).for_each(|word| *word = u32::MAX);
        let tokens: Vec<u32> = words(count, 4).iter().map(|word| word % 200_000).collect();
        let key = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(count as u64);
        for isa in Isa::available() {
            check_sites(isa, &contexts, width, &tokens, key);
        }
    }
}

fn check_sites(isa: Isa, contexts: &[u32], width: usize, tokens: &[u32], key: u64) {
    let count = tokens.len();
    let want_states: Vec<_> = contexts.chunks(width).map(|context| plain_state(context, key)).collect();
    let mut states = vec![[0; 4]; count];
    context_states_on(isa, contexts, width, key, &mut states);
    assert_eq!(states, want_states, "{isa:?} {count} {width}");
    let want_words: Vec<_> =
        states.iter().zip(tokens).map(|(state, token)| plain_word(*state, *token, key)).collect();
    let mut drawn = vec![0; count];
    token_words_on(isa, &states, tokens, key, &mut drawn);
    assert_eq!(drawn, want_words, "{isa:?} {count} {width}");
    let mut scores = vec![f64::NAN; count];
    gumbel_scores_on(isa, contexts, width, tokens, key, &mut scores);
    for (word, score) in want_words.iter().zip(scores) {
        assert_near(score, -(-f64::from(plain_uniform(*word))).ln_1p(), 4e-16);
    }
}

fn assert_near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs(), "{got} for {want}");
}

#[test]
fn logarithms_are_near_those_of_the_standard_library() {
    let draws = words(200_000, 9);
    for pair in draws.chunks(2) {
        let bits = u64::from(pair[0]) << 32 | u64::from(pair[1]);
        let unit = (bits >> 11) as f64 * 2.0_f64.powi(-53);
        for x in
            [1.0 - unit, 1.0 - unit * 2.0_f64.powi(-(pair[0] as i32 & 31)), unit + 1e-300, unit * 1e300 + 1.0]
        {
            assert_near(ln(x), x.ln(), 3e-16);
        }
        let narrow = f32::from_bits((pair[1] % 0x7f00_0000).max(0x0080_0000));
        for x in [narrow, 1.0 - unit as f32 / 2.0, 1.0 + unit as f32] {
            assert_near(f64::from(ln_f32(x)), f64::from(x).ln(), 2e-7);
        }
    }
    assert_eq!((ln(1.0), ln_f32(1.0)), (0.0, 0.0));
}

/// Checks the choice among logits under several states on every path.
fn check_choice(logits: &[f32]) {
    for seed in 0..5 {
        let state = plain_state(&words(4, seed), seed);
        for isa in Isa::available() {
            let want = plain_choice(logits, state, seed);
            assert_eq!(gumbel_choice_on(isa, logits, state, seed), want, "{isa:?} {} {seed}", logits.len());
        }
    }
}

#[test]
fn the_choice_is_that_of_scoring_every_token() {
    for size in [0, 1, 2, 3, 5, 63, 64, 65, 129, 1000, 4099, 50_001] {
        for scale in [0.0, 1e-3, 1.0, 12.0, 1e3, 1e30] {
            let logits: Vec<f32> = noise(size, size as u64).iter().map(|x| x * scale).collect();
            check_choice(&logits);
            // As after top-k: most are out.
            let kept: Vec<f32> =
                logits.iter().map(|x| if *x < 0.97 * scale { f32::NEG_INFINITY } else { *x }).collect();
            check_choice(&kept);
        }
    }
    let mut odd = noise(300, 7);
    (odd[3], odd[77], odd[78], odd[290]) = (f32::NAN, f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY);
    check_choice(&odd);
    check_choice(&[f32::NAN, 1.0, f32::NAN, -1e38]);
}

#[test]
fn where_every_logit_is_out_nothing_is_chosen() {
    for logits in [&[][..], &[f32::NEG_INFINITY; 70], &[f32::NAN, f32::NEG_INFINITY]] {
        assert_eq!(gumbel_choice(logits, [1, 2, 3, 4], 5), None);
    }
}
