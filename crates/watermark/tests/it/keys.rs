//! Key files, our own schemes, tenants, decoys and commitments, by the vectors of a second program.

use serde_json::Value;
use stillmark_watermark::detect::{self, Input, Settings};
use stillmark_watermark::generate::{self, Chosen, Marking};
use stillmark_watermark::key::Tenant;
use stillmark_watermark::{Error, Key, Text, words};

use crate::{SETTINGS, near, number, numbers, raw, rows, scores_after, vectors};

/// The files of the folder; one that nobody reads would prove nothing.
const FILES: [&str; 17] = [
    "accepted",
    "best-of-n-choices",
    "best-of-n-scores",
    "best-of-n-texts",
    "best-of-n-words",
    "commitments",
    "decoys",
    "gumbel-choices",
    "gumbel-scores",
    "gumbel-texts",
    "materials",
    "missing",
    "names",
    "not-toml",
    "tenants",
    "unknown-keys",
    "values",
];

/// The cases of one file.
fn cases(name: &str) -> Vec<Value> {
    assert!(FILES.contains(&name));
    let file = vectors("watermark-key", &format!("{name}.json")).remove(0);
    let cases = file.as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap()
}

fn bytes(case: &Value, name: &str) -> [u8; 32] {
    let digits = text(case, name);
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn gumbel(case: &Value, width: usize) -> Key {
    let key = text(case, "key");
    Key::parse(&format!("scheme = \"stillmark-gumbel\"\nkey = \"{key}\"\ncontext_width = {width}\n")).unwrap()
}

fn best_of_n(case: &Value) -> Key {
    Key::parse(&format!("scheme = \"best-of-n\"\nkey = \"{}\"\n", text(case, "key"))).unwrap()
}

/// The word that the vectors have for what became of a key file.
fn outcome(read: &Result<Key, Error>) -> &'static str {
    match read {
        Ok(_) => "success",
        Err(Error::Toml { .. }) => "not-toml",
        Err(Error::UnknownKey { .. }) => "unknown-key",
        Err(Error::Missing { .. }) => "missing",
        Err(Error::Value { .. }) => "bad-value",
        Err(Error::UnknownScheme { .. }) => "unknown-scheme",
        Err(_) => "other",
    }
}

#[track_caller]
fn check_file(case: &Value) {
    let file = text(case, "toml");
    let read = Key::parse(file);
    assert_eq!(outcome(&read), text(case, "expect"), "{file}");
    match read {
        Ok(key) => {
            let canonical = key.to_toml();
            if let Some(expected) = case["canonical"].as_str() {
                assert_eq!(canonical, expected, "{file}");
            }
            assert_eq!(Key::parse(&canonical).unwrap().to_toml(), canonical, "{file}");
        }
        Err(Error::Toml { line }) => assert_eq!(case["line"], line, "{file}"),
        Err(err) => {
            let said = format!("{err} {err:?}");
            // What stands in a key file may be a key: it is never repeated.
            assert!(case["hides"].as_str().is_none_or(|secret| !said.contains(secret)), "{said}");
            if let Some(near) = case["near"].as_str() {
                assert!(said.contains(&format!("did you mean `{near}`?")), "{said}");
            }
        }
    }
}

#[test]
fn the_folder_holds_what_is_read() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/watermark-key");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()
    };
    let mut found: Vec<String> = std::fs::read_dir(folder).unwrap().map(name).collect();
    found.sort();
    assert_eq!(found, FILES);
}

#[test]
fn key_files() {
    for name in ["accepted", "missing", "names", "not-toml", "unknown-keys", "values"] {
        cases(name).iter().for_each(check_file);
    }
}

#[test]
fn what_a_key_shows_is_no_secret() {
    for case in cases("accepted") {
        let key = Key::parse(text(&case, "toml")).unwrap();
        let shown = format!("{key:?} {:?}", key.parameters());
        for name in ["key", "key_a", "key_b", "hashing_key", "hash_key", "keys", "secret_key", "seed"] {
            assert!(!key.parameters().contains_key(name), "{shown}");
        }
        assert!(!shown.contains("ccddeeff"), "{shown}");
    }
}

#[test]
fn gumbel_scores() {
    for case in cases("gumbel-scores") {
        let window = numbers(&case["window"]);
        let token = case["token"].as_u64().unwrap() as u32;
        let score = scores_after(&gumbel(&case, window.len()), &window, &[token])[0];
        near(score, number(&case["score"]), 1e-13, "score of u");
    }
}

