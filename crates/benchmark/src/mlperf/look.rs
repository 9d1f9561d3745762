//! What is looked at, and what was found while looking.

use std::collections::BTreeMap;

use stillmark_evidence::audit::{Found, Open, Score, Severity};

use super::golds::Rule;

/// The files of a submission.
#[derive(Debug, Clone, Default)]
pub struct Tree<'a> {
    /// Those of the submission, by path from its root, with `/` between folders.
    pub files: BTreeMap<String, &'a [u8]>,
    /// The accuracy logs that were kept untruncated, in the layout of the official `truncate_accuracy_log.py --backup`.
    pub untruncated: BTreeMap<String, &'a [u8]>,
    /// What is right, where it does not come from the submission itself.
    pub golds: Option<&'a [u8]>,
    /// How answers are held against it, where the submission is not to say so itself.
    pub rule: Option<Rule>,
}

/// The audit while it is at work.
pub(super) struct Look<'a> {
    tree: &'a Tree<'a>,
    /// What does not hold.
    pub(super) findings: Vec<Found>,
    /// The accuracies.
    pub(super) scores: Vec<Score>,
    /// What was not checked.
    pub(super) not_checked: Vec<Open>,
    /// The benchmark that is looked at.
    pub(super) task: Option<String>,
}

impl<'a> Look<'a> {
    /// Nothing was looked at yet.
    pub(super) fn new(tree: &'a Tree<'a>) -> Self {
        Self { tree, findings: Vec::new(), scores: Vec::new(), not_checked: Vec::new(), task: None }
    }

    /// A file of the submission.
    pub(super) fn file(&self, path: &str) -> Option<&'a [u8]> {
        self.tree.files.get(path).copied()
    }

    /// Whether any file lies below a folder, which is given with its last `/`.
    pub(super) fn has_below(&self, folder: &str) -> bool {
        self.tree.files.range(folder.to_owned()..).next().is_some_and(|(path, _)| path.starts_with(folder))
    }

    /// An untruncated accuracy log.
    pub(super) fn untruncated(&self, path: &str) -> Option<&'a [u8]> {
        self.tree.untruncated.get(path).copied()
    }

    /// The golds of the caller.
    pub(super) fn golds(&self) -> Option<&'a [u8]> {
        self.tree.golds
    }

    /// The rule of the caller.
    pub(super) fn rule(&self) -> Option<Rule> {
        self.tree.rule
    }

    /// Notes that something does not hold.
    pub(super) fn found(&mut self, class: &str, file: &str, detail: String) {
        self.add(class, file, (detail, None, None));
    }

    /// Notes that something stands where something else should.
    pub(super) fn differs(&mut self, class: &str, file: &str, what: &str, (expected, found): (&str, &str)) {
        let detail = format!("`{what}` is not what it should be");
        self.add(class, file, (detail, Some(expected.to_owned()), Some(found.to_owned())));
    }

    fn add(
        &mut self,
        class: &str,
        file: &str,
        (detail, expected, found): (String, Option<String>, Option<String>),
    ) {
        self.findings.push(Found {
            class: class.to_owned(),
            severity: Severity::Error,
            file: file.to_owned(),
            line: None,
            doc_id: None,
            task: self.task.clone(),
            detail,
            expected,
            found,
        });
    }

    /// Notes what could not be checked of a result.
    pub(super) fn left_open(&mut self, task: &str, what: &str, why: &str) {
        let task = Some(task.to_owned());
        self.not_checked.push(Open { what: what.to_owned(), task, why: why.to_owned() });
    }

    /// Notes an accuracy.
    pub(super) fn score(&mut self, score: Score) {
        self.scores.push(score);
    }
}
