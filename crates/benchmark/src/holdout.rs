//! Committing to hidden items, and revealing them.
//!
//! All items of a benchmark are salted and put under one root; a seed that is committed to at the same time says which of them are
//! hidden. Who knows the public items alone scores on both alike, up to chance, since the split was by lot.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use stillmark_evidence::contamination::{ContaminationFinding, Kind};
use stillmark_evidence::holdout::{HoldoutCommitment, HoldoutReveal};
use stillmark_evidence::{Digest, Finding, FindingKind};
use stillmark_ledger::tree::{Hash, Tree, leaf_hash, verify_inclusion};
use stillmark_stats::permutation::larger_mean;
use stillmark_stats::{PValue, hypergeometric};

use crate::Error;
use crate::contamination::verdict::{Computed, conclude, least_effect, lines};

/// The test's name.
pub const TEST: &str = "holdout";

/// Splits drawn where scores are not all 0 or 1.
const DRAWS: u32 = 99_999;

/// No commitment to more items is opened: a draw of them would take all memory.
const MOST_ITEMS: u64 = 10_000_000;

/// What nobody else may know until the items are revealed.
#[derive(Debug, Clone, Copy)]
pub struct Secrets {
    /// Behind the draw of the hidden items.
    pub seed: [u8; 32],
    /// Behind the salts.
    pub salt: [u8; 32],
}

/// One item under the root, as a line of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its place, from 0.
    pub index: u64,
    /// Its salt.
    pub salt: Digest,
    /// The item.
    pub item: Value,
    /// The audit path from its leaf to the root.
    pub proof: Vec<Digest>,
}

/// What is fixed by a commitment.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// What is signed.
    pub commitment: HoldoutCommitment,
    /// The items that are public.
    pub public: Vec<Line>,
    /// The others.
    pub hidden: Vec<Line>,
}

/// Commits to items, of which `hidden` are drawn to be hidden.
pub fn commit(
    name: &str,
    items: &[Value],
    hidden: u64,
    secrets: &Secrets,
    beacon: Option<&str>,
) -> Result<Committed, Error> {
    let count = items.len() as u64;
    if hidden == 0 || hidden >= count {
        return Err(wrong(
            "items",
            &format!("{hidden} of {count} cannot be hidden: some must be public, some hidden"),
        ));
    }
    let mut tree = Tree::default();
    let mut salts = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let salt = sha256(&[b"stillmark-holdout-salt/v1", &secrets.salt, &(index as u64).to_be_bytes()]);
        tree.push(leaf(&salt, item).map_err(|problem| wrong(&format!("item {index}"), &problem))?);
        salts.push(salt);
    }
    let drawn = split(&secrets.seed, beacon, count, hidden);
    let (mut public, mut kept) = (Vec::new(), Vec::new());
    for (index, (item, salt)) in items.iter().zip(salts).enumerate() {
        let index = index as u64;
        let path = tree.inclusion(index, count).unwrap_or_default();
        let proof = path.into_iter().map(|hash| Digest::from_bytes(hash.0)).collect();
        let line = Line { index, salt: Digest::from_bytes(salt), item: item.clone(), proof };
        if drawn.contains(&index) { kept.push(line) } else { public.push(line) }
    }
    let commitment = HoldoutCommitment {
        schema: HoldoutCommitment::SCHEMA.to_owned(),
        name: name.to_owned(),
        items: count,
        hidden,
        root: Digest::from_bytes(tree.root().0),
        seed_sha256: Digest::of(&secrets.seed),
        beacon: beacon.map(str::to_owned),
        log: None,
    };
    Ok(Committed { commitment, public, hidden: kept })
}

