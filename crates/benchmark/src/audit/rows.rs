//! One pass over the rows of a task.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::against::{self, Asked, Copy};
use super::coverage::Coverage;
use super::findings::{Contrast, Findings};
use super::hashes::Hashes;
use super::hints::Hints;
use super::items::{self, Item, Items};
use super::leaks::Leaks;
use super::prompts::{self, Prompts};
use super::settings::Settings;
use super::totals::Totals;
use super::{Class, Part, recipe};
use crate::Error;
use crate::json::Text;
use crate::log::{About, Harness, Response, Rows, Sample};
use crate::record::Record;
use crate::rescore::{Filtered, Rescored, Rules, disagreements};
use crate::task::{self, Output, ShotSource, Task};

/// Audits a task by its rows.
pub(super) fn audit(about: &About<'_>, rows: Rows<'_>, copy: Option<&Copy>) -> Result<Part, Error> {
    let mut findings = Findings::new(about);
    recipe::contradictions(about, &mut findings);
    // Another harness may give the name to a task of its own: its items are the benchmark's, its prompts and scores are not.
    let is_by_recipe = matches!(about.harness, Harness::LmEval | Harness::OpenAi);
    let known = is_by_recipe.then(|| task::find(&about.task)).flatten();
    match &known {
        Some(known) => recipe::check(about, known, &mut findings),
        None => findings.unchecked(Class::MetricChanged, "no recipe is pinned under this task's name"),
    }
    let rules = Rules::of(about);
    if let (Some(why), None) = (rules.unknown(), &known) {
        findings.unchecked(Class::ScoreForged, why);
    }
    let asked = against::asked(&about.task, known.as_ref(), copy);
    let pool = known.as_ref().and_then(|known| pool(known, copy));
    let prompts = Prompts::new(about, known.as_ref(), pool, &mut findings);
    // What is derived anew needs no guessing; whose items are not known has none to be told apart from what stands around them.
    let is_guessed = about.harness == Harness::LmEval && !prompts.are_derived() && asked.is_some();
    let mut pass = Pass {
        about,
        rules,
        task: known.as_ref(),
        hashes: Hashes::default(),
        coverage: Coverage::of(about),
        items: Items::new(asked),
        prompts,
        leaks: is_guessed.then(Leaks::default),
        totals: Totals::default(),
        settings: Settings::of(about),
        hints: Hints::default(),
        unfiltered: BTreeMap::new(),
    };
    for sample in rows {
        pass.row(sample?, &mut findings);
    }
    pass.close(asked.as_ref(), &mut findings);
    Ok(findings.into_part())
}

/// Where a task's worked examples come from, if that is at hand.
fn pool<'c>(task: &'c Task, copy: Option<&'c Copy>) -> Option<&'c [Record]> {
    match &task.shot_source {
        ShotSource::Fixed(records) if !records.is_empty() => Some(records),
        ShotSource::Split(split) => copy?.part(&task.subset, split),
        ShotSource::Fixed(_) | ShotSource::CotPrompts => None,
    }
}

/// What gathers over the rows.
struct Pass<'l, 'a> {
    about: &'l About<'a>,
    rules: Rules,
    task: Option<&'l Task>,
    hashes: Hashes,
    coverage: Coverage,
    items: Items<'l>,
    prompts: Prompts<'l>,
    /// Where prompts are not derived anew.
    leaks: Option<Leaks>,
    totals: Totals,
    settings: Settings<'l, 'a>,
    hints: Hints,
    /// Rows whose filter is unknown here, by filter.
    unfiltered: BTreeMap<String, u64>,
}

