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
