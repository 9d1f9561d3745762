//! What is measured of ours: each figure by its name, in seconds.

mod detecting;
mod keys;
mod marking;
mod texts;

use serde_json::json;
use stillmark_watermark::Key;

use crate::measure;

/// The largest vocabulary in wide use, Llama 3's, and `SmolLM2`'s.
pub(crate) const VOCABULARIES: [usize; 2] = [128_256, 49_152];

/// Measures a figure and prints it as JSON.
pub(crate) fn print(name: &str) -> Result<(), String> {
    let clock = measure::clock();
    let seconds = of(name)?;
    let figure =
        json!({ "figure": name, "seconds": seconds, "peak_mb": measure::peak_mb(), "clock_ghz": clock });
    println!("{figure}");
    Ok(())
}

/// Seconds for an entry of the vocabulary, a token, or the whole test, as the figure has it. A name is a kind, and what the
/// kind needs, parted by colons.
fn of(name: &str) -> Result<f64, String> {
    let words: Vec<&str> = name.split(':').collect();
    let number = |word: &str| word.parse::<usize>().map_err(|error| format!("`{word}`: {error}"));
    match words.as_slice() {
        ["gumbel-kernel", vocabulary] => Ok(marking::gumbel_kernel(number(vocabulary)?)),
        ["list", vocabulary] => Ok(marking::list(number(vocabulary)?)),
        ["tournament", vocabulary] => Ok(marking::tournament(number(vocabulary)?)),
        ["choose", scheme, vocabulary] => marking::choose(scheme, number(vocabulary)?),
        ["bias", variant, vocabulary] => marking::bias(variant, number(vocabulary)?),
        ["sites", scheme, length] => detecting::sites(scheme, number(length)?),
        ["pool", scheme, length] => detecting::pool(scheme, number(length)?),
        ["detect", scheme, length] => detecting::detect(scheme, number(length)?),
        ["fresh", variant, vocabulary] => detecting::fresh(variant, number(vocabulary)?),
        ["shared"] => detecting::shared(),
        ["decoys", scheme] => keys::decoys(scheme),
        ["attribution", scheme] => keys::attribution(scheme),
        _ => Err(format!("no figure `{name}`")),
    }
}

/// A key of a scheme with its defaults for the largest vocabulary, or with other parameters: `raw` is vLLM's without
/// deduplication.
fn key(scheme: &str) -> Result<Key, String> {
    let vocabulary = format!("vocab_size = {}\n", VOCABULARIES[0]);
    let (scheme, parameters) = match scheme {
        "raw" => ("vllm-philox", "deduplicate = false\n".to_owned()),
        "kgw-transformers"
        | "kgw-lm-watermarking"
        | "sbw"
        | "three-bricks-maryland"
        | "three-bricks-openai" => (scheme, vocabulary),
        _ => (scheme, String::new()),
    };
    Key::generate(scheme, &parameters, &[7; 32]).map_err(|error| error.to_string())
}

/// A green list's key.
fn green_key(variant: &str, vocabulary: usize) -> Result<Key, String> {
    let width = if variant == "selfhash" { 4 } else { 1 };
    let parameters =
        format!("vocab_size = {vocabulary}\nseeding_scheme = \"{variant}\"\ncontext_width = {width}\n");
    Key::generate("kgw-transformers", &parameters, &[7; 32]).map_err(|error| error.to_string())
}
