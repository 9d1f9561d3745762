//! What a disclosure could tell, and what of it is recorded.

use stillmark_evidence::documents::Facts;

/// Which facts are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    /// Those that are.
    pub recorded: Vec<&'static str>,
    /// Those that are not.
    pub not_recorded: Vec<&'static str>,
}

/// What a reader of the documents may ask, with the name of the fact that answers it: a whole name, or, before `*`,
/// what a name of the family begins with, and after it what it ends with. Nothing answers what has no name.
const ASKED: [(&str, &str); 48] = [
    ("name", "student"),
    ("version", "version"),
    ("digest of the model", "student digest"),
    ("digests of the weights", "weights *"),
    ("architecture", "architecture"),
    ("number of parameters", "parameters"),
    ("download location", "download location"),
    ("release date", "released"),
    ("base", "base"),
    ("digest of the base", "base digest"),
    ("teachers", "teacher *: tokens"),
    ("digests of the teachers", "teacher *: weights"),
    ("terms of the teachers", "teacher *: terms"),
    ("signal of the teachers", "teacher *: signal"),
    ("shares of the teachers", "teacher *: share"),
    ("tokens", "tokens"),
    ("rows", "rows"),
    ("sources", "source *: share"),
    ("origin of prompts and texts", "source *: prompts"),
    ("digests of prompts and texts", "source *: prompts digest"),
    ("generation settings", "source *: settings"),
    ("filters", "source *: filters"),
    ("digests of the records", "records *"),
    ("record", "record"),
    ("tokenizer", "tokenizer"),
    ("languages", ""),
    ("license", "license"),
    ("verdict", "verdict"),
    ("duties", "verdict"),
    ("accepted reviews", "verdict"),
    ("grants", "source *: grant"),
    ("losses", "losses"),
    ("learning rate", "learning rate"),
    ("seed", "seed"),
    ("threads", "threads"),
    ("instruction set", "instruction set"),
    ("energy", ""),
    ("carbon", ""),
    ("held-out agreement", "held-out agreement after"),
    ("held-out KL", "held-out KL after"),
    ("held-out perplexity", "held-out perplexity after"),
    ("public benchmarks", "benchmark *"),
    ("watermark", "source *: watermark"),
    ("attestations", "evidence *"),
    ("log", "log"),
    ("supplier", "supplier"),
    ("contact", "contact"),
    ("time of the run", "finished"),
];

pub(super) fn of(facts: &Facts) -> Completeness {
    let answers = |wanted: &str| match wanted.split_once('*') {
        Some((start, end)) => facts.keys().any(|name| name.starts_with(start) && name.ends_with(end)),
        None => facts.contains_key(wanted),
    };
    let (recorded, not_recorded): (Vec<_>, Vec<_>) = ASKED.iter().partition(|(_, wanted)| answers(wanted));
    let names = |all: Vec<&(&'static str, &str)>| all.into_iter().map(|(name, _)| *name).collect();
    Completeness { recorded: names(recorded), not_recorded: names(not_recorded) }
}
