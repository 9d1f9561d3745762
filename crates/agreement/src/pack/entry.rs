//! One text of the terms pack and the rules that it lays down.

use stillmark_evidence::{Date, Digest};

use crate::words::{Action, Audience, Confidence, DutyKind, Effect, Fact, Hops, Scope, Trigger};

/// The facts about one license or one set of terms.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The id that plans and provenance files use.
    pub id: String,
    /// What it was written for.
    pub kind: Scope,
    /// The name of the text.
    pub name: String,
    /// The version or the date by which the text is known.
    pub version: String,
    /// The SPDX expression or `LicenseRef`, where there is one.
    pub license: Option<String>,
    /// The text that this one took the place of, for the same thing.
    pub supersedes: Option<String>,
    /// The license of an earlier release that this one resembles, and that stays in force for that release.
    pub follows: Option<String>,
    /// What model hubs and cards call it, beside its id and SPDX expression.
    pub aliases: Vec<String>,
    /// The first day on which this text is known to have held.
    pub in_force: Option<Date>,
    /// The day on which the facts were read.
    pub retrieved: Date,
    /// Where the text was read: repository, commit and path.
    pub source: String,
    /// What a reader should know beside the rules.
    pub note: Option<String>,
    /// What the text lays down.
    pub rules: Vec<Rule>,
    pub(super) digest: Digest,
}

/// What one clause says about some actions.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The clause in our own words.
    pub says: String,
    /// The actions that it is about.
    pub on: Vec<Action>,
    /// What it does about them.
    pub effect: Effect,
    /// Whether the text merely does not forbid them.
    pub silent: bool,
    /// What has to be done in return.
    pub duties: Vec<Duty>,
    /// The share of the target below which only credit is asked for.
    pub small: Option<SmallShare>,
    /// Bounds within which it holds.
    pub limits: Vec<Limit>,
    /// Cases in which neither the effect nor the limits apply.
    pub unless: Vec<Exception>,
    /// Questions that only a person can answer.
    pub ask: Vec<String>,
    /// Edges over which the rule follows a model that was made under it.
    pub carry: Vec<Action>,
    /// How far it follows.
    pub hops: Hops,
    /// Where in the text it stands.
    pub clause: String,
    /// Where the text was read.
    pub source: String,
    /// The day on which it was read.
    pub date: Date,
    /// How sure this reading is.
    pub confidence: Confidence,
}

/// Something that has to be done in return for a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// What sort of duty it is.
    pub kind: DutyKind,
    /// The word to begin with, the sentence to show, or what to do in our own words.
    pub text: String,
    /// When it falls due.
    pub due: Trigger,
    /// Words of which one has to stand in the file or card that meets it; unknown, where empty.
    pub holds: Vec<String>,
    /// Texts of other licenses that meet it as well.
    pub compatible: Vec<String>,
}

/// A share of the target's tokens so small that only credit is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmallShare {
    /// A smaller part of all counted tokens is small.
    pub below_share: f64,
    /// Fewer tokens are small.
    pub below_tokens: u64,
}

/// A bound on a declared fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The fact.
    pub fact: Fact,
    /// What it is held against.
    pub test: Test,
    /// What follows where the test fails.
    pub breach: Breach,
    /// What follows where the test is met.
    pub met: Met,
}

/// What a declared fact is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A yes-or-no fact has this value.
    Is(bool),
    /// A number is this large or smaller.
    AtMost(u64),
    /// The audience is one of these.
    In(Vec<Audience>),
}

/// What follows where a limit is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// The action is forbidden.
    Forbid,
    /// A person has to look.
    Review,
    /// These duties are added.
    Duties(Vec<Duty>),
}

/// What follows where a limit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// The limit is silent.
    Permit,
    /// A person has to stand for the declared fact.
    Review,
}

/// A case in which a rule's effect and limits do not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exception {
    /// The model made belongs to one of these families.
    Family(Vec<String>),
    /// A fact is declared true, and the audience (where declared) is one of these.
    Declared {
        /// The fact.
        fact: Fact,
        /// The audiences; any, where empty.
        audience: Vec<Audience>,
    },
}

impl Entry {
    /// The digest of the entry's file.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
