//! Every score, derived anew from the answers.
//!
//! [`Rules`] are read from what a log says of its own task; [`Rules::rescore`] puts one sample through them. What they do not know is said
//! to be unknown, never scored by guess.

use std::borrow::Cow;

use crate::log::scorer::Scorers;
use crate::log::{About, Harness, Response, Sample, Score};
use crate::task::argmax;

mod filter;
mod metric;
mod regex;

pub use filter::Chain;
pub use metric::{Agreement, mean, stderr};

use metric::TextMetric;

/// How a log says that its answers are scored.
#[derive(Debug)]
pub struct Rules {
    output: Output,
    /// What stood before each choice.
    delimiter: String,
}

#[derive(Debug)]
enum Output {
    Choices(Vec<ChoiceMetric>),
    Text {
        chains: Vec<Chain>,
        metrics: Vec<TextMetric>,
    },
    /// The scorers of another harness.
    Scorers(Scorers),
    /// Why nothing can be scored.
    Unknown(String),
}

/// A metric over the log-likelihoods of choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChoiceMetric {
    Accuracy,
    PerCharacter,
    PerByte,
    MutualInformation,
    TrueMass,
}

/// What the rules make of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescored<'a> {
    /// What the filter takes from the answer, against what the log says it took.
    pub filtered: Filtered<'a>,
    /// The scores that follow, by metric.
    pub scores: Vec<(Cow<'static, str>, f64)>,
}

/// What a filter takes, against what the log says it took.
#[derive(Debug, Clone, PartialEq)]
pub enum Filtered<'a> {
    /// The same.
    Agrees,
    /// Something else.
    Differs {
        /// What the filter takes.
        expected: Cow<'a, str>,
        /// What the log says.
        found: Cow<'a, str>,
    },
    /// The filter is none that is known here.
    Unknown,
}

/// What is known of how another harness scores.
fn foreign(about: &About<'_>) -> Output {
    let scorers = Scorers::of(about);
    if scorers.is_empty() {
        return Output::Unknown(format!("{} names no scorer that is known here", about.harness.name()));
    }
    Output::Scorers(scorers)
}

impl Rules {
    /// The rules that a log states; where it states none, those that its samples show.
    pub fn of(about: &About<'_>) -> Self {
        if about.harness != Harness::LmEval {
            return Self { output: foreign(about), delimiter: String::new() };
        }
        let config = about.setup.config.as_ref();
        let text = |key: &str| config.and_then(|config| config.get(key)).and_then(crate::json::Value::string);
        let delimiter = match &about.setup.chat_template {
            Some(_) => String::new(),
            None => text("target_delimiter").map_or_else(|| " ".to_owned(), Cow::into_owned),
        };
        let custom = text("process_results").filter(|name| name != "process_results");
        let output = match (text("output_type").as_deref(), custom.as_deref()) {
            (Some("multiple_choice"), Some(code)) if code.contains("process_results_mc2") => {
                Output::Choices(vec![ChoiceMetric::TrueMass])
            }
            (_, Some(_)) => Output::Unknown("the task scores by a program of its own".to_owned()),
            (Some("multiple_choice"), None) => metric::choice_metrics(config),
            (Some("generate_until"), None) => match (filter::chains(config), metric::text_metrics(config)) {
                (chains, Ok(metrics)) => Output::Text { chains, metrics },
                (_, Err(why)) => Output::Unknown(why),
            },
            (Some(other), None) => {
                Output::Unknown(format!("outputs of the kind `{other}` are not scored here"))
            }
            (None, None) => Output::Unknown("the log does not say how its task is scored".to_owned()),
        };
        Self { output, delimiter }
    }

    /// Why nothing can be scored by these rules, where nothing can.
    pub fn unknown(&self) -> Option<&str> {
        match &self.output {
            Output::Unknown(why) => Some(why),
            Output::Choices(_) | Output::Text { .. } | Output::Scorers(_) => None,
        }
    }