#[test]
fn gumbel_texts() {
    for case in cases("gumbel-texts") {
        let key = gumbel(&case, case["context_width"].as_u64().unwrap() as usize);
        let tokens = numbers(&case["tokens"]);
        let prompt_len = case["prompt_len"].as_u64().unwrap() as usize;
        let input = Input { id: "text", text: Text { tokens: &tokens, prompt_len }, likelihoods: None };
        let found = detect::detect(&key, &[input], &SETTINGS, &|| {}).texts.remove(0);
        assert_eq!(case["scored"], found.scored);
        near(found.statistic.unwrap_or(0.0), number(&case["statistic"]), 1e-12, "statistic");
    }
}

#[test]
fn gumbel_choices() {
    for case in cases("gumbel-choices") {
        let key = gumbel(&case, 4);
        let marking = Marking::new(&key).unwrap();
        let (mut marker, answer) = (marking.start(), numbers(&case["answer"]));
        let mut scores: Vec<f32> = rows(&case, "scores")
            .map(|score| score.as_f64().map_or(f32::NEG_INFINITY, |score| score as f32))
            .collect();
        let chosen = marker.choose(&answer, &mut scores, 0.5);
        assert_eq!(chosen, Chosen::Token(case["token"].as_u64().unwrap() as u32));
        // A window chooses once an answer.
        assert_eq!(marker.choose(&answer, &mut scores, 0.5), Chosen::Ordinary);
    }
}

#[test]
fn best_of_n_words() {
    for case in cases("best-of-n-words") {
        assert_eq!(words(text(&case, "text")), numbers(&case["words"]), "{}", text(&case, "text"));
    }
}

#[test]
fn best_of_n_scores_and_texts() {
    for case in cases("best-of-n-scores") {
        let of = |name: &str| case[name].as_u64().unwrap() as u32;
        let score = scores_after(&best_of_n(&case), &[of("before")], &[of("word")])[0];
        near(score, number(&case["score"]), 1e-13, "score of a pair");
    }
    for case in cases("best-of-n-texts") {
        let found = raw(&best_of_n(&case), &numbers(&case["words"]));
        assert_eq!(case["scored"], found.scored);
        near(found.statistic.unwrap(), number(&case["statistic"]), 1e-12, "statistic");
    }
}

#[test]
fn best_of_n_choices() {
    for case in cases("best-of-n-choices") {
        let candidates: Vec<Vec<u32>> = rows(&case, "candidates").map(numbers).collect();
        let chosen = generate::choose_segment(&best_of_n(&case), &numbers(&case["text"]), &candidates);
        assert_eq!(case["chosen"], chosen.unwrap(), "{}", case["gains"]);
    }
}

#[test]
fn tenants() {
    for case in cases("tenants") {
        let master = Key::parse(text(&case, "master")).unwrap();
        let tenant =
            Tenant { id: text(&case, "tenant"), epoch: text(&case, "epoch"), model: text(&case, "model") };
        assert_eq!(master.tenant(&tenant).to_toml(), text(&case, "toml"), "{tenant:?}");
    }
}

#[test]
fn commitments() {
    for case in cases("commitments") {
        let key = Key::parse(text(&case, "toml")).unwrap();
        assert_eq!(key.commitment(&bytes(&case, "salt")), bytes(&case, "commitment"));
    }
}

#[test]
fn keys_of_material() {
    for case in cases("materials") {
        let key = Key::parse(text(&case, "toml")).unwrap();
        let made = key.scheme().with_key(&bytes(&case, "material"));
        let line = |(name, value)| format!("{name} = {value}\n");
        let lines: Vec<String> = made.fields().iter().map(line).collect();
        assert_eq!(format!("scheme = \"{}\"\n{}", made.name(), lines.concat()), text(&case, "made"));
    }
}

#[test]
fn ranks_among_decoys() {
    for case in cases("decoys") {
        let key = Key::parse(text(&case, "toml")).unwrap();
        let decoys = case["decoys"].as_u64().unwrap() as usize;
        let settings = Settings { decoys, decoy_seed: text(&case, "seed").parse().unwrap(), ..SETTINGS };
        let tokens = numbers(&case["tokens"]);
        let input = Input { id: "text", text: Text { tokens: &tokens, prompt_len: 0 }, likelihoods: None };
        let found = detect::detect(&key, &[input], &settings, &|| {}).texts.remove(0);
        near(found.statistic.unwrap(), number(&case["statistic"]), 1e-12, "statistic");
        let rank = (1.0 + number(&case["at_least"])) / (decoys as f64 + 1.0);
        near(found.decoy_p.unwrap(), rank, 1e-12, "rank among decoys");
    }
}
