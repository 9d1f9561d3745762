//! What a model is asked, and what it answered: kept in a file, so that anyone can judge again without the model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stillmark_evidence::Digest;

use crate::Error;

/// The schema of a file of answers.
pub const SCHEMA: &str = "stillmark/contamination-answers/v1";

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Its id, unique in a plan.
    pub id: String,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// How probable is the text after the context?
    Likelihood {
        /// What stands before.
        context: String,
        /// What is scored.
        text: String,
    },
    /// How surprising is each token of the text, among all that could have stood there?
    Surprise {
        /// What is scored.
        text: String,
    },
    /// How does the text go on, taking the likeliest token each time?
    Continuation {
        /// What is continued.
        prompt: String,
        /// No more than so many tokens.
        max_tokens: u32,
    },
}

/// One answer, as a line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question's id.
    pub id: String,
    /// To a likelihood: the natural logarithm of the probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ln_p: Option<f64>,
    /// To a surprise: how far each token's log-probability lies from what the model expected, in its own standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub z: Option<Vec<f64>>,
    /// To a continuation: the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The first line of a file of answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// [`SCHEMA`].
    pub schema: String,
    /// The test.
    pub test: String,
    /// The digest of the questions.
    pub questions: Digest,
    /// The model's name.
    pub model: String,
}

/// The answers to a plan's questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// The first line.
    pub head: Head,
    /// The answers, by question.
    by_id: BTreeMap<String, Answer>,
}

impl Answer {
    /// The answer to a likelihood.
    pub fn likelihood(id: impl Into<String>, ln_p: f64) -> Self {
        Self { id: id.into(), ln_p: Some(ln_p), z: None, text: None }
    }

    /// The answer to a surprise.
    pub fn surprise(id: impl Into<String>, z: Vec<f64>) -> Self {
        Self { id: id.into(), ln_p: None, z: Some(z), text: None }
    }

    /// The answer to a continuation.
    pub fn continuation(id: impl Into<String>, text: String) -> Self {
        Self { id: id.into(), ln_p: None, z: None, text: Some(text) }
    }
}

impl Answers {
    /// The answers of a model to these questions; each must be answered once.
    pub fn new(head: Head, answers: Vec<Answer>) -> Result<Self, Error> {
        let mut by_id = BTreeMap::new();
        for answer in answers {
            let id = answer.id.clone();
            if by_id.insert(id.clone(), answer).is_some() {
                return Err(wrong(id, "is answered twice"));
            }
        }
        Ok(Self { head, by_id })
    }

    /// Reads a file of answers.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|err| wrong("file", &err.to_string()))?;
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let at = |number: usize| format!("line {}", number + 1);
        let (number, first) = lines.next().ok_or_else(|| wrong("line 1", "the file is empty"))?;
        let head: Head = serde_json::from_str(first).map_err(|err| wrong(at(number), &err.to_string()))?;
        if head.schema != SCHEMA {
            return Err(wrong(at(number), &format!("`schema` is `{}` and not `{SCHEMA}`", head.schema)));
        }
        let answers: Result<Vec<Answer>, Error> = lines
            .map(|(number, line)| {
                serde_json::from_str(line).map_err(|err| wrong(at(number), &err.to_string()))
            })
            .collect();
        Self::new(head, answers?)
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let broken = |err: serde_json::Error| wrong("file", &err.to_string());
        let mut bytes = serde_json::to_vec(&self.head).map_err(broken)?;
        for answer in self.by_id.values() {
            bytes.push(b'\n');
            bytes.extend(serde_json::to_vec(answer).map_err(broken)?);
        }
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Refuses answers to another test or to other questions.
    pub fn must_answer(&self, test: &str, questions: Digest) -> Result<(), Error> {
        if self.head.test != test {
            return Err(wrong(
                "line 1",
                &format!("these are answers to the test `{}`, not `{test}`", self.head.test),
            ));
        }
        if self.head.questions != questions {
            let problem = "these are answers to other questions: the benchmark, the control, the seed and the sizes must be those of the asking";
            return Err(wrong("line 1", problem));
        }
        Ok(())
    }

    /// The logarithm of a likelihood.
    pub fn ln_p(&self, id: &str) -> Result<f64, Error> {
        self.of(id)?.ln_p.ok_or_else(|| wrong(id, "`ln_p` is missing"))
    }

    /// The surprises of a text's tokens.
    pub fn z(&self, id: &str) -> Result<&[f64], Error> {
        self.of(id)?.z.as_deref().ok_or_else(|| wrong(id, "`z` is missing"))
    }

    /// A continuation.
    pub fn text(&self, id: &str) -> Result<&str, Error> {
        self.of(id)?.text.as_deref().ok_or_else(|| wrong(id, "`text` is missing"))
    }

    fn of(&self, id: &str) -> Result<&Answer, Error> {
        self.by_id.get(id).ok_or_else(|| wrong(id, "is not answered"))
    }
}

/// The digest of questions: SHA-256 over their canonical JSON (RFC 8785), a line each, in the plan's order.
pub fn digest(questions: &[Question]) -> Result<Digest, Error> {
    let mut hasher = Sha256::new();
    for question in questions {
        let line = serde_json_canonicalizer::to_vec(question);
        hasher.update(line.map_err(|err| wrong(question.id.clone(), &err.to_string()))?);
        hasher.update(b"\n");
    }
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

fn wrong(at: impl Into<String>, problem: &str) -> Error {
    Error::Malformed { format: "contamination answers", at: at.into(), problem: problem.to_owned() }
}
