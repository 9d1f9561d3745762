//! What an audit looks for.

/// A way in which a log may have been tampered with, or departs from what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// An item is not the benchmark's.
    SampleEdited,
    /// Another answer is called right than the benchmark's.
    GoldFlipped,
    /// Items that should be there are not.
    SampleDropped,
    /// The items that were asked are a choice of the benchmark's that nothing declares.
    SamplePicked,
    /// An item counts more than once.
    SampleDuplicated,
    /// A sample's score does not follow from its answer.
    ScoreForged,
    /// A total does not follow from its samples.
    AggregateForged,
    /// What a filter is said to have taken is not what it takes.
    AnswerForged,
    /// Scored by other rules than the task's.
    MetricChanged,
    /// Asked with other worked examples than is said.
    ShotsChanged,
    /// The prompt tells the answer.
    KeyLeaked,
    /// Answers were generated under other settings than is said.
    SettingsChanged,
    /// The model's text may not be the model's.
    OutputForged,
    /// The model's log-likelihoods may not be the model's.
    LikelihoodForged,
    /// A digest of the log does not fit what it stands beside.
    HashMismatch,
    /// The prompt is not the one that the task makes of the item.
    PromptChanged,
    /// The log says itself that it departs from the benchmark or its usual recipe.
    RecipeDiffers,
    /// Items that were run again do not come out as the log has them.
    NotReproduced,
    /// The log's scores are higher than those of the same items run again, more than chance has it.
    Inflated,
}

impl Class {
    /// Every class, the fourteen ways of tampering first.
    pub const ALL: [Self; 19] = [
        Self::SampleEdited,
        Self::GoldFlipped,
        Self::SampleDropped,
        Self::SamplePicked,
        Self::SampleDuplicated,
        Self::ScoreForged,
        Self::AggregateForged,
        Self::AnswerForged,
        Self::MetricChanged,
        Self::ShotsChanged,
        Self::KeyLeaked,
        Self::SettingsChanged,
        Self::OutputForged,
        Self::LikelihoodForged,
        Self::HashMismatch,
        Self::PromptChanged,
        Self::RecipeDiffers,
        Self::NotReproduced,
        Self::Inflated,
    ];

    /// The stable word for it, as JSON, SARIF and `explain` use it.
    pub fn code(self) -> &'static str {
        match self {
            Self::SampleEdited => "sample-edited",
            Self::GoldFlipped => "gold-flipped",
            Self::SampleDropped => "sample-dropped",
            Self::SamplePicked => "sample-picked",
            Self::SampleDuplicated => "sample-duplicated",
            Self::ScoreForged => "score-forged",
            Self::AggregateForged => "aggregate-forged",
            Self::AnswerForged => "answer-forged",
            Self::MetricChanged => "metric-changed",
            Self::ShotsChanged => "shots-changed",
            Self::KeyLeaked => "key-leaked",
            Self::SettingsChanged => "settings-changed",
            Self::OutputForged => "output-forged",
            Self::LikelihoodForged => "likelihood-forged",
            Self::HashMismatch => "hash-mismatch",
            Self::PromptChanged => "prompt-changed",
            Self::RecipeDiffers => "recipe-differs",
            Self::NotReproduced => "not-reproduced",
            Self::Inflated => "inflated",
        }
    }

    /// What it is, in one sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::SampleEdited => "An item is not the benchmark's.",
            Self::GoldFlipped => "Another answer is called right than the benchmark's.",
            Self::SampleDropped => "Items that should be there are not.",
            Self::SamplePicked => "The items are a choice of the benchmark's that nothing declares.",
            Self::SampleDuplicated => "An item counts more than once.",
            Self::ScoreForged => "A sample's score does not follow from its answer.",
            Self::AggregateForged => "A total does not follow from its samples.",
            Self::AnswerForged => "What a filter is said to have taken is not what it takes.",
            Self::MetricChanged => "Scored by other rules than the task's.",
            Self::ShotsChanged => "Asked with other worked examples than is said.",
            Self::KeyLeaked => "The prompt tells the answer.",
            Self::SettingsChanged => "Answers were generated under other settings than is said.",
            Self::OutputForged => "Whether the texts are the model's, no log can show.",
            Self::LikelihoodForged => "Whether the log-likelihoods are the model's, no log can show.",
            Self::HashMismatch => "A digest of the log does not fit what it stands beside.",
            Self::PromptChanged => "The prompt is not the one that the task makes of the item.",
            Self::RecipeDiffers => {
                "The log says itself that it departs from the benchmark or its usual recipe."
            }
            Self::NotReproduced => "Items that were run again do not come out as the log has them.",
            Self::Inflated => "The log's scores are higher than those of the same items run again.",
        }
    }

    /// Whether a log can decide it.
    pub fn is_decidable(self) -> bool {
        !matches!(self, Self::OutputForged | Self::LikelihoodForged) && !self.needs_rerun()
    }

    /// Whether only items that are run again can show it.
    pub fn needs_rerun(self) -> bool {
        matches!(self, Self::NotReproduced | Self::Inflated)
    }
}
