//! What a draw, a site or an entry of the vocabulary costs in each watermark's kernel, on one thread.

use std::hint::black_box;
use std::time::Instant;

use stillmark_kernels::peak;
use stillmark_kernels::philox::{gumbel_choice, gumbel_scores};
use stillmark_kernels::shuffle::{head, in_heads};
use stillmark_kernels::tournament::scores;
use stillmark_stats::torch::Generator;

const VOCABULARY: usize = 128_256;
const KEY: u64 = 0x0123_4567_89AB_CDEF;

/// Prints the table.
pub(crate) fn print() {
    let giga = clock();
    println!("\nwatermarks on one thread at {giga:.1} GHz, medians");
    println!("{:<58} {:>8} {:>8} {:>6}", "kernel", "ns", "limit", "%");
    let row = |name: &str, count: usize, cycles: f64, work: &mut dyn FnMut()| {
        let (ns, limit) = (median(work) * 1e9 / count as f64, cycles / giga);
        println!("{name:<58} {ns:>8.3} {limit:>8.3} {:>5.0}%", 100.0 * limit / ns);
    };
    sites(&row);
    choices(&row);
    tournaments(&row);
    green_lists(&row);
    followed(&row);
}

type Row<'a> = &'a dyn Fn(&str, usize, f64, &mut dyn FnMut());

fn sites(row: Row<'_>) {
    let count = 20_000;
    let contexts = words(4 * count);
    let tokens: Vec<u32> = words(count).iter().map(|word| word % VOCABULARY as u32).collect();
    let mut scores = vec![0.0; count];
    // One multiplication of 8 lanes a cycle: 20 rounds of two are 40 cycles for 8 sites.
    row("philox, a site of width 4, one key", count, 5.0, &mut || {
        gumbel_scores(&contexts, 4, &tokens, KEY, &mut scores);
        black_box(&scores);
    });
}

fn choices(row: Row<'_>) {
    for (name, spread) in [("flat", 0.0), ("normal", 1.0), ("normal, deviation 3", 3.0)] {
        let logits: Vec<f32> = normal(VOCABULARY).iter().map(|x| x * spread).collect();
        // Twenty multiplications of 8 lanes, one a cycle, for 32 words.
        row(&format!("philox, choice of 128,256, {name}: an entry"), VOCABULARY, 0.625, &mut || {
            black_box(gumbel_choice(&logits, [1, 2, 3, 4], KEY));
        });
    }
}

fn tournaments(row: Row<'_>) {
    let logits: Vec<f32> = normal(VOCABULARY).iter().map(|x| x * 3.0).collect();
    let table = words(1 << 16);
    let mut work = logits.clone();
    // Thirty-one passes of 12 bytes a place, 32 bytes a cycle, over 2^16 places.
    let cycles = 31.0 * 12.0 / 32.0 * 65_536.0 / VOCABULARY as f64;
    row("tournament, depth 30: an entry of 128,256", VOCABULARY, cycles, &mut || {
        work.copy_from_slice(&logits);
        scores(&mut work, &table, 12_345, 30);
        black_box(&work);
    });
}

fn green_lists(row: Row<'_>) {
    let k = VOCABULARY / 4;
    let mut words = vec![0; k];
    // 4 words a step and 20 operations a word: 2 a cycle.
    row("Mersenne Twister, a word", k, 2.0, &mut || {
        let mut generator = Generator::manual_seed(42);
        generator.fill(&mut words);
        black_box(&words);
    });
    let mut entries = Vec::new();
    // Two stores a draw, one a cycle.
    row("green list of a quarter of 128,256: an entry", VOCABULARY, 0.5, &mut || {
        Generator::manual_seed(42).fill(&mut words);
        head(&words, VOCABULARY, &mut entries);
        black_box(&entries);
    });
}

fn followed(row: Row<'_>) {
    let (seeds, mut tokens) = (words(64), words(64));
    for token in &mut tokens {
        *token %= VOCABULARY as u32;
    }
    let mut inside = vec![false; 64];
    row("green list, a seed and token each, 64 of them: an entry", 64 * VOCABULARY, 0.5, &mut || {
        in_heads(&seeds, VOCABULARY, VOCABULARY / 4, &tokens, &mut inside);
        black_box(&inside);
    });
}

fn words(count: usize) -> Vec<u32> {
    let mut state = KEY;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        })
        .collect()
}

/// Numbers that are nearly normal: twelve uniform ones less six.
fn normal(count: usize) -> Vec<f32> {
    let unit = |word: &u32| *word as f32 / u32::MAX as f32;
    words(12 * count).chunks(12).map(|words| words.iter().map(unit).sum::<f32>() - 6.0).collect()
}

/// The clock in GHz.
fn clock() -> f64 {
    let mut cycles = 0.0;
    let seconds = median(&mut || cycles = black_box(peak::chain(1_000_000)).0);
    cycles / seconds / 1e9
}

/// The median time over a quarter of a second, in seconds.
fn median(work: &mut dyn FnMut()) -> f64 {
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed().as_secs_f64() < 0.25 || times.len() < 3 {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