impl Pass<'_, '_> {
    fn row(&mut self, mut sample: Sample<'_>, findings: &mut Findings<'_, '_>) {
        // Of one request alone the prompt is read: the others repeat it.
        let asked = sample.requests.first().map(|request| request.prompt.clone());
        let asked = asked.as_ref().map(Text::get);
        self.hashes.check(&sample, asked.as_deref(), findings);
        self.hints.look(&sample);
        self.settings.check(&sample, findings);
        self.coverage.row(&sample, findings);
        let record = items::record(&self.about.task, &sample);
        let mut is_sound = self.items.row(&mut sample, record.as_ref()) == Item::Sound;
        if let Some(record) = record.as_ref().filter(|_| is_sound) {
            is_sound = self.target(&sample, record, findings);
            if let Some(asked) = asked.as_deref() {
                self.prompts.check(&sample, asked, record, findings);
                if let Some(leaks) = &mut self.leaks {
                    let put = prompts::as_asked(&self.about.task, &sample);
                    leaks.row(&sample, asked, put.as_ref().unwrap_or(record));
                }
            }
        }
        let mut rescored = self.rules.rescore(&sample);
        if rescored.filtered == Filtered::Unknown
            && let Some(by_recipe) =
                self.task.zip(record.as_ref()).and_then(|(task, record)| by_recipe(task, record, &sample))
        {
            rescored = by_recipe;
        }
        if findings.count(Class::MetricChanged) > 0
            && let Some(pinned) =
                self.task.zip(record.as_ref()).and_then(|(task, record)| by_recipe(task, record, &sample))
        {
            // Answers that follow from the pinned rules were not forged beside the rules that were; those that follow from the
            // stated rules neither. What is recomputed is the pinned number.
            let follows = |one: &Rescored<'_>| {
                one.filtered == Filtered::Agrees && disagreements(&sample, one).is_empty()
            };
            if follows(&rescored) || follows(&pinned) {
                self.totals.row(&sample, &pinned);
                return;
            }
        }
        let follows = self.filtered(&sample, &rescored, findings);
        if is_sound && follows {
            for (metric, derived, recorded) in disagreements(&sample, &rescored) {
                let found = recorded.map_or_else(|| "no number".to_owned(), |recorded| recorded.to_string());
                let detail = format!(
                    "`{metric}` under the filter `{}` does not follow from the answer",
                    sample.filter
                );
                findings.sample(Class::ScoreForged, &sample, detail, Contrast::of(&derived, &found));
            }
        }
        self.totals.row(&sample, &rescored);
    }

    /// Whether the target that the log scores by is the item's own.
    fn target(&mut self, sample: &Sample<'_>, record: &Record, findings: &mut Findings<'_, '_>) -> bool {
        let Some(task) = self.task else { return true };
        let (Ok(expected), Some(stated)) = (task.template.target(record), &sample.target) else {
            return true;
        };
        if sample.doc.is_none() || stated.is(&expected) {
            return true;
        }
        let detail = "the target that answers were scored by is not the item's own answer".to_owned();
        findings.sample(Class::GoldFlipped, sample, detail, Contrast::of(&expected, &stated.get()));
        false
    }

    /// Whether scores can be told by what the log says that the filter took.
    fn filtered(
        &mut self,
        sample: &Sample<'_>,
        rescored: &Rescored<'_>,
        findings: &mut Findings<'_, '_>,
    ) -> bool {
        match &rescored.filtered {
            Filtered::Agrees => true,
            Filtered::Unknown => {
                *self.unfiltered.entry(sample.filter.to_string()).or_default() += 1;
                true
            }
            Filtered::Differs { expected, found } => {
                let detail = format!("the filter `{}` takes something else from the answer", sample.filter);
                findings.sample(Class::AnswerForged, sample, detail, Contrast::of(expected, found));
                // A score that follows from the forged answer is the same forgery.
                false
            }
        }
    }

    fn close(self, asked: Option<&Asked<'_>>, findings: &mut Findings<'_, '_>) {
        for (filter, rows) in &self.unfiltered {
            let why = format!("what the filter `{filter}` takes is not derived anew ({rows} rows)");
            findings.unchecked(Class::AnswerForged, why);
        }
        self.hashes.close(self.about, findings);
        self.settings.close(findings);
        self.coverage.close(self.about, findings);
        let is_bare = self.items.are_bare() && self.about.harness == Harness::LmEval;
        let is_held = self.items.close(self.about, findings);
        if let Some(leaks) = self.leaks.filter(|_| is_held) {
            leaks.close(&prompts::declared_texts(self.about), findings);
        }
        let total =
            asked.filter(|_| is_held).map(|asked| asked.pinned.subsets()[asked.subset].marks.len() as u64);
        self.totals.close(self.about, total, findings);
        if is_bare {
            findings.unchecked(
                Class::GoldFlipped,
                "its rows hold no items: nothing shows that the targets are theirs",
            );
            findings.part().scores.iter_mut().for_each(|score| score.recomputed = None);
        }
        self.hints.close(findings);
    }
}

/// The scores of a sample by the pinned recipe, for rules that the log does not state or that are known by name only.
fn by_recipe<'a>(task: &Task, record: &Record, sample: &Sample<'a>) -> Option<Rescored<'a>> {
    let all = match &task.output {
        Output::Text { .. } => {
            let Some(Response::Text(answer)) = sample.requests.first()?.responses.first() else {
                return None;
            };
            task.score_text(record, &answer.get()).ok()?
        }
        Output::Choices { .. } => {
            let likelihood = |response: &Response<'_>| match response {
                Response::Likelihood { ln, .. } => Some(*ln),
                Response::Text(_) | Response::Other(_) => None,
            };
            let each = sample.requests.iter().map(|request| request.responses.first().and_then(likelihood));
            task.score_choices(record, &each.collect::<Option<Vec<_>>>()?).ok()?
        }
    };
    let mine: Vec<_> = all.into_iter().filter(|score| score.filter == sample.filter).collect();
    let first = mine.first()?;
    let filtered = match (&task.output, sample.filtered.as_slice()) {
        (Output::Text { .. }, [Response::Text(kept)]) if kept.is(&first.filtered) => Filtered::Agrees,
        (Output::Text { .. }, [Response::Text(kept)]) => {
            Filtered::Differs { expected: Cow::Owned(first.filtered.clone()), found: kept.get() }
        }
        (Output::Text { .. }, _) => Filtered::Unknown,
        (Output::Choices { .. }, _) => Filtered::Agrees,
    };
    let scores = mine.iter().filter_map(|score| Some((Cow::Borrowed(score.metric), score.value?))).collect();
    Some(Rescored { filtered, scores })
}
