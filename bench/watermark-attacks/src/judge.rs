//! One scheme under all attacks.

use stillmark_evidence::watermark::TextResult;
use stillmark_model::Tokenizer;
use stillmark_watermark::detect::{Input, Search, Settings, detect};
use stillmark_watermark::{Key, Text, words};

use crate::attack::{Attack, Attacked, Case, Material, attacked, cases};
use crate::model::told;
use crate::results::{Cell, Found, Kept, median, shared};
use crate::schemes::Entry;

/// How often an unmarked text may be called marked.
pub(crate) const LEVEL: f64 = 1e-3;

/// Decoy keys.
pub(crate) const DECOYS: usize = 999;

/// Unmarked texts around a buried one.
const AROUND: usize = 4;

/// How far on in the list the unmarked texts are taken: not those of the same prompt.
const ON: usize = 7;

/// Texts of one scheme, before any attack.
pub(crate) struct Texts<'a> {
    pub(crate) ids: &'a [Vec<u32>],
    pub(crate) marked: &'a [String],
    pub(crate) unmarked: &'a [String],
    /// The first texts as the model rewrote them.
    pub(crate) rewritten: &'a [String],
}

/// A text as the detector sees it.
struct Seen {
    case: usize,
    tokens: Vec<u32>,
    /// Where the marked stretch lies, in tokens.
    stretch: Option<(usize, usize)>,
    kept: Option<Kept>,
}

/// Attacks the texts of a scheme in all ways, and detects.
pub(crate) fn judge(entry: &Entry, texts: &Texts<'_>, tokenizer: &Tokenizer) -> Result<Vec<Cell>, String> {
    let (key, cases) = (entry.key().map_err(told)?, cases());
    let reader = Reader { tokenizer, is_of_words: entry.is_of_words() };
    let donors: Vec<&str> = texts.unmarked.iter().flat_map(|text| text.split_whitespace()).collect();
    let (mut whole, mut mixed) = (Vec::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        for idx in 0..texts.marked.len() {
            let unmarked: Vec<&str> = (ON..ON + AROUND)
                .map(|on| texts.unmarked[(idx + on) % texts.unmarked.len()].as_str())
                .collect();
            let at_hand = Material {
                tokenizer,
                donors: &donors,
                unmarked: &unmarked,
                rewritten: texts.rewritten.get(idx).map(String::as_str),
                seed: (number as u64) << 32 | idx as u64,
            };
            let text = &texts.marked[idx];
            let Some(attacked) = attacked(case, text, &at_hand)? else { continue };
            let mut seen = reader.seen(number, &attacked)?;
            if case.attack == Attack::Ids && !entry.is_of_words() {
                seen.tokens.clone_from(&texts.ids[idx]);
            }
            if case.attack == Attack::Paraphrase {
                let (rewritten, original) = (words(&attacked.text), words(text));
                seen.kept = Some(Kept {
                    words: shared(&rewritten, &original, 1),
                    fives: shared(&rewritten, &original, 5),
                });
            }
            if seen.stretch.is_some() { mixed.push(seen) } else { whole.push(seen) }
        }
    }
    let mut found = detected(&key, &whole, Search::Whole);
    found.extend(detected(&key, &mixed, Search::Stretch));
    let seen: Vec<Seen> = whole.into_iter().chain(mixed).collect();
    Ok(cases.iter().enumerate().map(|(number, case)| cell(entry, number, case, &seen, &found)).collect())
}

/// Reads texts as a scheme does.
struct Reader<'a> {
    tokenizer: &'a Tokenizer,
    is_of_words: bool,
}

impl Reader<'_> {
    fn tokens(&self, text: &str) -> Result<Vec<u32>, String> {
        if self.is_of_words { Ok(words(text)) } else { self.tokenizer.encode(text).map_err(told) }
    }

    fn seen(&self, case: usize, attacked: &Attacked) -> Result<Seen, String> {
        let before = |end: usize| self.tokens(&attacked.text[..end]).map(|tokens| tokens.len());
        let stretch = match attacked.stretch {
            Some((from, to)) => Some((before(from)?, before(to)?)),
            None => None,
        };
        Ok(Seen { case, tokens: self.tokens(&attacked.text)?, stretch, kept: None })
    }
}

fn detected(key: &Key, seen: &[Seen], search: Search) -> Vec<TextResult> {
    let settings = Settings { decoys: DECOYS, decoy_seed: 1, level: LEVEL, search, keys_tried: 1 };
    let texts = seen.iter().map(|seen| Text { tokens: &seen.tokens, prompt_len: 0 });
    let inputs: Vec<Input<'_>> = texts.map(|text| Input { id: "", text, likelihoods: None }).collect();
    detect(key, &inputs, &settings, &|| {}).texts
}

/// The natural logarithm of a text's own p-value: the analytic one, or its rank where that is withheld.
fn ln_p(result: &TextResult) -> f64 {
    result.ln_p.or(result.decoy_ln_p).unwrap_or(0.0)
}

/// The rule of `detect` for a single text: rank and p-value both reach the level.
fn is_marked(result: &TextResult) -> bool {
    reaches(result.decoy_p, ln_p(result))
}

/// Whether rank and p-value reach the level, which is the best rank there is: it must not be missed for a rounding.
fn reaches(rank: Option<f64>, ln_p: f64) -> bool {
    rank.is_some_and(|rank| rank <= LEVEL * (1.0 + 1e-9)) && ln_p <= LEVEL.ln() + 1e-9
}

fn cell(entry: &Entry, number: usize, case: &Case, seen: &[Seen], found: &[TextResult]) -> Cell {
    let own: Vec<(&Seen, &TextResult)> =
        seen.iter().zip(found).filter(|(seen, _)| seen.case == number).collect();
    let kept: Vec<Kept> = own.iter().filter_map(|(seen, _)| seen.kept).collect();
    let mean = |part: fn(&Kept) -> f64| kept.iter().map(part).sum::<f64>() / kept.len().max(1) as f64;
    let overlaps: Vec<f64> = own.iter().filter_map(|(seen, result)| overlap(seen, result)).collect();
    let mixed = own.iter().any(|(seen, _)| seen.stretch.is_some());
    Cell {
        scheme: entry.name.to_owned(),
        attack: case.name.to_owned(),
        strength: case.strength,
        texts: own.len(),
        detected: own.iter().filter(|(_, result)| is_marked(result)).count(),
        withheld: own.iter().filter(|(_, result)| result.withheld.is_some()).count(),
        median_ln_p: rounded(median(own.iter().map(|(_, result)| ln_p(result)).collect())),
        stretch: mixed.then(|| Found { detected: overlaps.len(), median_overlap: rounded(median(overlaps)) }),
        kept: (!kept.is_empty()).then(|| Kept {
            words: rounded(mean(|kept| kept.words)),
            fives: rounded(mean(|kept| kept.fives)),
        }),
    }
}

/// What a stretch that is called marked has in common with the true one, as a part of what both cover.
fn overlap(seen: &Seen, result: &TextResult) -> Option<f64> {
    let ((from, to), found) = (seen.stretch?, result.stretch.as_ref()?);
    let (first, last) = (found.from as usize, found.to as usize);
    let shared = to.min(last).saturating_sub(from.max(first)) as f64;
    let together = ((to - from) + (last - first)) as f64 - shared;
    reaches(found.decoy_p, found.ln_p).then_some(shared / together)
}

/// A number with three digits after the point: what a text's p-value is worth.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
