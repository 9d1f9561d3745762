//! One text under many keys.

use std::hint::black_box;

use stillmark_watermark::Text;
use stillmark_watermark::attribute::{Suspect, attribute};
use stillmark_watermark::detect::{Input, Search, Settings, detect};
use stillmark_watermark::key::Tenant;

use super::texts::tokens;
use super::{VOCABULARIES, key};
use crate::measure::seconds;

/// Decoys of the test, and their number where the cost of all is reckoned from that of few.
const DECOYS: usize = 1000;
const FEW: usize = 2;

/// Seconds beyond which the decoys are not all run.
const LONG: f64 = 20.0;

const SETTINGS: Settings =
    Settings { decoys: DECOYS, decoy_seed: 1, level: 0.01, search: Search::Whole, keys_tried: 1 };

/// The whole test of a text of 100,000 tokens with 1,000 decoys. Where that would take long, it is reckoned from the test
/// without decoys and what two decoys add.
pub(super) fn decoys(scheme: &str) -> Result<f64, String> {
    let (key, tokens) = (key(scheme)?, tokens(100_000, VOCABULARIES[0]));
    let text = Text { tokens: &tokens, prompt_len: 0 };
    let input = [Input { id: "text", text, likelihoods: None }];
    let with = |decoys| {
        seconds(|| {
            black_box(detect(&key, &input, &Settings { decoys, ..SETTINGS }, &|| {}));
        })
    };
    let (none, few) = (with(0), with(FEW));
    let reckoned = none + (few - none) * DECOYS as f64 / FEW as f64;
    Ok(if reckoned > LONG { reckoned } else { with(DECOYS) })
}

/// Attribution of a text of 2,000 tokens among 10,000 tenants, 999 decoys beside them.
pub(super) fn attribution(scheme: &str) -> Result<f64, String> {
    let (master, tokens) = (key(scheme)?, tokens(2000, VOCABULARIES[0]));
    let suspect = |number: usize| {
        let id = format!("tenant-{number}");
        let key = master.tenant(&Tenant { id: &id, epoch: "2026-11", model: "model" });
        Suspect { name: id.clone(), commitment: None, key }
    };
    let suspects: Vec<Suspect> = (0..10_000).map(suspect).collect();
    let text = Text { tokens: &tokens, prompt_len: 0 };
    let input = [Input { id: "text", text, likelihoods: None }];
    let settings = Settings { decoys: 999, ..SETTINGS };
    let judge = || attribute(&suspects, &input, &settings, &|| {}).map_err(|error| error.to_string());
    judge()?;
    Ok(seconds(|| {
        black_box(judge().is_ok());
    }))
}
