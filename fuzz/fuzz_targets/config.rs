//! `config.json`: what is accepted is written and read back as the same decoder, and its tables can be made.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stillmark_fuzz::NOWHERE;
use stillmark_model::Config;
use stillmark_model::architecture::{inverse_frequencies, parameters, rope_magnitude};

fuzz_target!(|text: &str| {
    let path = Path::new(NOWHERE);
    let Ok(config) = Config::from_json(path, text) else { return };
    let again = Config::from_json(path, &config.to_json().to_string()).expect("what was written can be read");
    assert_eq!(again, config);
    assert!(inverse_frequencies(&config).iter().all(|frequency| frequency.is_finite()), "{config:?}");
    assert!(rope_magnitude(&config).is_finite());
    let _total: u64 = parameters(&config).iter().map(|one| one.len() as u64).sum();
});
