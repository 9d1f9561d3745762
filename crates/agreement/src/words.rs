//! The closed vocabularies of terms and provenance files: actions, kinds, effects, facts.

use std::fmt;

use serde::Serialize;

/// A vocabulary whose words are spelled out in a file.
pub trait Word: Copy + Sized + 'static {
    /// What the word is called in an error message, such as `action`.
    const NOUN: &'static str;
    /// Every word with its meaning.
    const ALL: &'static [(&'static str, Self)];

    /// Finds the meaning of a word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $noun:literal, { $($(#[$arm_doc:meta])* $arm:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum $name { $($(#[$arm_doc])* #[serde(rename = $word)] $arm),+ }

        impl Word for $name {
            const NOUN: &'static str = $noun;
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$arm)),+];
        }

        impl $name {
            /// The word as it is spelled in files and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$arm => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words!(
    /// What is done with an asset; also the kind of an edge between two assets.
    Action, "action", {
    /// Text or other outputs are sampled from a model.
    Generate = "generate",
    /// Another model is trained on sampled outputs, or on a dataset.
    TrainOnOutputs = "train-on-outputs",
    /// Another model is trained on log-probabilities or hidden states.
    DistillLogits = "distill-logits",
    /// A model judges, scores, filters or labels.
    Label = "label",
    /// The weights are trained further.
    FineTune = "fine-tune",
    /// The weights, or some of their layers, start another model.
    Init = "init",
    /// The weights are averaged or stitched with others.
    Merge = "merge",
    /// The weights are stored with fewer bits.
    Quantize = "quantize",
    /// The model answers other people's requests.
    Serve = "serve",
    /// The weights (or a licensed dataset itself) are passed on.
    RedistributeWeights = "redistribute-weights",
    /// Outputs are passed on.
    RedistributeOutputs = "redistribute-outputs",
});

words!(
    /// What sort of thing an asset is.
    Kind, "kind", {
    /// Model weights that one holds.
    Weights = "weights",
    /// A model behind an API.
    Api = "api",
    /// A dataset.
    Dataset = "dataset",
    /// Source code.
    Code = "code",
});

words!(
    /// The kind of asset that an entry of the terms pack was written for.
    Scope, "kind", {
    /// A license of model weights (or of anything).
    Weights = "weights",
    /// Terms of a service.
    Api = "api",
    /// A license of data.
    Data = "data",
});

words!(
    /// What a clause does about an action.
    Effect, "effect", {
    /// It allows the action, or nothing in the text forbids it.
    Permit = "permit",
    /// It forbids the action.
    Forbid = "forbid",
    /// The text, as far as it was seen, does not decide.
    Unknown = "unknown",
});

words!(
    /// How sure the pack's authors are of a fact.
    Confidence, "confidence", {
    /// The text was not seen whole, or only quoted elsewhere.
    Low = "low",
    /// The text was seen in part, or its meaning is open to argument.
    Medium = "medium",
    /// The clause was read in the pinned source.
    High = "high",
});

words!(
    /// Who can reach the asset that is asked about.
    Audience, "audience", {
    /// Nobody but its maker.
    Private = "private",
    /// Others, through a service; the weights stay.
    Served = "served",
    /// Others receive the weights.
    Distributed = "distributed",
});

words!(
    /// A fact that no machine can see and a person declares.
    Fact, "fact", {
    /// Whether the use is commercial.
    Commercial = "commercial",
    /// Who can reach the asset.
    Audience = "audience",
    /// Whether the asset competes with the provider's products.
    Competes = "competes",
    /// Monthly active users of the maker's products.
    MonthlyActiveUsers = "monthly_active_users",
    /// The maker's yearly revenue in US dollars.
    RevenueUsdPerYear = "revenue_usd_per_year",
    /// Whether the asset is a classifier or embedder that stays with its maker.
    PrivateClassifier = "private_classifier",
});

words!(
    /// How far a rule follows the models that were made under it.
    Hops, "hops", {
    /// It binds models made with the asset's own outputs, and no later generation.
    One = "1",
    /// Derivatives of derivatives are bound alike.
    Closure = "closure",
    /// The text leaves later generations open.
    Unclear = "unclear",
});

words!(
    /// When a duty falls due.
    Trigger, "trigger", {
    /// As soon as the asset is made or used.
    Always = "always",
    /// When others can reach the asset, by service or by copy.
    Available = "available",
    /// When copies are passed on.
    Distributed = "distributed",
});

words!(
    /// What a duty asks for.
    DutyKind, "duty", {
    /// Credit the licensor.
    Attribute = "attribute",
    /// Begin the model's published name with a word.
    NamePrefix = "name-prefix",
    /// Show a sentence to users or readers.
    Show = "show",
    /// Keep or add a notice file.
    Notice = "notice",
    /// Pass on a copy of the license.
    CopyLicense = "copy-license",
    /// Say what was changed.
    StateChanges = "state-changes",
    /// Bind recipients to the upstream use limits.
    PassOn = "pass-on",
    /// Keep to the upstream use policy oneself.
    UseLimits = "use-limits",
    /// Offer the result under the same license.
    SameLicense = "same-license",
    /// Offer the form that is preferred for making changes.
    PreferredForm = "preferred-form",
    /// Keep the use inside a stated purpose.
    Purpose = "purpose",
    /// Offer the result under the same terms; limits that other sources ask to pass on may ride along.
    SameTerms = "same-terms",
    /// Name every teacher.
    NameTeachers = "name-teachers",
    /// Say which part of the training tokens came from where.
    DiscloseShare = "disclose-share",
    /// Publish the distillation record.
    PublishRecord = "publish-record",
    /// Let others distill the result as freely.
    KeepDistillable = "keep-distillable",
    /// Publish scores only with the record of their evaluation.
    HonestScores = "honest-scores",
    /// Mark outputs where the answers that were learned from are marked.
    KeepMarks = "keep-marks",
});

impl Action {
    /// Whether the destination is the same model in another place or form.
    pub(crate) fn keeps_the_model(self) -> bool {
        matches!(self, Self::Quantize | Self::Serve | Self::RedistributeWeights)
    }

    /// Whether the destination holds the origin's weights, changed or not.
    pub(crate) fn holds_weights(self) -> bool {
        self.keeps_the_model() || matches!(self, Self::Init | Self::Merge | Self::FineTune)
    }
}

impl Trigger {
    /// Whether the duty falls due for this audience; an undeclared audience counts as distribution.
    pub(crate) fn is_due(self, audience: Option<Audience>) -> bool {
        match (self, audience) {
            (Self::Always, _) | (_, None | Some(Audience::Distributed)) => true,
            (Self::Available, Some(audience)) => audience != Audience::Private,
            (Self::Distributed, Some(_)) => false,
        }
    }
}
