//! Holds the license texts beside an asset against its terms and its card.

use crate::beside::Beside;
use crate::pack::{Entry, Pack};
use crate::recognize::{Match, Recognition, Recognizer};
use crate::ruling::{Ask, Reason, RuleCode, Ruling, Verdict};
use crate::words::Confidence;

const CLAUSE: &str = "rule license-mismatch (docs/spec/agreement.md)";

/// A text, a card or terms of one asset that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The asset.
    pub asset: String,
    /// The terms that are stated, where it is these that do not fit.
    pub terms: Option<String>,
    /// What does not go together, in one sentence.
    pub says: String,
}

/// Says where license file, card and stated terms of an asset do not go together.
pub fn mismatches(
    pack: &Pack,
    recognizer: &Recognizer,
    asset: &str,
    stated: &[String],
    beside: &Beside,
) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut add = |terms: Option<&str>, says: String| {
        found.push(Mismatch { asset: asset.to_owned(), terms: terms.map(str::to_owned), says });
    };
    let texts: Vec<(&str, Recognition)> =
        beside.licenses.iter().map(|file| (file.name.as_str(), recognizer.recognize(&file.text))).collect();
    let said = beside.card().license;
    let meant: Vec<&Entry> = said.as_deref().map(|name| called(pack, name)).unwrap_or_default();
    let shown = said.as_deref().unwrap_or_default();
    for terms in stated.iter().filter(|_| !texts.is_empty()) {
        if let Some(other) = contradicts(pack, recognizer, &[terms.as_str()], &texts) {
            add(Some(terms.as_str()), format!("{other}; `terms` names `{terms}`."));
        }
    }
    let ids: Vec<&str> = meant.iter().map(|entry| entry.id.as_str()).collect();
    if let Some(other) = contradicts(pack, recognizer, &ids, &texts) {
        add(None, format!("{other}; README.md says `license: {shown}`."));
    }
    let fits = |terms: &&String| ids.iter().any(|id| same_license(pack, id, terms));
    if !ids.is_empty() && !stated.is_empty() && !stated.iter().any(|terms| fits(&terms)) {
        let listed = stated.join("`, `");
        add(None, format!("README.md says `license: {shown}`; `terms` names `{listed}`."));
    }
    found
}

/// What the texts are, where none of them is one of those that are named.
fn contradicts(
    pack: &Pack,
    recognizer: &Recognizer,
    named: &[&str],
    texts: &[(&str, Recognition)],
) -> Option<String> {
    let known = named.iter().any(|id| {
        recognizer.known().iter().any(|known| known.id() == *id || same_license(pack, known.id(), id))
    });
    let fits = |id: &str| named.iter().any(|name| same_license(pack, id, name));
    let text_fits = |recognition: &Recognition| match recognition.verdict {
        Match::Ambiguous => recognition.candidates.iter().any(|candidate| fits(&candidate.id)),
        Match::Unknown => false,
        Match::Exact | Match::Alike | Match::Extended => recognition.id().is_some_and(fits),
    };
    if named.is_empty() || texts.is_empty() || texts.iter().any(|(_, recognition)| text_fits(recognition)) {
        return None;
    }
    let recognized = texts.iter().find_map(|(file, recognition)| {
        recognition.id().map(|id| format!("{file} holds the text of `{id}`"))
    });
    let (file, _) = texts.first()?;
    recognized.or_else(|| known.then(|| format!("{file} holds another text")))
}

/// The entries that a card's license field may mean.
pub fn called<'p>(pack: &'p Pack, name: &str) -> Vec<&'p Entry> {
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let means = |entry: &&Entry| {
        same(&entry.id)
            || entry.license.as_deref().is_some_and(same)
            || entry.aliases.iter().any(|alias| same(alias))
    };
    pack.entries().filter(means).collect()
}

/// Whether two entries of the pack rest on one license text, or the second on that and others.
pub fn same_license(pack: &Pack, text: &str, terms: &str) -> bool {
    if text == terms {
        return true;
    }
    let license = |id: &str| pack.get(id).and_then(|entry| entry.license.as_deref());
    let (Some(text), Some(terms)) = (license(text), license(terms)) else { return false };
    terms.split(" AND ").any(|part| part == text)
}

impl Ruling {
    /// The same ruling, in which each mismatch is a review with an ask.
    #[must_use]
    pub fn with_mismatches(mut self, mismatches: Vec<Mismatch>) -> Self {
        for mismatch in mismatches {
            let id = format!("license/{}/{}", mismatch.terms.as_deref().unwrap_or("card"), mismatch.asset);
            self.asks.push(Ask {
                id: id.clone(),
                question: format!("Under which license is `{}` offered? {}", mismatch.asset, mismatch.says),
                fact: None,
                terms: mismatch.terms.clone(),
                asset: mismatch.asset.clone(),
                clause: CLAUSE.to_owned(),
            });
            self.reasons.push(Reason {
                path: mismatch.asset.clone(),
                assets: vec![mismatch.asset],
                terms: mismatch.terms,
                clause: CLAUSE.to_owned(),
                effect: Verdict::Review,
                confidence: Confidence::High,
                rule: RuleCode::LicenseMismatch,
                says: mismatch.says,
                ask: Some(id),
            });
        }
        self.settle();
        self
    }
}
