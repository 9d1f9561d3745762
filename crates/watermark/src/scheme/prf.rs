//! The seeding functions of the green-list family: from a window of tokens to a seed.
//!
//! Names are those of lm-watermarking (Kirchenbauer et al. 2023, "On the Reliability of Watermarks for Large Language Models",
//! section 3); arithmetic is that of torch's 64-bit integers, which wrap.

use std::sync::OnceLock;

use stillmark_stats::torch::Generator;

/// How many entries the hash table of the family has.
const TABLE: usize = 1_000_003;

/// What lm-watermarking draws its table with.
const LM_TABLE_SEED: u64 = 2_971_215_073;

/// A function from a window to a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// key · Σ x, in whole numbers without bound.
    Additive,
    /// key · x of the last token alone.
    Last,
    /// key · Σ x, wrapping.
    AdditiveWrapping,
    /// key · Π x.
    Multiplicative,
    /// key · min x.
    Least,
    /// Π h(key · x) of every second token.
    SimpleSkip,
    /// h(key · x) of the first token.
    Skipgram,
    /// h(key · x) of the first token times that of the last.
    AnchoredSkipgram,
    /// min h(key · x).
    Minhash,
    /// min key · h(x) · h(last).
    AnchoredMinhash,
    /// The least product of two of the h(key · x).
    MinSkipgram,
    /// key ← key · h(key · x) mod 2³², one token after another.
    Noncommutative,
    /// key · Σ i · x.
    Position,
    /// s ← (s · 35317 + x) mod (2⁶⁴ − 1), one token after another (`three_bricks`).
    Bricks,
}

/// A hash of whole numbers to positive ones.
#[derive(Debug, Clone)]
pub(crate) enum Hash {
    /// A permutation, looked up at x mod its length, plus 1.
    Table(&'static [u32]),
    /// A permutation of this key's own.
    Own(std::sync::Arc<Vec<u32>>),
    /// Jenkins' integer hash of x + 1 in 32 bits.
    Jenkins,
}

/// The names of lm-watermarking's functions.
pub(crate) const NAMES: [(&str, Function); 11] = [
    ("additive_prf", Function::Additive),
    ("multiplicative_prf", Function::Multiplicative),
    ("minfunc_prf", Function::Least),
    ("simple_skip_prf", Function::SimpleSkip),
    ("skipgram_prf", Function::Skipgram),
    ("anchored_skipgram_prf", Function::AnchoredSkipgram),
    ("minhash_prf", Function::Minhash),
    ("anchored_minhash_prf", Function::AnchoredMinhash),
    ("minskipgram_prf", Function::MinSkipgram),
    ("noncomm_prf", Function::Noncommutative),
    ("position_prf", Function::Position),
];

impl Hash {
    /// lm-watermarking's table.
    pub(crate) fn shared() -> Self {
        static SHARED: OnceLock<Vec<u32>> = OnceLock::new();
        Self::Table(SHARED.get_or_init(|| table(LM_TABLE_SEED)))
    }

    /// The table of transformers' self-hash, drawn with the key.
    pub(crate) fn of_key(key: i128) -> Self {
        Self::Own(std::sync::Arc::new(table(key as u64)))
    }

    fn of(&self, x: i64) -> i64 {
        let place = || x.rem_euclid(TABLE as i64) as usize;
        match self {
            Self::Table(table) => i64::from(table[place()]) + 1,
            Self::Own(table) => i64::from(table[place()]) + 1,
            Self::Jenkins => jenkins(x),
        }
    }
}

fn table(seed: u64) -> Vec<u32> {
    let mut entries = Vec::new();
    Generator::manual_seed(seed).randperm_head(TABLE, TABLE, &mut entries);
    entries
}

fn jenkins(x: i64) -> i64 {
    let mut i = x.wrapping_add(1) as i32;
    i = i.wrapping_sub(i << 6);
    i ^= i >> 17;
    i = i.wrapping_sub(i << 9);
    i ^= i << 4;
    i = i.wrapping_sub(i << 3);
    i ^= i << 10;
    i ^= i >> 15;
    i64::from(i)
}

/// The value of a function for a window whose last token is the anchor; not yet reduced to a seed.
pub(crate) fn value(function: Function, hash: &Hash, key: i128, window: &[u32]) -> i128 {
    let salt = key as i64;
    let tokens = || window.iter().map(|token| i64::from(*token));
    let last = tokens().next_back().unwrap_or_default();
    let first = tokens().next().unwrap_or_default();
    let salted = |x: i64| hash.of(salt.wrapping_mul(x));
    let wrapped = match function {
        Function::Additive => return key * tokens().map(i128::from).sum::<i128>(),
        Function::Last => return key * i128::from(last),
        Function::Bricks => {
            let modulus = i128::from(u64::MAX);
            return tokens().fold(key, |s, x| (s * 35_317 + i128::from(x)) % modulus);
        }
        Function::AdditiveWrapping => salt.wrapping_mul(tokens().fold(0, i64::wrapping_add)),
        Function::Multiplicative => salt.wrapping_mul(tokens().fold(1, i64::wrapping_mul)),
        Function::Least => salt.wrapping_mul(tokens().min().unwrap_or_default()),
        Function::SimpleSkip => tokens().step_by(2).map(salted).fold(1, i64::wrapping_mul),
        Function::Skipgram => salted(first),
        Function::AnchoredSkipgram => salted(first).wrapping_mul(salted(last)),
        Function::Minhash => tokens().map(salted).min().unwrap_or_default(),
        Function::AnchoredMinhash => {
            let anchor = hash.of(last);
            let anchored = |x| salt.wrapping_mul(hash.of(x)).wrapping_mul(anchor);
            tokens().map(anchored).min().unwrap_or_default()
        }
        Function::MinSkipgram => least_product(&tokens().map(salted).collect::<Vec<_>>()),
        Function::Noncommutative => {
            let step = |key: i64, x| key.wrapping_mul(hash.of(key.wrapping_mul(x))).rem_euclid(1 << 32);
            tokens().fold(salt, step)
        }
        Function::Position => {
            let weighted = (1_i64..).zip(tokens()).map(|(i, x)| salt.wrapping_mul(x).wrapping_mul(i));
            weighted.fold(0, i64::wrapping_add)
        }
    };
    i128::from(wrapped)
}

fn least_product(values: &[i64]) -> i64 {
    let pairs = values.iter().enumerate().flat_map(|(i, a)| values[i + 1..].iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| a.wrapping_mul(*b)).min().unwrap_or_default()
}
