//! Green lists: transformers, lm-watermarking, sbw, `three_bricks`.

use serde_json::Value;
use sha2::{Digest, Sha256};
use stillmark_stats::torch::Generator;
use stillmark_watermark::Key;
use stillmark_watermark::generate::Marking;

use crate::{hex, near, number, numbers, raw, rows, scores_after, text_of, vectors, without_bos};

/// The green tokens of a whole vocabulary after a window, lowest first.
fn green_of(key: &Key, window: &[u32], vocab: u32) -> Vec<u32> {
    let tokens: Vec<u32> = (0..vocab).collect();
    let scores = scores_after(key, window, &tokens);
    tokens.into_iter().filter(|token| scores[*token as usize] == 1.0).collect()
}

fn sha256_of(tokens: &[u32]) -> String {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| i64::from(*token).to_le_bytes()).collect();
    hex(&Sha256::digest(bytes))
}

/// A green list whose order is that of the drawing: compared as a set where all of it is given, else by its first entries.
fn check_list(list: &Value, green: &[u32], what: &str) {
    assert_eq!(list["n"], green.len(), "{what}");
    let mut given = numbers(list.get("all").unwrap_or(&list["first"]));
    given.sort_unstable();
    if given.len() == green.len() {
        assert_eq!(given, green, "{what}");
    } else {
        assert!(given.iter().all(|token| green.binary_search(token).is_ok()), "{what}");
    }
}

#[test]
fn transformers_lists_and_statistics() {
    let mut cases = 0;
    for vector in vectors("watermark-schemes", "kgw_transformers")
        .iter()
        .chain(&vectors("watermark-schemes", "more_kgw_transformers"))
    {
        for case in rows(vector, "cases") {
            cases += 1;
            for deduplicate in [false, true] {
                let key = Key::parse(&format!(
                    "scheme = \"kgw-transformers\"\nhashing_key = \"{}\"\ngreenlist_ratio = {}\n\
                     seeding_scheme = {}\ncontext_width = {}\nvocab_size = {}\ndeduplicate = {deduplicate}\n",
                    text_of(&case["hashing_key"]),
                    case["greenlist_ratio"],
                    case["seeding_scheme"],
                    case["context_width"],
                    case["vocab"]
                ))
                .unwrap();
                let found = raw(&key, &without_bos(case));
                let of = |row: &&Value| row["ignore_repeated_ngrams"] == deduplicate;
                for expected in rows(case, "detector").filter(of) {
                    assert_eq!(expected["num_tokens_scored"], found.scored);
                    assert_eq!(expected["num_green"].as_u64(), found.green);
                    near(found.statistic.unwrap(), number(&expected["z"]), 1e-12, "z");
                    near(found.p_normal.unwrap(), number(&expected["p_normal"]), 1e-9, "p of z");
                    let exact = number(&expected["p_exact_binomial_sf"]);
                    near(found.p.unwrap(), exact, 1e-12, "binomial p");
                }
                if deduplicate {
                    lists_and_bias(&key, case);
                }
            }
        }
    }
    assert!(cases >= 20, "{cases} cases");
}

fn lists_and_bias(key: &Key, case: &Value) {
    let vocab = case["vocab"].as_u64().unwrap() as u32;
    let salted = case["seeding_scheme"] == "selfhash";
    for row in rows(case, "greenlists").take(if vocab > 2000 { 2 } else { 9 }) {
        let context = numbers(&row["context"]);
        if !salted {
            check_list(&row["greenlist"], &green_of(key, &context, vocab), "transformers");
            continue;
        }
        // The list of a self-salted window decides about its last token alone.
        let (token, window) = context.split_last().unwrap();
        let list = numbers(row["greenlist"].get("all").unwrap_or(&row["greenlist"]["first"]));
        let green = scores_after(key, window, &[*token])[0] == 1.0;
        assert!(green == list.contains(token) || row["greenlist"].get("all").is_none());
    }
    let processor = &case["processor"];
    if processor.is_null() {
        return;
    }
    let seed = processor["scores_seed"].as_u64().unwrap();
    let mut logits = Generator::manual_seed(seed).randn(vocab as usize);
    let before = logits.clone();
    let marking = Marking::new(key).unwrap();
    marking.start().bias(&numbers(&processor["input_ids"]), &mut logits);
    let biased: Vec<u32> =
        (0..vocab).filter(|token| logits[*token as usize] != before[*token as usize]).collect();
    assert_eq!(processor["biased_ids"]["sha256_le_i64"], sha256_of(&biased), "{} biased", biased.len());
    assert!(biased.iter().all(|token| logits[*token as usize] == before[*token as usize] + 2.0));
}

