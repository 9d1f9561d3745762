//! How Inspect and HELM score an answer, as far as it can be told from a log without doubt; what cannot stays unchecked.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::lighteval;
use super::{About, BETWEEN_TARGETS, Harness, Response, Sample};
use crate::Answer;
use crate::json::{Kind, Value};

/// The scorers of a log.
#[derive(Debug, Default)]
pub struct Scorers {
    /// By the filter that bears a scorer's name.
    named: BTreeMap<String, Scorer>,
    /// Whether HELM's metrics are known here.
    helm: Option<Helm>,
    /// Whether lighteval's are.
    lighteval: bool,
}

#[derive(Debug)]
struct Helm {
    punctuation: Regex,
    articles: Regex,
}

#[derive(Debug)]
enum Scorer {
    Choice(Regex),
    Match { place: Place, case: Case, kind: Compared },
    Includes(Case),
    Exact,
    Pattern { pattern: Regex, case: Case },
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Begin,
    End,
    Any,
    Whole,
}

#[derive(Debug, Clone, Copy)]
enum Case {
    Kept,
    Folded,
}

#[derive(Debug)]
enum Compared {
    Text,
    Numbers { escaped: Regex, marks: Regex },
}

impl Scorers {
    /// The scorers that a log names.
    pub fn of(about: &About<'_>) -> Self {
        match about.harness {
            Harness::Inspect => Self { named: inspect(about), ..Self::default() },
            Harness::Helm => Self { helm: Helm::new(), ..Self::default() },
            Harness::Lighteval => Self { lighteval: true, ..Self::default() },
            Harness::LmEval | Harness::OpenAi => Self::default(),
        }
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.helm.is_none() && !self.lighteval
    }

    /// The score that follows from what the model said; none where it is in doubt.
    pub fn score(&self, sample: &Sample<'_>, metric: &str) -> Option<f64> {
        let target = sample.target.as_ref()?.get();
        let targets: Vec<&str> = target.split(BETWEEN_TARGETS).collect();
        let right = if self.lighteval {
            lighteval::is_right(sample, metric, &targets)?
        } else if let Some(helm) = &self.helm {
            helm.is_right(metric, &text(sample.filtered.first()?)?, &targets)?
        } else {
            let said = text(sample.requests.first()?.responses.first()?)?;
            self.named.get(sample.filter.as_ref())?.is_right(sample, &said, &targets)?
        };
        Some(f64::from(u8::from(right)))
    }
}

fn text(response: &Response<'_>) -> Option<String> {
    match response {
        Response::Text(text) => Some(text.get().into_owned()),
        Response::Likelihood { .. } | Response::Other(_) => None,
    }
}

fn inspect(about: &About<'_>) -> BTreeMap<String, Scorer> {
    let listed = about.setup.config.as_ref().map(Value::items).unwrap_or_default();
    let named = listed.iter().filter_map(|scorer| {
        let name = scorer.get("name").and_then(Value::string)?;
        let known = name.rsplit_once('/').map_or(name.as_ref(), |(_, name)| name);
        Some((name.clone().into_owned(), Scorer::new(known, scorer.get("options"))?))
    });
    named.collect()
}

impl Scorer {
    fn new(name: &str, options: Option<&Value<'_>>) -> Option<Self> {
        let option = |key: &str| options.and_then(|options| options.get(key));
        let truth = |key: &str, default: bool| match option(key).map(|value| &value.kind) {
            Some(Kind::Bool(truth)) => *truth,
            _ => default,
        };
        let case = if truth("ignore_case", true) { Case::Folded } else { Case::Kept };
        Some(match name {
            "choice" => Self::Choice(Regex::new(r"(?im)ANSWER\s*:\s*([A-Z])[ \t]*$").ok()?),
            "includes" => Self::Includes(case),
            "exact" => Self::Exact,
            "match" => Self::Match {
                place: match option("location").and_then(Value::string).as_deref().unwrap_or("end") {
                    "begin" => Place::Begin,
                    "end" => Place::End,
                    "any" => Place::Any,
                    "exact" => Place::Whole,
                    _ => return None,
                },
                case,
                kind: if truth("numeric", false) {
                    let escaped = Regex::new(r"\\([$,£€*_])").ok()?;
                    Compared::Numbers { escaped, marks: Regex::new("[$,£€*_]").ok()? }
                } else {
                    Compared::Text
                },
            },
            "pattern" if !truth("match_all", false) => {
                let pattern = option("pattern").and_then(Value::string)?;
                let folded = matches!(case, Case::Folded);
                let pattern = RegexBuilder::new(&pattern).case_insensitive(folded).build().ok()?;
                // `$` before a last line break is Python's alone.
                if pattern.as_str().contains('$') {
                    return None;
                }
                Self::Pattern { pattern, case }
            }
            _ => return None,
        })
    }

