//! Whose key was it, among ten thousand?

use rayon::prelude::*;
use stillmark_evidence::watermark::Verdict;
use stillmark_model::sample::{draw, uniform};
use stillmark_watermark::attribute::{Suspect, attribute};
use stillmark_watermark::detect::{self, Input, Search, Settings};
use stillmark_watermark::generate::{Chosen, Marking};
use stillmark_watermark::key::Tenant;
use stillmark_watermark::{Key, Text};

use crate::answers::{self, Row};
use crate::options::Options;

const TENANTS: usize = 10_000;
const LENGTHS: [usize; 4] = [500, 200, 100, 50];
/// The chance that any of a text's accusations is wrong.
const LEVEL: f64 = 1e-3;
const VOCABULARY: usize = 49_152;

/// What came of the trials of one length.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    right: usize,
    wrong: usize,
    wrong_unmarked: usize,
    /// The provider's own key was found, where there is one.
    provider: usize,
}

/// A master key that tenants' keys are made of.
struct Owner {
    name: &'static str,
    master: Key,
    /// The key that is the provider's own.
    provider: Option<Key>,
}

/// Prints the table.
pub(crate) fn print(options: &Options) -> Result<(), String> {
    let rows = answers::rows(options)?;
    let mean = rows.iter().map(|row| entropy(&row.1)).sum::<f64>() / rows.len() as f64;
    println!("{} next-token distributions, mean entropy {mean:.2} nats", rows.len());
    println!(
        "\n| scheme | tokens | marked texts | right tenant | wrong | unmarked texts | attributed | provider's key found |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for owner in owners()?.iter().filter(|owner| options.wants_scheme(owner.name)) {
        let suspects: Vec<Suspect> = (0..TENANTS).map(|number| suspect(&owner.master, number)).collect();
        for length in LENGTHS {
            let trials = if length == LENGTHS[0] { options.trials } else { options.trials.div_ceil(10) };
            let one = |trial| judge(owner, &suspects, &rows, length, trial);
            let counts: Result<Vec<Counts>, String> = (0..trials).into_par_iter().map(one).collect();
            let sum = counts?.into_iter().fold(Counts::default(), Counts::plus);
            let provider =
                owner.provider.as_ref().map_or_else(|| "-".to_owned(), |_| sum.provider.to_string());
            println!(
                "| {} | {length} | {trials} | {} | {} | {trials} | {} | {provider} |",
                owner.name, sum.right, sum.wrong, sum.wrong_unmarked
            );
        }
    }
    Ok(())
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            wrong: self.wrong + other.wrong,
            wrong_unmarked: self.wrong_unmarked + other.wrong_unmarked,
            provider: self.provider + other.provider,
        }
    }
}

fn owners() -> Result<Vec<Owner>, String> {
    let key = |toml: &str| Key::parse(toml).map_err(|error| error.to_string());
    let made = |scheme| Key::generate(scheme, "", &[0x51; 32]).map_err(|error| error.to_string());
    Ok(vec![
        Owner {
            name: "vllm-philox",
            master: key("scheme = \"vllm-philox\"\nkey = \"0x51f0c3a98e7db264\"")?,
            provider: None,
        },
        Owner { name: "stillmark-gumbel", master: made("stillmark-gumbel")?, provider: None },
        Owner { name: "synthid-transformers", master: made("synthid-transformers")?, provider: None },
        Owner {
            name: "vllm-philox-dual",
            master: key(
                "scheme = \"vllm-philox-dual\"\nkey_a = \"0x51f0c3a98e7db264\"\nkey_b = \"0x2b7e151628aed2a6\"\nalpha = 0.5",
            )?,
            provider: Some(key("scheme = \"vllm-philox\"\nkey = \"0x51f0c3a98e7db264\"")?),
        },
    ])
}

fn suspect(master: &Key, number: usize) -> Suspect {
    let name = format!("t{number:05}");
    let key = master.tenant(&Tenant { id: &name, epoch: "2026-11", model: "smollm2-135m-instruct" });
    Suspect { name, commitment: None, key }
}

/// One marked text and one that is not.
fn judge(
    owner: &Owner,
    suspects: &[Suspect],
    rows: &[Row],
    length: usize,
    trial: usize,
) -> Result<Counts, String> {
    let tenant = &suspects[(uniform(5, 0, trial as u64) * suspects.len() as f64) as usize];
    let marked = text(Some(&tenant.key), rows, length, trial)?;
    let unmarked = text(None, rows, length, trial)?;
    let mut counts = Counts::default();
    match tenant_of(suspects, &marked)? {
        Some(name) if name == tenant.name => counts.right = 1,
        Some(_) => counts.wrong = 1,
        None => {}
    }
    counts.wrong_unmarked = usize::from(tenant_of(suspects, &unmarked)?.is_some());
    if let Some(provider) = &owner.provider {
        let input = Input { id: "text", text: Text { tokens: &marked, prompt_len: 0 }, likelihoods: None };
        let finding = detect::detect(provider, &[input], &settings(), &|| {});
        let result = &finding.texts[0];
        let best = result.decoy_p.is_some_and(|p| p <= 1.001e-3);
        counts.provider = usize::from(best && result.p.is_some_and(|p| p <= 1e-6));
    }
    Ok(counts)
}

fn settings() -> Settings {
    Settings { decoys: 999, decoy_seed: 3, level: LEVEL, search: Search::Whole, keys_tried: 1 }
}

fn tenant_of(suspects: &[Suspect], tokens: &[u32]) -> Result<Option<String>, String> {
    let input = Input { id: "text", text: Text { tokens, prompt_len: 0 }, likelihoods: None };
    let found = attribute(suspects, &[input], &settings(), &|| {}).map_err(|error| error.to_string())?;
    let first = found.texts.into_iter().next().filter(|text| text.verdict == Verdict::Attributed);
    Ok(first.and_then(|text| text.tenant))
}

/// A text drawn from recorded distributions in random order, each token of one of them; marked where there is a key.
fn text(key: Option<&Key>, rows: &[Row], length: usize, trial: usize) -> Result<Vec<u32>, String> {
    let marking = key.map(Marking::new).transpose().map_err(|error| error.to_string())?;
    let mut marker = marking.as_ref().map(Marking::start);
    let (mut tokens, mut scores) = (Vec::new(), vec![f32::NEG_INFINITY; VOCABULARY]);
    let id = (2 * trial + usize::from(key.is_some())) as u64;
    for position in 0..length as u64 {
        let row = &rows[(uniform(11, id, position) * rows.len() as f64) as usize];
        for (token, logit) in row.0.iter().zip(&row.1) {
            scores[*token as usize] = *logit;
        }
        let u = uniform(13, id, position);
        let chosen =
            marker.as_mut().map_or(Chosen::Ordinary, |marker| marker.choose(&tokens, &mut scores, u));
        let token = match chosen {
            Chosen::Token(token) => token,
            // The number that chose between two keys must not choose the token as well.
            Chosen::Changed | Chosen::Ordinary => {
                draw(&scores, uniform(17, id, position)).ok_or("a row without a finite logit")?
            }
        };
        tokens.push(token);
        row.0.iter().for_each(|token| scores[*token as usize] = f32::NEG_INFINITY);
    }
    Ok(tokens)
}

fn entropy(logits: &[f32]) -> f64 {
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|logit| f64::from(logit - best).exp()).collect();
    let sum: f64 = weights.iter().sum();
    -weights.iter().map(|weight| weight / sum * (weight / sum).max(1e-300).ln()).sum::<f64>()
}
