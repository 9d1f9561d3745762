//! `HumanEval`: problems and samples in the form of its own project, the program that tests a sample, and pass@k.
//! Running programs is for others: here is only what is run, and what follows from which passed. [`logged`] finds programs in logs.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Error;

pub mod logged;

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// Its name: `HumanEval/0`.
    pub task_id: String,
    /// The head of the function, with its description.
    pub prompt: String,
    /// The function that is tested.
    pub entry_point: String,
    /// The program that defines `check`.
    pub test: String,
}

/// One answer to a problem.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sample {
    /// The problem.
    pub task_id: String,
    /// What the model wrote after the prompt.
    pub completion: String,
    /// Whether it passed, where a harness says so.
    #[serde(default)]
    pub passed: Option<bool>,
}

/// Reads problems, JSON Lines; each is named once.
pub fn problems(bytes: &[u8]) -> Result<BTreeMap<String, Problem>, Error> {
    let mut all = BTreeMap::new();
    for (line, problem) in lines::<Problem>("HumanEval problems", bytes)? {
        if let Some(twice) = all.insert(problem.task_id.clone(), problem) {
            return Err(malformed(
                "HumanEval problems",
                line,
                format!("`{}` stands there twice", twice.task_id),
            ));
        }
    }
    Ok(all)
}

/// Reads samples, JSON Lines; each answers one of the problems.
pub fn samples(bytes: &[u8], problems: &BTreeMap<String, Problem>) -> Result<Vec<Sample>, Error> {
    let read = lines::<Sample>("HumanEval samples", bytes)?;
    let stray = read.iter().find(|(_, sample)| !problems.contains_key(&sample.task_id));
    if let Some((line, sample)) = stray {
        let problem = format!("`{}` is none of the problems", sample.task_id);
        return Err(malformed("HumanEval samples", *line, problem));
    }
    Ok(read.into_iter().map(|(_, sample)| sample).collect())
}

fn lines<'a, T: Deserialize<'a>>(format: &'static str, bytes: &'a [u8]) -> Result<Vec<(usize, T)>, Error> {
    let numbered = bytes.split(|&byte| byte == b'\n').zip(1..);
    numbered
        .filter(|(text, _)| !text.trim_ascii().is_empty())
        .map(|(text, line)| {
            let read = serde_json::from_slice(text);
            read.map(|value| (line, value)).map_err(|err| malformed(format, line, err.to_string()))
        })
        .collect()
}

fn malformed(format: &'static str, line: usize, problem: String) -> Error {
    Error::Malformed { format, at: format!("line {line}"), problem }
}

impl Problem {
    /// The program that tests a completion; it writes `nonce` where every assertion held.
    pub fn program(&self, completion: &str, nonce: &str) -> String {
        let Self { prompt, test, entry_point, .. } = self;
        format!("{prompt}{completion}\n{test}\ncheck({entry_point})\n{}", ending(nonce))
    }
}

/// The end of a program: the nonce tells one that came to it from one that left early with status 0.
fn ending(nonce: &str) -> String {
    format!("import sys as _sys\n_sys.__stdout__.write(\"{nonce}\")\n_sys.__stdout__.flush()\n")
}

/// The chance that one of `k` samples passes, without bias from `n` samples of which `c` passed (Chen et al. 2021, equation 1);
/// none where there are fewer than `k`.
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Option<f64> {
    if k == 0 || k > n || c > n {
        return None;
    }
    if n - c < k {
        return Some(1.0);
    }
    let missed: f64 = (n - c + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product();
    Some(1.0 - missed)
}
