//! What each rule of docs/spec/agreement.md means, for `stillmark explain`.

use crate::ruling::RuleCode;

/// The code that `explain` takes for each rule, with what it means, assumes and cannot show.
const TEXTS: &[(&str, RuleCode, &str)] = &[
    (
        "clause",
        RuleCode::Clause,
        "A clause of a listed text allows or forbids the action. The facts are our own reading, with \
         the place in the text and the day it was read; look the clause up before you rely on it.",
    ),
    (
        "silent",
        RuleCode::Silent,
        "The listed text does not mention the action, so no listed clause forbids it. Silence is not \
         a yes: `--strict` turns it into review.",
    ),
    (
        "declared-fact",
        RuleCode::DeclaredFact,
        "A clause turns on a fact that no machine can see. The declared value either breaks the \
         clause (forbid), or a named person has to stand for it (review). Declarations can be wrong; \
         they are signed into the record under the name of who made them.",
    ),
    (
        "undeclared-fact",
        RuleCode::UndeclaredFact,
        "A clause turns on a fact that is not declared. Declare it under `[declared]`, or have a \
         named person accept the open question.",
    ),
    (
        "unstated-family",
        RuleCode::UnstatedFamily,
        "A clause bars training models outside one family, and the family of the model is not \
         stated precisely enough. State `family` for the asset.",
    ),
    (
        "unknown-source",
        RuleCode::UnknownSource,
        "A source, which nothing in the graph leads to, has no terms. Unknown is not a yes: find its \
         terms, leave it out, or have a named person accept the open question.",
    ),
    (
        "unlisted-action",
        RuleCode::UnlistedAction,
        "The pack lists no rule of this text for the action. Read the text, and add a rule with its \
         clause.",
    ),
    (
        "unclear-reach",
        RuleCode::UnclearReach,
        "A clause reaches models made with a model's outputs, and leaves open whether it also \
         reaches what is made from those.",
    ),
    (
        "not-yet-in-force",
        RuleCode::NotYetInForce,
        "The listed version of a text is younger than the day asked about. Another text held then, \
         which the pack does not list.",
    ),
    (
        "undecided-text",
        RuleCode::UndecidedText,
        "The text does not decide the case, or it was not seen whole when its facts were written.",
    ),
    (
        "duty-conflict",
        RuleCode::DutyConflict,
        "Two duties on one asset cannot both be met: a same-license duty against limits that another \
         text asks to pass on, two same-license duties, or two names to begin with.",
    ),
    (
        "name-prefix",
        RuleCode::NamePrefix,
        "A clause asks that the model's published name begin with a word. Case, hyphens and the \
         owner's part before the last `/` are not counted.",
    ),
    (
        "granted",
        RuleCode::Granted,
        "A clause keeps this back or leaves it open, and a grant permits it: signed by the provider, \
         countersigned by the builder, not taken back, in force on the day. It adds permission to the terms \
         that it names; their duties stay, and other texts of the same asset go on to hold.",
    ),
    (
        "void-grant",
        RuleCode::VoidGrant,
        "A grant is named that does not count here: not accepted, taken back, out of its days, for another \
         key, model or audience, given on another reading of the terms, or signed by a key that you do not \
         trust. The terms are judged as if it were not there, and the question is put to a person.",
    ),
    (
        "license-mismatch",
        RuleCode::LicenseMismatch,
        "The license file beside an asset is not the text that its terms or its card name. Texts are \
         recognized by fingerprints, offline; the file is taken to be right, since cards are often \
         wrong. Name the terms that the file states, or ask the publisher which of the two holds.",
    ),
];

/// Explains a rule by its code, such as `unknown-source`.
pub fn explain(code: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(name, _, _)| *name == code).map(|(_, _, text)| *text)
}

/// Every code that can be explained.
pub fn codes() -> impl Iterator<Item = (&'static str, RuleCode)> {
    TEXTS.iter().map(|(name, code, _)| (*name, *code))
}
