//! Answers of the model, marked and not, made once and kept.

use serde_json::{Value, json};
use stillmark_bench_watermark::{Marked, answers};
use stillmark_model::mark::Mark;
use stillmark_watermark::Key;
use stillmark_watermark::generate::Marking;

use crate::observed::Observed;
use crate::options::Options;
use crate::schemes::{self, Marks};
use crate::store;
use crate::teacher::Teacher;

/// Answers a scheme, and their greatest length in tokens.
const ANSWERS: usize = 320;
const LONGEST: usize = 260;
/// The share of next-token distributions that are kept of the unmarked answers.
const SHARE: f64 = 0.05;

/// An answer with what the model expected.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Prompt and answer.
    pub(crate) tokens: Vec<u32>,
    pub(crate) prompt_len: usize,
    /// The logarithm of each token's probability by the model, 0 for the prompt.
    pub(crate) ln_q: Vec<f32>,
    /// The entropy in nats before each token, 0 for the prompt.
    pub(crate) entropy: Vec<f32>,
}

/// A next-token distribution: the likeliest tokens and their logits.
pub(crate) type Row = (Vec<u32>, Vec<f32>);

/// Makes what is not there yet.
pub(crate) fn make_all(options: &Options) -> Result<(), String> {
    for marks in schemes::MARKING.iter().filter(|marks| options.wants_scheme(marks.name)) {
        let told = marked(options, marks)?;
        let tokens: usize = told.iter().map(|told| told.tokens.len() - told.prompt_len).sum();
        eprintln!("{}: {} answers of {tokens} tokens", marks.name, told.len());
    }
    let rows = rows(options)?;
    eprintln!("unmarked: {} next-token distributions", rows.len());
    Ok(())
}

/// Answers marked by a scheme.
pub(crate) fn marked(options: &Options, marks: &Marks) -> Result<Vec<Told>, String> {
    let value = store::kept(&format!("answers-{}", marks.name), &mut || {
        let key = marks.key()?;
        let marking = Marking::new(&key).map_err(|error| error.to_string())?;
        make(options, Some((&Marked(marking), &key)), 0.0)
    })?;
    read(&value)
}

/// Unmarked answers.
pub(crate) fn unmarked(options: &Options) -> Result<Vec<Told>, String> {
    read(&store::kept("answers-unmarked", &mut || make(options, None, SHARE))?)
}

/// Next-token distributions of the unmarked answers.
pub(crate) fn rows(options: &Options) -> Result<Vec<Row>, String> {
    let mut value = store::kept("answers-unmarked", &mut || make(options, None, SHARE))?;
    serde_json::from_value(value["rows"].take()).map_err(|error| error.to_string())
}

fn make(options: &Options, mark: Option<(&Marked, &Key)>, share: f64) -> Result<Value, String> {
    let teacher = Teacher::open(options)?;
    let prompts = teacher.prompts(options, ANSWERS)?;
    let decoder = teacher.decoder()?;
    let observed = Observed::new(mark.map(|(marked, _)| marked as &dyn Mark), share);
    let answers = answers(&decoder, &prompts, LONGEST, 20_261_127, Some(&observed));
    let answers = answers.map_err(|error| error.to_string())?;
    let seen = observed.seen();
    let mut list = Vec::new();
    for (prompt, answer) in prompts.iter().zip(answers) {
        let entropies = seen.entropies.get(&answer.id).cloned().unwrap_or_default();
        list.push(json!([prompt, answer.tokens, answer.log_probs, entropies]));
    }
    let rows: Vec<_> = seen.rows.into_values().collect();
    Ok(json!({ "answers": list, "rows": rows }))
}

fn read(value: &Value) -> Result<Vec<Told>, String> {
    type Parts = (Vec<u32>, Vec<u32>, Vec<f32>, Vec<f32>);
    let list: Vec<Parts> =
        serde_json::from_value(value["answers"].clone()).map_err(|error| error.to_string())?;
    let told = |(prompt, answer, log_probs, entropies): Parts| {
        let none = vec![0.0; prompt.len()];
        Told {
            prompt_len: prompt.len(),
            ln_q: [none.clone(), log_probs].concat(),
            entropy: [none, entropies].concat(),
            tokens: [prompt, answer].concat(),
        }
    };
    Ok(list.into_iter().map(told).collect())
}