    /// Puts one sample through the rules.
    pub fn rescore<'a>(&self, sample: &Sample<'a>) -> Rescored<'a> {
        let nothing = Rescored { filtered: Filtered::Unknown, scores: Vec::new() };
        match &self.output {
            Output::Unknown(_) => nothing,
            Output::Scorers(scorers) => {
                let known = |(metric, _): &(Cow<'a, str>, _)| {
                    let score = scorers.score(sample, metric)?;
                    Some((Cow::Owned(metric.clone().into_owned()), score))
                };
                Rescored { scores: sample.scores.iter().filter_map(known).collect(), ..nothing }
            }
            Output::Choices(metrics) => self.choices(sample, metrics),
            Output::Text { chains, metrics } => {
                let Some(chain) = chains.iter().find(|chain| chain.name == sample.filter) else {
                    return nothing;
                };
                texts(sample, chain, metrics)
            }
        }
    }

    fn choices<'a>(&self, sample: &Sample<'a>, metrics: &[ChoiceMetric]) -> Rescored<'a> {
        let likelihood = |response: &Response<'_>| match response {
            Response::Likelihood { ln, greedy } => Some((*ln, *greedy)),
            Response::Text(_) | Response::Other(_) => None,
        };
        let said: Option<Vec<_>> =
            sample.requests.iter().map(|request| request.responses.first().and_then(likelihood)).collect();
        let kept = sample.filtered.iter().map(likelihood);
        let is_known = kept.clone().all(|kept| kept.is_some());
        let Some(said) = said.filter(|said| !said.is_empty() && is_known) else {
            return Rescored { filtered: Filtered::Unknown, scores: Vec::new() };
        };
        let same = said.len() == kept.len()
            && said.iter().zip(kept.clone()).all(|(one, other)| {
                other.is_some_and(|other| one.1 == other.1 && one.0.to_bits() == other.0.to_bits())
            });
        let filtered = if same {
            Filtered::Agrees
        } else {
            let kept: Vec<_> = kept.flatten().collect();
            Filtered::Differs { expected: spelled(&said).into(), found: spelled(&kept).into() }
        };
        let numbers: Vec<f64> = said.iter().map(|(ln, _)| *ln).collect();
        let scores =
            metrics.iter().filter_map(|metric| self.choice_score(*metric, sample, &numbers)).collect();
        Rescored { filtered, scores }
    }

    fn choice_score(
        &self,
        metric: ChoiceMetric,
        sample: &Sample<'_>,
        numbers: &[f64],
    ) -> Option<(Cow<'static, str>, f64)> {
        if metric == ChoiceMetric::TrueMass {
            return Some((metric.name().into(), metric::true_mass(sample, numbers)?));
        }
        let gold: usize = sample.target.as_ref()?.get().parse().ok()?;
        let has_unconditional = numbers.len().is_multiple_of(2)
            && sample.requests[numbers.len() / 2..].iter().all(|request| request.prompt.is(""));
        let (asked, unconditional) =
            if has_unconditional { numbers.split_at(numbers.len() / 2) } else { (numbers, &[][..]) };
        let choice = |idx: usize| {
            let continuation = sample.requests[idx].continuation.as_ref()?.get();
            let choice = continuation.strip_prefix(self.delimiter.as_str()).map(str::len);
            Some((choice.unwrap_or(continuation.len()), continuation))
        };
        let divided = |length: &dyn Fn(&str) -> usize| {
            let each = asked.iter().enumerate().map(|(idx, ln)| {
                let (len, continuation) = choice(idx)?;
                Some(ln / length(&continuation[continuation.len() - len..]) as f64)
            });
            each.collect::<Option<Vec<f64>>>().and_then(|all| argmax(&all))
        };
        let best = match metric {
            ChoiceMetric::Accuracy => argmax(asked),
            ChoiceMetric::PerCharacter => divided(&|text| text.chars().count()),
            ChoiceMetric::PerByte => divided(&str::len),
            ChoiceMetric::MutualInformation if asked.len() == unconditional.len() => {
                argmax(&asked.iter().zip(unconditional).map(|(one, other)| one - other).collect::<Vec<_>>())
            }
            ChoiceMetric::MutualInformation | ChoiceMetric::TrueMass => None,
        };
        Some((metric.name().into(), f64::from(u8::from(best? == gold))))
    }
}

impl ChoiceMetric {
    fn name(self) -> &'static str {
        match self {
            Self::Accuracy | Self::TrueMass => "acc",
            Self::PerCharacter => "acc_norm",
            Self::PerByte => "acc_bytes",
            Self::MutualInformation => "acc_mutual_info",
        }
    }
}

fn spelled(all: &[(f64, Option<bool>)]) -> String {
    let each: Vec<String> =
        all.iter().map(|(ln, greedy)| format!("{ln} {}", greedy.unwrap_or_default())).collect();
    each.join(", ")
}

fn texts<'a>(sample: &Sample<'a>, chain: &Chain, metrics: &[TextMetric]) -> Rescored<'a> {
    let nothing = Rescored { filtered: Filtered::Unknown, scores: Vec::new() };
    let ([request], [kept]) = (sample.requests.as_slice(), sample.filtered.as_slice()) else {
        return nothing;
    };
    let responses: Option<Vec<Cow<'_, str>>> = request
        .responses
        .iter()
        .map(|response| match response {
            Response::Text(text) => Some(text.get()),
            Response::Likelihood { .. } | Response::Other(_) => None,
        })
        .collect();
    let (Some(taken), Response::Text(kept)) = (responses.and_then(|all| chain.apply(all)), kept) else {
        return nothing;
    };
    let found = kept.get();
    let scores = match &sample.target {
        Some(target) => {
            let target = target.get();
            metrics.iter().map(|metric| (metric.name(), metric.score(&taken, &target))).collect()
        }
        None => Vec::new(),
    };
    let filtered =
        if taken == found { Filtered::Agrees } else { Filtered::Differs { expected: taken, found } };
    Rescored { filtered, scores }
}

/// The scores of a sample that disagree with what the rules make of it: metric, derived, recorded.
pub fn disagreements<'r>(
    sample: &Sample<'_>,
    rescored: &'r Rescored<'_>,
) -> Vec<(&'r str, f64, Option<f64>)> {
    let mut all = Vec::new();
    for (metric, derived) in &rescored.scores {
        let Some((_, recorded)) = sample.scores.iter().find(|(name, _)| name == metric) else { continue };
        match recorded {
            Score::Number(recorded) if Agreement::of(*derived, *recorded).holds() => {}
            Score::Number(recorded) => all.push((metric.as_ref(), *derived, Some(*recorded))),
            Score::Other(_) => all.push((metric.as_ref(), *derived, None)),
        }
    }
    all
}
