//! Findings as they gather, a few of each class a task.

use std::collections::BTreeMap;

use stillmark_evidence::audit::{Found, Open, Severity};

use super::{Class, Part};
use crate::log::{About, Sample};

/// How many findings of one class are listed a task; more are counted.
const LISTED: u64 = 25;

/// The findings of one task.
#[derive(Debug)]
pub(super) struct Findings<'l, 'a> {
    about: &'l About<'a>,
    counts: BTreeMap<Class, u64>,
    part: Part,
}

/// What should stand somewhere, and what does.
#[derive(Debug, Default, Clone)]
pub(super) struct Contrast {
    pub(super) expected: Option<String>,
    pub(super) found: Option<String>,
}

impl Contrast {
    pub(super) fn of<E: ToString + ?Sized, F: ToString + ?Sized>(expected: &E, found: &F) -> Self {
        Self { expected: Some(short(&expected.to_string())), found: Some(short(&found.to_string())) }
    }
}

/// A text that fits in a report.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 300;
    if text.trim().is_empty() && !text.is_empty() {
        return format!("{text:?}");
    }
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl<'l, 'a> Findings<'l, 'a> {
    pub(super) fn new(about: &'l About<'a>) -> Self {
        Self { about, counts: BTreeMap::new(), part: Part::default() }
    }

    /// Something about one sample that does not hold.
    pub(super) fn sample(&mut self, class: Class, sample: &Sample<'_>, detail: String, contrast: Contrast) {
        self.at(class, Some((sample.line, &sample.id)), detail, contrast);
    }

    /// Something about a line that does not hold.
    pub(super) fn at(
        &mut self,
        class: Class,
        place: Option<(u64, &str)>,
        detail: String,
        contrast: Contrast,
    ) {
        let count = self.counts.entry(class).or_default();
        *count += 1;
        if *count > LISTED {
            self.part.left_out += 1;
            return;
        }
        let found = self.found(class, Severity::Error, place, detail, contrast);
        self.part.findings.push(found);
    }

    /// Something about the task as a whole that does not hold.
    pub(super) fn task(&mut self, class: Class, detail: String, contrast: Contrast) {
        self.at(class, None, detail, contrast);
    }

    /// Something that the log itself says is not as usual.
    pub(super) fn departs(&mut self, detail: String, contrast: Contrast) {
        let found = self.found(Class::RecipeDiffers, Severity::Warning, None, detail, contrast);
        self.part.departures.push(found);
    }

    /// Something that was not checked.
    pub(super) fn unchecked(&mut self, class: Class, why: impl Into<String>) {
        self.part.not_checked.push(open(class, &self.about.task, why));
    }

    /// Something that no log decides.
    pub(super) fn undecidable(&mut self, class: Class, why: impl Into<String>) {
        self.part.undecidable.push(open(class, &self.about.task, why));
    }

    /// How many findings of a class there are.
    pub(super) fn count(&self, class: Class) -> u64 {
        self.counts.get(&class).copied().unwrap_or_default()
    }

    /// What has gathered.
    pub(super) fn part(&mut self) -> &mut Part {
        &mut self.part
    }

    pub(super) fn into_part(self) -> Part {
        self.part
    }

    fn found(
        &self,
        class: Class,
        severity: Severity,
        place: Option<(u64, &str)>,
        detail: String,
        contrast: Contrast,
    ) -> Found {
        let file = match place {
            Some(_) => self.about.samples_file.as_ref().or(self.about.results_file.as_ref()),
            None => self.about.results_file.as_ref().or(self.about.samples_file.as_ref()),
        };
        Found {
            class: class.code().to_owned(),
            severity,
            file: file.cloned().unwrap_or_default(),
            line: place.map(|(line, _)| line),
            doc_id: place.map(|(_, id)| id.to_owned()),
            task: Some(self.about.task.clone()),
            detail,
            expected: contrast.expected,
            found: contrast.found,
        }
    }
}

fn open(class: Class, task: &str, why: impl Into<String>) -> Open {
    Open { what: class.code().to_owned(), task: Some(task.to_owned()), why: why.into() }
}