/// Which items are hidden: drawn without replacement by SHA-256 in counter mode, so that anyone with the seed can draw again.
pub fn split(seed: &[u8; 32], beacon: Option<&str>, items: u64, hidden: u64) -> BTreeSet<u64> {
    let key = sha256(&[b"stillmark-holdout/v1", seed, beacon.unwrap_or_default().as_bytes()]);
    let mut counter = 0_u64;
    let mut below = |end: u64| {
        let limit = u64::MAX - u64::MAX % end;
        loop {
            let block = sha256(&[&key, &counter.to_be_bytes()]);
            counter += 1;
            let bits = block.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            if bits < limit {
                return bits % end;
            }
        }
    };
    // Only the places that were swapped are kept.
    let mut swapped: BTreeMap<u64, u64> = BTreeMap::new();
    let mut drawn = BTreeSet::new();
    for place in 0..hidden.min(items) {
        let other = place + below(items - place);
        let taken = swapped.get(&other).copied().unwrap_or(other);
        let moved = swapped.get(&place).copied().unwrap_or(place);
        swapped.insert(other, moved);
        drawn.insert(taken);
    }
    drawn
}

/// Reads a file of lines.
pub fn parse(text: &str) -> Result<Vec<Line>, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|err| wrong(&format!("line {}", number + 1), &err.to_string()))
        })
        .collect()
}

/// The bytes of a file of lines.
pub fn to_bytes(lines: &[Line]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend(serde_json::to_vec(line).map_err(|err| wrong("line", &err.to_string()))?);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// Everything that a reveal and its items contradict in what was committed to.
pub fn check(
    commitment: &HoldoutCommitment,
    reveal: &HoldoutReveal,
    public: &[Line],
    revealed: &[Line],
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut off =
        |kind: FindingKind, subject: String, detail: &str| found.push(Finding::new(kind, subject, detail));
    if commitment.hidden == 0 || commitment.hidden >= commitment.items {
        off(FindingKind::Malformed, "hidden".to_owned(), "some items must be hidden, and some not");
        return found;
    }
    if commitment.items > MOST_ITEMS {
        off(FindingKind::Malformed, "items".to_owned(), "more than ten million items are not opened");
        return found;
    }
    if Digest::of(reveal.seed.as_bytes()) != commitment.seed_sha256 {
        off(FindingKind::BadDigest, "seed".to_owned(), "the seed is not the one that was committed to");
        return found;
    }
    if reveal.revealed != revealed.len() as u64 || reveal.hidden != commitment.hidden {
        off(
            FindingKind::Contradiction,
            "revealed".to_owned(),
            "the statement counts other items than there are",
        );
    }
    let drawn =
        split(reveal.seed.as_bytes(), commitment.beacon.as_deref(), commitment.items, commitment.hidden);
    let mut seen = BTreeSet::new();
    for (lines, is_hidden) in [(public, false), (revealed, true)] {
        for line in lines {
            let subject = format!("item {}", line.index);
            if !seen.insert(line.index) {
                off(FindingKind::Contradiction, subject, "the item stands twice");
                continue;
            }
            if drawn.contains(&line.index) != is_hidden {
                off(FindingKind::BrokenEdge, subject.clone(), "the draw put the item on the other side");
            }
            if !lies_under(line, commitment) {
                off(FindingKind::BadDigest, subject, "the item is not the one that was committed to");
            }
        }
    }
    if (public.len() as u64) != commitment.items - commitment.hidden {
        off(FindingKind::MissingFile, "public".to_owned(), "not all public items are there");
    }
    found
}

/// One item's score, as a line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The item's place.
    pub index: u64,
    /// Its score.
    pub score: f64,
}

/// Reads a file of scores.
pub fn parse_scores(text: &str) -> Result<BTreeMap<u64, f64>, Error> {
    let mut scores = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let at = format!("line {}", number + 1);
        let score: Score = serde_json::from_str(line).map_err(|err| wrong(&at, &err.to_string()))?;
        if !score.score.is_finite() {
            return Err(wrong(&at, "the score is not finite"));
        }
        if scores.insert(score.index, score.score).is_some() {
            return Err(wrong(&at, &format!("item {} is scored twice", score.index)));
        }
    }
    Ok(scores)
}

