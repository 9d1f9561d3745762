//! What no log can decide, and what may hint at it.

use super::Class;
use super::findings::Findings;
use crate::log::{Response, Sample};
use crate::task::argmax;

/// What is odd about answers; none of it proves anything.
#[derive(Debug, Default)]
pub(super) struct Hints {
    likelihoods: u64,
    certain: u64,
    impossible: u64,
    /// Samples with what is no log-likelihood at all.
    unfit: u64,
    greedy_not_best: u64,
    texts: u64,
    gold_verbatim: u64,
    /// Room for one sample's log-likelihoods, and which of its choices the model would have said.
    numbers: Vec<f64>,
    greedy: Vec<usize>,
}

impl Hints {
    /// Looks at one sample.
    pub(super) fn look(&mut self, sample: &Sample<'_>) {
        let (numbers, greedy) = (&mut self.numbers, &mut self.greedy);
        numbers.clear();
        greedy.clear();
        for (idx, request) in sample.requests.iter().enumerate() {
            match request.responses.first() {
                Some(Response::Likelihood { ln, greedy: is_greedy }) => {
                    numbers.push(*ln);
                    greedy.extend(is_greedy.unwrap_or_default().then_some(idx));
                }
                Some(Response::Text(text)) => {
                    self.texts += 1;
                    let gold =
                        sample.target.as_ref().map(crate::json::Text::get).filter(|gold| gold.len() > 40);
                    self.gold_verbatim +=
                        u64::from(gold.is_some_and(|gold| text.get().contains(gold.as_ref())));
                }
                Some(Response::Other(_)) | None => {}
            }
        }
        if numbers.is_empty() {
            return;
        }
        self.likelihoods += 1;
        self.certain += u64::from(numbers.contains(&0.0));
        // Rounding may put the most certain a little above 0.
        const ROUNDING: f64 = 1e-3;
        self.unfit += u64::from(numbers.iter().any(|ln| ln.is_nan() || *ln > ROUNDING));
        self.impossible += u64::from(numbers.iter().any(|ln| *ln > 0.0));
        let best = argmax(numbers);
        self.greedy_not_best +=
            u64::from(greedy.len() > 1 || greedy.first().is_some_and(|idx| Some(*idx) != best));
    }

    /// Says what stays open.
    pub(super) fn close(self, findings: &mut Findings<'_, '_>) {
        let only_by_running =
            "only a spot check that runs items again, or receipts of the model's server, can tell";
        if self.unfit > 0 {
            let why = format!(
                "{} samples hold a log-likelihood above 0, or one that is no number, which no model gives: no score follows from them",
                self.unfit
            );
            findings.unchecked(Class::ScoreForged, why);
            findings.part().scores.iter_mut().for_each(|score| score.recomputed = None);
        }
        if self.likelihoods > 0 {
            let n = self.likelihoods;
            findings.undecidable(
                Class::LikelihoodForged,
                format!(
                    "{only_by_running}; hints among {n} samples, none a proof: {} with a log-likelihood of exactly 0, {} above 0 (which no \
                     model gives), {} where what the model would have said is not its most probable choice",
                    self.certain, self.impossible, self.greedy_not_best
                ),
            );
        }
        if self.texts > 0 {
            findings.undecidable(
                Class::OutputForged,
                format!(
                    "{only_by_running}; hints among {} answers, none a proof: {} hold the whole of a long right answer word for word",
                    self.texts, self.gold_verbatim
                ),
            );
        }
    }
}