#[test]
fn lm_watermarking_lists_and_statistics() {
    for vector in vectors("watermark-schemes", "kgw_lmwatermarking") {
        for case in rows(&vector, "cases") {
            let key = Key::parse(&format!(
                "scheme = \"kgw-lm-watermarking\"\nhash_key = {}\ngamma = {}\nscheme_name = {}\nvocab_size = {}\n",
                case["hash_key"], case["gamma"], case["scheme"], case["vocab"]
            ))
            .unwrap();
            let vocab = case["vocab"].as_u64().unwrap() as u32;
            for row in rows(case, "greenlists") {
                let context = numbers(&row["context"]);
                if case["self_salt"] == false {
                    check_list(&row["greenlist"], &green_of(&key, &context, vocab), "lm-watermarking");
                }
            }
            let found = raw(&key, &numbers(&case["sequence"]));
            assert_eq!(case["num_scored"], found.scored, "{}", case["scheme"]);
            assert_eq!(case["num_green"].as_u64(), found.green, "{}", case["scheme"]);
            near(found.statistic.unwrap(), number(&case["z"]), 1e-12, "z");
            near(found.p_normal.unwrap(), number(&case["p"]), 1e-9, "p of z");
        }
    }
}

#[test]
fn sbw_words_and_statistics() {
    let mut cases = 0;
    for vector in vectors("watermark-sbw", "") {
        for case in rows(&vector, "cases") {
            cases += 1;
            let key = Key::parse(&format!(
                "scheme = \"sbw\"\nhash_key = \"{}\"\ngamma = {}\nseeding_scheme = {}\nvocab_size = {}\n",
                text_of(&case["hash_key"]),
                case["gamma"],
                case["seeding_scheme"],
                case["vocab"]
            ))
            .unwrap();
            for row in rows(case, "green") {
                let (context, tokens) = (numbers(&row["context"]), numbers(&row["tokens"]));
                // A salted context keeps its width: its oldest token makes room for the candidate.
                let window = if case["self_salt"] == true { &context[1..] } else { &context[..] };
                let scores = scores_after(&key, window, &tokens);
                let green: String =
                    scores.iter().map(|score| if *score == 1.0 { '1' } else { '0' }).collect();
                assert_eq!(row["green"], green, "{}", case["seeding_scheme"]);
            }
            let found = raw(&key, &without_bos(case));
            for expected in rows(case, "detector").filter(|row| row["ignore_repeated_ngrams"] == true) {
                assert_eq!(expected["num_tokens_scored"], found.scored, "{}", case["seeding_scheme"]);
                assert_eq!(expected["num_green"].as_u64(), found.green, "{}", case["seeding_scheme"]);
                near(found.statistic.unwrap(), number(&expected["z"]), 1e-12, "z");
            }
        }
    }
    assert!(cases >= 10, "{cases} cases");
}

#[test]
fn three_bricks_lists_and_numbers() {
    for vector in vectors("watermark-schemes", "three_bricks") {
        let vocab = vector["vocab"].as_u64().unwrap() as u32;
        for row in rows(&vector, "rows") {
            let ngram = numbers(&row["ngram"]);
            let of = |scheme: &str, gamma: &str| {
                // The vectors give the seed of a window; that of the key is 0.
                let text =
                    format!("scheme = \"{scheme}\"\nseed = 0\nngram = 2\nvocab_size = {vocab}\n{gamma}");
                Key::parse(&text).unwrap()
            };
            let maryland = of("three-bricks-maryland", "gamma = 0.25\n");
            check_list(&row["greenlist"], &green_of(&maryland, &ngram, vocab), "three_bricks");
            let openai = of("three-bricks-openai", "");
            let scores = scores_after(&openai, &ngram, &[0, 1, 2, 3, 4, 5, 6, 7]);
            // The reference takes this logarithm in f32.
            near(scores[3], number(&row["score_openai_tok3"]), 1e-7, "OpenAI's score");
            for (score, bits) in scores.iter().zip(rows(row, "rand_first8")) {
                let u = f32::from_bits(u32::from_str_radix(bits.as_str().unwrap(), 16).unwrap());
                near(*score, -(-f64::from(u)).ln_1p(), 1e-12, "OpenAI's u");
            }
        }
    }
}

#[test]
fn three_bricks_seeds_come_from_the_key() {
    let vectors = vectors("watermark-schemes", "three_bricks");
    // s = seed; s = s * 35317 + t: a key of its own shifts every seed.
    let row = &vectors[0]["rows"][0];
    assert_eq!(row["seed"], (5 * 35_317 + 7).to_string());
}
