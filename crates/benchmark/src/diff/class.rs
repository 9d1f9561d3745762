//! What differs between a row and the row that it became.

use crate::meaning::kept;
use crate::record::{Answer, Record};

/// What became of a row; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Something else is right.
    GoldChanged,
    /// The question, or the passage it is about, says something else.
    QuestionEdited,
    /// A choice says something else, or there are more or fewer.
    ChoicesEdited,
    /// The second copy has it no more.
    Dropped,
    /// The first copy does not have it.
    Added,
    /// The second copy has it more often.
    Duplicated,
    /// The choices stand in another order, and the same one is right.
    ChoicesPermuted,
    /// It stands at another place among the rows around it.
    Reordered,
    /// The same words in another encoding.
    Reencoded,
    /// The same at the same place.
    Identical,
}

impl Class {
    /// All classes, the worst first.
    pub const ALL: [Self; 10] = [
        Self::GoldChanged,
        Self::QuestionEdited,
        Self::ChoicesEdited,
        Self::Dropped,
        Self::Added,
        Self::Duplicated,
        Self::ChoicesPermuted,
        Self::Reordered,
        Self::Reencoded,
        Self::Identical,
    ];

    /// The word for it in answers.
    pub fn code(self) -> &'static str {
        match self {
            Self::GoldChanged => "gold-changed",
            Self::QuestionEdited => "question-edited",
            Self::ChoicesEdited => "choices-edited",
            Self::Dropped => "dropped",
            Self::Added => "added",
            Self::Duplicated => "duplicated",
            Self::ChoicesPermuted => "choices-permuted",
            Self::Reordered => "re-ordered",
            Self::Reencoded => "re-encoded",
            Self::Identical => "identical",
        }
    }
}

/// What differs between two records that are not the same; never nothing.
pub(super) fn of(a: &Record, b: &Record) -> Vec<Class> {
    let mut classes = Vec::new();
    let context = |record: &Record| record.context.as_deref().map(|text| kept(text).into_owned());
    if kept(&a.question) != kept(&b.question) || context(a) != context(b) {
        classes.push(Class::QuestionEdited);
    }
    match (&a.answer, &b.answer) {
        (Answer::Open { gold: old }, Answer::Open { gold: new }) => {
            classes.extend((kept(old) != kept(new)).then_some(Class::GoldChanged));
        }
        (
            Answer::Code { entry_point: old_entry, gold: old_gold, test: old_test },
            Answer::Code { entry_point, gold, test },
        ) => {
            // Indentation is meaning in a program.
            let is_changed = old_gold != gold || old_test != test;
            classes.extend(is_changed.then_some(Class::GoldChanged));
            if old_entry != entry_point && !classes.contains(&Class::QuestionEdited) {
                classes.push(Class::QuestionEdited);
            }
        }
        _ => choices(a, b, &mut classes),
    }
    if classes.is_empty() {
        classes.push(Class::Reencoded);
    }
    classes.sort_unstable();
    classes
}

/// A choice, and whether it is right.
type Judged = (String, bool);

fn judged(record: &Record) -> Vec<Judged> {
    let choices = record.choices().iter().enumerate();
    choices.map(|(idx, text)| (kept(text).into_owned(), record.is_right(idx))).collect()
}

fn choices(a: &Record, b: &Record, classes: &mut Vec<Class>) {
    let (mut old, mut new) = (judged(a), judged(b));
    let texts = |judged: &[Judged]| judged.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>();
    let right = |judged: &[Judged]| judged.iter().map(|(_, is_right)| *is_right).collect::<Vec<_>>();
    let is_other_kind = std::mem::discriminant(&a.answer) != std::mem::discriminant(&b.answer);
    if texts(&old) == texts(&new) {
        let is_changed = right(&old) != right(&new) || is_other_kind;
        classes.extend(is_changed.then_some(Class::GoldChanged));
        return;
    }
    let (places_old, places_new) = (right(&old), right(&new));
    old.sort_unstable();
    new.sort_unstable();
    if texts(&old) == texts(&new) {
        classes.push(Class::ChoicesPermuted);
        // Equal choices may be told apart by nothing but their place.
        classes.extend((old != new).then_some(Class::GoldChanged));
        return;
    }
    classes.push(Class::ChoicesEdited);
    let right_texts = |judged: &[Judged]| -> Vec<String> {
        judged.iter().filter(|(_, is_right)| *is_right).map(|(text, _)| text.clone()).collect()
    };
    let is_same_text = right_texts(&old) == right_texts(&new) && !right_texts(&new).is_empty();
    let is_same_place = places_old == places_new && places_new.contains(&true);
    classes.extend((!is_same_text && !is_same_place).then_some(Class::GoldChanged));
}
