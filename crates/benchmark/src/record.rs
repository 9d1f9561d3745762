//! One item of a benchmark, as its dataset holds it: before any prompt template, nothing trimmed.

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// A passage that the question is about, where the dataset keeps it apart.
    pub context: Option<String>,
    /// The question.
    pub question: String,
    /// What may be answered, and what is right.
    pub answer: Answer,
}

/// What may be answered, and what is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One of several choices.
    Choice {
        /// The choices, in the dataset's order.
        choices: Vec<String>,
        /// The right ones, by index; most datasets have one.
        gold: Vec<usize>,
    },
    /// Each choice is right or wrong (TruthfulQA mc2).
    Labels {
        /// The choices, in the dataset's order.
        choices: Vec<String>,
        /// Whether each is right.
        labels: Vec<bool>,
    },
    /// Free text.
    Open {
        /// The right answer, as the dataset spells it: for GSM8K the whole worked solution.
        gold: String,
    },
    /// A program (HumanEval).
    Code {
        /// The function that is tested.
        entry_point: String,
        /// The reference solution.
        gold: String,
        /// The test program.
        test: String,
    },
}

/// One subset of a benchmark: a subject of MMLU, a task of BBH, or the whole where it has no parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// Its name in the field: `abstract_algebra`, `arc_challenge`.
    pub name: String,
    /// Which part of the dataset: `test`, `validation`, `dev`, `train`.
    pub split: String,
    /// The items, in the dataset's order, with their repetitions.
    pub records: Vec<Record>,
}
