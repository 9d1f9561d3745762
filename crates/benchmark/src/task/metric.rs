//! What is made of an answer.

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    /// 1 where the most probable choice is right.
    Accuracy,
    /// As accuracy, log-likelihoods divided by the length of the choice in characters.
    AccuracyNorm,
    /// The share of probability on right choices (`TruthfulQA` mc2), which the harness also calls `acc`.
    TrueMass,
    /// 1 where answer and target are equal after both were cleaned.
    ExactMatch {
        /// What is removed from both, as the harness writes it, in order.
        removed: &'static [&'static str],
        /// How letters are compared.
        letters: Letters,
    },
    /// 1 where the program passes its test; scored by running it, never here.
    PassAt1,
}

/// How letters are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// As they are.
    Exact,
    /// In lower case.
    CaseIgnored,
}

impl Metric {
    /// Its name in results.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accuracy | Self::TrueMass => "acc",
            Self::AccuracyNorm => "acc_norm",
            Self::ExactMatch { .. } => "exact_match",
            Self::PassAt1 => "pass@1",
        }
    }

    /// The metric as the harness lists it.
    pub fn as_listed(&self) -> serde_json::Value {
        use serde_json::json;
        let mut listed = json!({"metric": self.name(), "aggregation": "mean", "higher_is_better": true});
        match self {
            Self::ExactMatch { removed, letters } => {
                if *letters == Letters::CaseIgnored {
                    listed["ignore_case"] = json!(true);
                }
                if !removed.is_empty() {
                    listed["regexes_to_ignore"] = json!(removed);
                }
            }
            Self::PassAt1 => listed["k"] = json!([1]),
            Self::TrueMass => listed["process_results"] = json!("process_results_mc2"),
            Self::Accuracy | Self::AccuracyNorm => {}
        }
        listed
    }

    /// Whether an answer equals a target (`exact_match`).
    pub fn matches(&self, answer: &str, target: &str) -> bool {
        let Self::ExactMatch { removed, letters } = self else { return false };
        cleaned(answer, removed, *letters) == cleaned(target, removed, *letters)
    }
}

/// The index of the largest number, the first of equals, as numpy tells it: a number that is none counts as the largest.
pub fn argmax(numbers: &[f64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (idx, number) in numbers.iter().copied().enumerate() {
        if number.is_nan() {
            return Some(idx);
        }
        if best.is_none_or(|(_, most)| most < number) {
            best = Some((idx, number));
        }
    }
    best.map(|(idx, _)| idx)
}

/// A text without what the metric does not look at.
fn cleaned(text: &str, removed: &[&str], letters: Letters) -> String {
    let mut text = text.to_owned();
    for pattern in removed {
        match *pattern {
            r"\$" => text = text.replace('$', ""),
            r"\\" => text = text.replace('\\', ""),
            r"\.$" => drop_last_dot(&mut text),
            "(?s).*#### " => drop_before_last(&mut text, "#### "),
            literal => text = text.replace(literal, ""),
        }
    }
    // The harness compares numpy strings, which end before trailing zero characters.
    text.truncate(text.trim_end_matches('\0').len());
    match letters {
        Letters::Exact => text,
        Letters::CaseIgnored => text.to_lowercase(),
    }
}

/// Leaves what stands after the last of some marks.
fn drop_before_last(text: &mut String, marks: &str) {
    if let Some(at) = text.rfind(marks) {
        text.drain(..at + marks.len());
    }
}

/// Python's `\.$`: the dollar also stands before a newline that ends the text.
fn drop_last_dot(text: &mut String) {
    if text.ends_with('.') {
        text.pop();
    } else if text.ends_with(".\n") {
        text.truncate(text.len() - 2);
        text.push('\n');
    }
}
