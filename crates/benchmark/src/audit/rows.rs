//! One pass over the rows of a task.

use std::collections::BTreeMap;

use super::coverage::Coverage;
use super::findings::{Contrast, Findings};
use super::hashes::Hashes;
use super::hints::Hints;
use super::totals::Totals;
use super::{Class, Part, settings};
use crate::Error;
use crate::log::{About, Rows, Sample};
use crate::rescore::{Filtered, Rescored, Rules, disagreements};

/// Audits a task by its rows.
pub(super) fn audit(about: &About<'_>, rows: Rows<'_>) -> Result<Part, Error> {
    let mut findings = Findings::new(about);
    let rules = Rules::of(about);
    if let Some(why) = rules.unknown() {
        findings.unchecked(Class::ScoreForged, why);
    }
    let mut pass = Pass {
        about,
        rules,
        hashes: Hashes::default(),
        coverage: Coverage::of(about),
        totals: Totals::default(),
        hints: Hints::default(),
        unfiltered: BTreeMap::new(),
    };
    for sample in rows {
        pass.row(&sample?, &mut findings);
    }
    pass.close(&mut findings);
    Ok(findings.into_part())
}

/// What gathers over the rows.
struct Pass<'l, 'a> {
    about: &'l About<'a>,
    rules: Rules,
    hashes: Hashes,
    coverage: Coverage,
    totals: Totals,
    hints: Hints,
    /// Rows whose filter is unknown here, by filter.
    unfiltered: BTreeMap<String, u64>,
}

impl Pass<'_, '_> {
    fn row(&mut self, sample: &Sample<'_>, findings: &mut Findings<'_, '_>) {
        self.hashes.check(sample, findings);
        self.hints.look(sample);
        settings::check(self.about, sample, findings);
        self.coverage.row(sample, findings);
        let rescored = self.rules.rescore(sample);
        let is_sound = self.filtered(sample, &rescored, findings);
        if is_sound {
            for (metric, derived, recorded) in disagreements(sample, &rescored) {
                let found = recorded.map_or_else(|| "no number".to_owned(), |recorded| recorded.to_string());
                let detail = format!(
                    "`{metric}` under the filter `{}` does not follow from the answer",
                    sample.filter
                );
                findings.sample(Class::ScoreForged, sample, detail, Contrast::of(&derived, &found));
            }
        }
        self.totals.row(sample, &rescored);
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
                if self.rules.unknown().is_none() {
                    *self.unfiltered.entry(sample.filter.to_string()).or_default() += 1;
                }
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

    fn close(self, findings: &mut Findings<'_, '_>) {
        for (filter, rows) in &self.unfiltered {
            let why = format!("what the filter `{filter}` takes is not derived anew ({rows} rows)");
            findings.unchecked(Class::AnswerForged, why);
        }
        self.hashes.close(self.about, findings);
        self.coverage.close(self.about, findings);
        self.totals.close(self.about, findings);
        self.hints.close(findings);
    }
}
