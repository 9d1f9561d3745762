//! Heads of permutations against building them.

use stillmark_kernels::isa::Isa;
use stillmark_kernels::shuffle::{head_on, in_heads_on};

use crate::words;

/// The first words of a Mersenne Twister, as the paper's recurrence has it.
fn plain_words(seed: u32, count: usize) -> Vec<u32> {
    let mut state = vec![seed];
    for i in 1..624_u32 {
        let before = state[i as usize - 1];
        state.push((before ^ (before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i));
    }
    for i in 0..count {
        let y = (state[i] & 0x8000_0000) | (state[i + 1] & 0x7fff_ffff);
        state.push(state[i + 397] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 });
    }
    let temper = |mut y: u32| {
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    };
    state[624..].iter().map(|y| temper(*y)).collect()
}

fn plain_head(words: &[u32], n: usize) -> Vec<u32> {
    let mut entries: Vec<u32> = (0..n as u32).collect();
    let k = words.len().min(n);
    for (i, word) in words.iter().enumerate().take(k) {
        entries.swap(i, i + *word as usize % (n - i));
    }
    entries[..k].to_vec()
}

fn check(n: usize, words: &[u32]) {
    let want = plain_head(words, n);
    for isa in Isa::available() {
        let mut got = vec![7; 3];
        head_on(isa, words, n, &mut got);
        assert!(got == want, "{isa:?} {n} {}", words.len());
    }
}

#[test]
fn heads_are_those_that_plain_swaps_build() {
    for n in [0, 1, 2, 3, 10, 511, 513, 1500, 5000] {
        for k in [0, 1, 2, n / 4, n / 2, n.max(1) - 1, n, n + 2] {
            check(n, &words(k, (n + k) as u64));
        }
    }
    // Every swap with itself, with the last, with the next.
    check(700, &[0; 650]);
    check(700, &(0..650).map(|i| 699 - i).collect::<Vec<_>>());
    check(700, &[1; 650]);
    check(700, &[u32::MAX; 650]);
    // The largest quotients and divisors.
    for n in [1_000_003, 1 << 24, 65_537] {
        let edge = u32::MAX / n;
        check(
            n as usize,
            &[u32::MAX, u32::MAX - 1, 0, n - 4, n - 5, n - 6, edge * (n - 6), edge * (n - 7) - 1],
        );
    }
}

#[test]
fn many_permutations_side_by_side_are_those_one_by_one() {
    for (n, k) in [(1, 1), (2, 1), (10, 9), (700, 650), (5000, 1250), (50_257, 12_564), (3, 0), (4, 9)] {
        for count in [0, 1, 15, 16, 17, 40] {
            let (seeds, tokens) = (words(count, 2), words(count, 3));
            let tokens: Vec<u32> = tokens.iter().map(|token| token % (n as u32 + 1)).collect();
            let want: Vec<bool> = seeds
                .iter()
                .zip(&tokens)
                .map(|(seed, token)| plain_head(&plain_words(*seed, k), n).contains(token))
                .collect();
            for isa in Isa::available() {
                let mut got = vec![true; count];
                in_heads_on(isa, &seeds, n, k, &tokens, &mut got);
                assert_eq!(got, want, "{isa:?} {n} {k} {count}");
            }
        }
    }
}
