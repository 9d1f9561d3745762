use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};
use stillmark_stats::torch::Generator;

use crate::{rows, vectors};

fn hex_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn seed(row: &Value) -> u64 {
    row["seed"].as_str().unwrap().parse().unwrap()
}

#[test]
fn permutations_are_those_of_torch() {
    let mut scratch = Vec::new();
    for vector in vectors("torch-random") {
        for row in rows(&vector, "randperm") {
            let n = row["n"].as_u64().unwrap() as usize;
            let whole = Generator::manual_seed(seed(row)).randperm_head(n, n, &mut scratch).to_vec();
            let bytes: Vec<u8> = whole.iter().flat_map(|&entry| i64::from(entry).to_le_bytes()).collect();
            assert_eq!(row["perm"]["sha256_le_i64"], hex_of(&bytes), "n {n}, seed {}", seed(row));
            // The head is the same without the rest.
            let head = Generator::manual_seed(seed(row)).randperm_head(n, n / 4, &mut scratch).to_vec();
            assert_eq!(head, whole[..n / 4]);
        }
    }
}

#[test]
fn uniform_numbers_and_bits_are_those_of_torch() {
    for vector in vectors("torch-random") {
        for row in rows(&vector, "rand_randint") {
            let mut generator = Generator::manual_seed(seed(row));
            for expected in rows(row, "rand_first16") {
                assert_eq!(*expected, format!("{:08x}", generator.rand().to_bits()));
            }
            let mut generator = Generator::manual_seed(seed(row));
            let bits: String = (0..65_536).map(|_| if generator.bit() { '1' } else { '0' }).collect();
            assert_eq!(row["randint2"]["ones"], bits.matches('1').count());
            assert_eq!(row["randint2"]["first64"], bits[..64]);
        }
    }
}

#[test]
fn a_head_is_that_of_swaps_one_by_one() {
    for (n, k, seed) in [
        (0, 0, 1),
        (1, 1, 2),
        (2, 1, 3),
        (2, 2, 3),
        (3, 9, 4),
        (625, 625, 5),
        (50_000, 12_500, 6),
        (128_256, 1, 7),
    ] {
        let mut generator = Generator::manual_seed(seed);
        let mut want: Vec<u32> = (0..n as u32).collect();
        for i in 0..k.min(n.max(1) - 1) {
            want.swap(i, i + generator.words(1)[0] as usize % (n - i));
        }
        let mut scratch = vec![9; 3];
        let got = Generator::manual_seed(seed).randperm_head(n, k, &mut scratch).to_vec();
        assert_eq!(got, want[..k.min(n)], "{n} {k}");
        // What is drawn next is what the swaps left.
        let mut after = Generator::manual_seed(seed);
        after.randperm_head(n, k, &mut scratch);
        assert_eq!(after.words(1), generator.words(1), "{n} {k}");
    }
}

#[test]
fn words_filled_skipped_and_drawn_are_one_stream() {
    let whole = Generator::manual_seed(5).words(3000);
    let mut generator = Generator::manual_seed(5);
    let mut parts = Vec::new();
    for count in [0, 1, 622, 1, 1, 623, 625, 1127] {
        parts.extend(generator.words(count));
    }
    assert_eq!(parts, whole);
    for n in [0, 1, 623, 624, 625, 1247, 1248, 2999] {
        let mut one_by_one = Generator::manual_seed(5);
        let want = (0..=n).map(|_| one_by_one.rand()).last();
        assert_eq!(Some(Generator::manual_seed(5).nth(n)), want, "{n}");
    }
}