/// Whether a model scores better on the public items than on the hidden ones. Given are the places of what was revealed and of what was drawn to be hidden, and the `scores` by place, all public and all revealed items.
pub fn judge(
    commitment: &HoldoutCommitment,
    (revealed, drawn): (&BTreeSet<u64>, &BTreeSet<u64>),
    scores: &BTreeMap<u64, f64>,
    level: f64,
) -> Result<ContaminationFinding, Error> {
    let (mut public, mut hidden) = (Vec::new(), Vec::new());
    for index in (0..commitment.items).filter(|index| !drawn.contains(index) || revealed.contains(index)) {
        let score = scores.get(&index).ok_or_else(|| wrong(&format!("item {index}"), "has no score"))?;
        if drawn.contains(&index) { hidden.push(*score) } else { public.push(*score) }
    }
    let binary = public.iter().chain(&hidden).all(|score| *score == 0.0 || *score == 1.0);
    let right = |scores: &[f64]| scores.iter().filter(|score| **score == 1.0).count() as u64;
    let (n, m) = (public.len() as u64, hidden.len() as u64);
    let p = if binary {
        hypergeometric::Draw { population: n + m, marked: right(&public) + right(&hidden), drawn: n }
            .at_least(right(&public))
    } else {
        larger_mean(&public, &hidden, DRAWS, 0)
    };
    let is_whole = revealed.len() as u64 == commitment.hidden;
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    let gap = (n > 0 && m > 0).then(|| mean(&public) - mean(&hidden));
    let rights = right(&public) + right(&hidden);
    // The clearest that so many right answers could be: as many as fit are public.
    let clearest =
        hypergeometric::Draw { population: n + m, marked: rights, drawn: n }.at_least(rights.min(n));
    let least_p = if binary { clearest } else { PValue::new(1.0 / (f64::from(DRAWS) + 1.0)) };
    let computed = Computed {
        test: TEST,
        level,
        p: (is_whole && gap.is_some()).then_some(p),
        least_p: if n == 0 || m == 0 { PValue::ONE } else { least_p },
        kind: Kind::Exact,
        why: match (is_whole, binary) {
            (false, _) => "only some hidden items are revealed, and their owner chose which",
            (true, true) => "Fisher's exact test; the hidden items were drawn by a seed committed to before",
            (true, false) => {
                "a permutation test of the means; the hidden items were drawn by a seed committed to before"
            }
        },
        checks: Vec::new(),
    };
    let mut finding = conclude(computed, ("mean score on public items less that on hidden ones", gap));
    let all: Vec<f64> = public.iter().chain(&hidden).copied().collect();
    let center = if all.is_empty() { 0.0 } else { mean(&all) };
    let variance = all.iter().map(|score| (score - center).powi(2)).sum::<f64>() / all.len().max(1) as f64;
    let spread = (variance * (1.0 / n as f64 + 1.0 / m as f64)).sqrt();
    finding.power = least_effect(&finding, level, (spread, f64::INFINITY), "difference of mean scores");
    (finding.items, finding.units) = (n + m, n + m);
    finding.assumptions = lines(&[
        "the owner did not try several seeds before committing to one; a beacon that nobody could choose shows that",
        "the hidden items were not known to the model's makers before it was scored",
        "items influence each other's scores no more within a side than across",
    ]);
    Ok(finding)
}

fn lies_under(line: &Line, commitment: &HoldoutCommitment) -> bool {
    let path: Vec<Hash> = line.proof.iter().map(|hash| Hash(*hash.as_bytes())).collect();
    let root = Hash(*commitment.root.as_bytes());
    leaf(line.salt.as_bytes(), &line.item)
        .is_ok_and(|leaf| verify_inclusion(leaf, line.index, commitment.items, &path, root).is_ok())
}

/// SHA-256 over a zero byte, the salt, and the item as canonical JSON (RFC 8785).
fn leaf(salt: &[u8; 32], item: &Value) -> Result<Hash, String> {
    let bytes = serde_json_canonicalizer::to_vec(item).map_err(|err| err.to_string())?;
    Ok(leaf_hash(&[&salt[..], &bytes].concat()))
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn wrong(at: &str, problem: &str) -> Error {
    Error::Malformed { format: "holdout", at: at.to_owned(), problem: problem.to_owned() }
}