    fn is_right(&self, sample: &Sample<'_>, said: &str, targets: &[&str]) -> Option<bool> {
        match self {
            Self::Choice(pattern) => choice(pattern, sample, said, targets),
            Self::Includes(case) => {
                let said = folded(said, *case)?;
                let all: Option<Vec<String>> = targets.iter().map(|target| folded(target, *case)).collect();
                Some(all?.iter().any(|target| said.contains(target.as_str())))
            }
            // Inspect takes more answers than this for the same: what differs is in doubt.
            Self::Exact => targets.iter().any(|target| target.trim() == said.trim()).then_some(true),
            Self::Match { place, case, kind } => {
                let one = |target: &&str| matches(said, target, (*place, *case, kind));
                let all: Option<Vec<bool>> = targets.iter().map(one).collect();
                Some(all?.contains(&true))
            }
            Self::Pattern { pattern, case } => {
                let Some(found) = pattern.captures(said) else { return Some(false) };
                let groups = found.iter().skip(usize::from(found.len() > 1)).flatten();
                let groups: Option<Vec<String>> = groups.map(|group| folded(group.as_str(), *case)).collect();
                let targets: Option<Vec<String>> =
                    targets.iter().map(|target| folded(target, *case)).collect();
                let (groups, targets) = (groups?, targets?);
                Some(groups.iter().any(|group| targets.contains(group)))
            }
        }
    }
}

/// A text without case, where ASCII makes that certain.
fn folded(text: &str, case: Case) -> Option<String> {
    match case {
        Case::Kept => Some(text.to_owned()),
        Case::Folded => text.is_ascii().then(|| text.to_ascii_lowercase()),
    }
}

/// One `ANSWER: X` in an answer to choices that stand in the prompt in the order of the item.
fn choice(pattern: &Regex, sample: &Sample<'_>, said: &str, targets: &[&str]) -> Option<bool> {
    let Answer::Choice { choices, .. } = &sample.item.as_ref()?.answer else { return None };
    let prompt = sample.requests.first()?.prompt.get();
    let shown = |(letter, choice): (char, &String)| prompt.contains(&format!("{letter}) {choice}"));
    let mut found = pattern.captures_iter(said);
    let letter = found.next()?.get(1)?.as_str().to_ascii_uppercase();
    let is_alone = found.next().is_none() && said.to_ascii_uppercase().matches("ANSWER").count() == 1;
    let &[target] = targets else { return None };
    let is_letter = target.len() == 1 && target.chars().all(|letter| letter.is_ascii_uppercase());
    (is_alone && is_letter && ('A'..='Z').zip(choices).all(shown)).then(|| letter == target)
}

fn matches(said: &str, target: &str, (place, case, kind): (Place, Case, &Compared)) -> Option<bool> {
    let (said, target) = (folded(said.trim(), case)?, folded(target.trim(), case)?);
    if let Compared::Numbers { escaped, marks } = kind {
        let plain = |text: &str| marks.replace_all(&escaped.replace_all(text, "$1"), "").into_owned();
        return numbers(&plain(&said), &plain(&target), place);
    }
    if !said.is_ascii() || !target.is_ascii() {
        return None;
    }
    let stripped = |text: &str| {
        let edge =
            |letter: char| letter.is_ascii_whitespace() || letter.is_ascii_punctuation() || letter == '\u{b}';
        text.trim_matches(edge).to_owned()
    };
    let (said, target) = (stripped(&said), stripped(&target));
    Some(match place {
        Place::Begin => said.starts_with(&target),
        Place::End => said.ends_with(&target),
        Place::Any => said.contains(&target),
        Place::Whole => said == target,
    })
}

/// Numbers to five digits; none where the target is no plain number or a word of the answer may be one in another script.
fn numbers(said: &str, target: &str, place: Place) -> Option<bool> {
    let target = rounded(target.trim_end_matches('.'))?;
    if !said.is_ascii() {
        return None;
    }
    let mut words = said.split_ascii_whitespace().map(|word| rounded(word.trim_end_matches('.')));
    Some(match place {
        Place::Any => words.any(|number| number.as_ref() == Some(&target)),
        Place::Begin => words.flatten().next().is_some_and(|number| number == target),
        Place::End => words.flatten().last().is_some_and(|number| number == target),
        Place::Whole => return None,
    })
}

fn rounded(word: &str) -> Option<String> {
    let word = word.trim_matches(|letter: char| "!?:;()[]{}'\"`".contains(letter));
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let value: f64 = word.parse().ok().filter(|_| is_plain)?;
    Some(format!("{value:.4e}"))
}

impl Helm {
    fn new() -> Option<Self> {
        let punctuation = Regex::new(r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"##).ok()?;
        Some(Self { punctuation, articles: Regex::new(r"\b(a|an|the)\b").ok()? })
    }

    fn is_right(&self, metric: &str, said: &str, targets: &[&str]) -> Option<bool> {
        if said.is_empty() && targets.contains(&"") {
            return None;
        }
        let any = |same: &dyn Fn(&str) -> bool| !said.is_empty() && targets.iter().any(|target| same(target));
        Some(match metric {
            "exact_match" => any(&|target| target.trim() == said.trim()),
            "prefix_exact_match" => any(&|target| said.trim().starts_with(target.trim())),
            "quasi_exact_match" => any(&|target| self.plain(target) == self.plain(said)),
            "quasi_prefix_exact_match" => any(&|target| self.plain(said).starts_with(&self.plain(target))),
            _ => return None,
        })
    }

    /// Lower case, without punctuation and articles, single spaces.
    fn plain(&self, text: &str) -> String {
        let lower = text.to_lowercase();
        let bare = self.punctuation.replace_all(&lower, "");
        let bare = self.articles.replace_all(&bare, " ");
        bare.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
