//! Which row became which.

use std::collections::BTreeMap;

use super::order::longest_increasing;
use super::similar::{self, Shape, Sketches};
use super::{Side, SideRow};
use crate::digest;
use crate::record::{Answer, Record, View, loose};

/// The pairs that were found.
pub(super) struct Matched {
    /// For each row of the first copy the row that it became.
    pub(super) pairs: Vec<Option<usize>>,
    /// What each row of the second copy is.
    pub(super) of_b: Vec<Fate>,
}

/// What a row of the second copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// What a row of the first became.
    Paired,
    /// One more of a row that was paired already.
    Duplicate,
    /// Neither.
    Alone,
}

/// A key under which rows may be paired; none where a row has nothing of the kind.
type Key = Option<[u8; 16]>;

/// A key within a pair of subsets.
type UnitKey = (Option<usize>, [u8; 16]);

/// Pairs rows, the surest pairs first.
pub(super) fn pair(a: &Side<'_>, b: &Side<'_>) -> Matched {
    let mut work = Work {
        a,
        b,
        matched: Matched { pairs: vec![None; a.rows.len()], of_b: vec![Fate::Alone; b.rows.len()] },
    };
    work.by_key(Reach::Unit, |row| Some(row.strict));
    work.by_key(Reach::Everywhere, |row| Some(row.strict));
    work.duplicates(|row| Some(row.strict));
    if work.left_a().is_empty() && work.left_b().is_empty() {
        return work.matched;
    }
    let views = [View::Loose, View::GoldFree, View::LooseGoldFree, View::Unordered];
    for reach in [Reach::Unit, Reach::Everywhere] {
        for view in views {
            work.by_key(reach, |row| Some(shortened(row.record, view)));
        }
        work.by_key(reach, |row| unordered_without_gold(row.record));
    }
    work.duplicates(|row| Some(shortened(row.record, View::Loose)));
    work.by_key(Reach::Unit, |row| question_only(row.record));
    work.at_the_same_place();
    work.by_key(Reach::Unit, |row| answer_only(row.record).filter(|_| is_own_answer(row.record)));
    work.by_likeness();
    work.matched
}

/// How far a row may have moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Within its pair of subsets.
    Unit,
    /// Anywhere.
    Everywhere,
}

fn shortened(record: &Record, view: View) -> [u8; 16] {
    first_half(digest::leaf(record, view).as_bytes())
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

fn hashed(parts: &[&str]) -> [u8; 16] {
    let joined: Vec<u8> = parts.iter().flat_map(|part| part.bytes().chain([0])).collect();
    first_half(stillmark_evidence::Digest::of(&joined).as_bytes())
}

fn unordered_without_gold(record: &Record) -> Key {
    let mut texts: Vec<_> = record.choices().iter().map(|choice| loose(choice)).collect();
    texts.sort();
    let question = loose(&record.question);
    let parts: Vec<&str> =
        std::iter::once(question.as_ref()).chain(texts.iter().map(AsRef::as_ref)).collect();
    (!texts.is_empty()).then(|| hashed(&parts))
}

fn question_only(record: &Record) -> Key {
    let question = loose(&record.question);
    (!question.is_empty()).then(|| hashed(&[&question]))
}

/// What a row answers with, where that says something: choices, a solution, a program.
fn answer_only(record: &Record) -> Key {
    let texts: Vec<_> = match &record.answer {
        Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => {
            choices.iter().map(|choice| loose(choice)).collect()
        }
        Answer::Open { gold } => vec![loose(gold)],
        Answer::Code { entry_point, test, .. } => vec![loose(entry_point), loose(test)],
    };
    let parts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    (parts.iter().any(|part| !part.is_empty())).then(|| hashed(&parts))
}

struct Work<'w, 'a> {
    a: &'w Side<'a>,
    b: &'w Side<'a>,
    matched: Matched,
}

impl Work<'_, '_> {
    fn left_a(&self) -> Vec<usize> {
        self.matched.pairs.iter().enumerate().filter(|(_, twin)| twin.is_none()).map(|(idx, _)| idx).collect()
    }

    fn left_b(&self) -> Vec<usize> {
        let fates = self.matched.of_b.iter().enumerate();
        fates.filter(|(_, fate)| **fate == Fate::Alone).map(|(idx, _)| idx).collect()
    }

    fn join(&mut self, idx: usize, twin: usize) {
        self.matched.pairs[idx] = Some(twin);
        self.matched.of_b[twin] = Fate::Paired;
    }

    /// Pairs what is left by a key: rows that are alone with it at once, of several the nearest to where they should be.
    fn by_key(&mut self, reach: Reach, key: impl Fn(&SideRow<'_>) -> Key) {
        let mut groups: BTreeMap<UnitKey, [Vec<usize>; 2]> = BTreeMap::new();
        for (which, (side, left)) in
            [(self.a, self.left_a()), (self.b, self.left_b())].into_iter().enumerate()
        {
            for idx in left {
                let row = &side.rows[idx];
                let unit = if reach == Reach::Unit { row.unit } else { None };
                if let Some(key) = key(row) {
                    groups.entry((unit, key)).or_default()[which].push(idx);
                }
            }
        }
        let mut several = Vec::new();
        for [of_a, of_b] in groups.into_values() {
            match (of_a.as_slice(), of_b.as_slice()) {
                ([], _) | (_, []) => {}
                ([idx], [twin]) => self.join(*idx, *twin),
                _ => several.push([of_a, of_b]),
            }
        }
        if several.is_empty() {
            return;
        }
        let expected = self.expected();
        for [of_a, of_b] in several {
            self.nearest(&of_a, of_b, &expected);
        }
    }

    fn nearest(&mut self, of_a: &[usize], mut of_b: Vec<usize>, expected: &[usize]) {
        // Many equal rows are paired in their order; few are tried each with each.
        const MANY: usize = 64;
        if of_a.len() > MANY || of_b.len() > MANY {
            of_a.iter().zip(of_b).for_each(|(idx, twin)| self.join(*idx, twin));
            return;
        }
        let mut of_a = of_a.to_vec();
        while !of_a.is_empty() && !of_b.is_empty() {
            let all = of_a.iter().flat_map(|idx| of_b.iter().map(move |twin| (*idx, *twin)));
            let Some((idx, twin)) =
                all.min_by_key(|(idx, twin)| (expected[*idx].abs_diff(*twin), *idx, *twin))
            else {
                return;
            };
            self.join(idx, twin);
            of_a.retain(|other| *other != idx);
            of_b.retain(|other| *other != twin);
        }
    }

    /// Where each row of the first copy should stand in the second: as far behind the last row that stayed as it was.
    fn expected(&self) -> Vec<usize> {
        let paired: Vec<(usize, usize)> =
            self.matched.pairs.iter().enumerate().filter_map(|(idx, twin)| Some((idx, (*twin)?))).collect();
        let twins: Vec<usize> = paired.iter().map(|(_, twin)| *twin).collect();
        let stays = longest_increasing(&twins);
        let mut anchors =
            paired.iter().zip(stays).filter(|(_, stays)| *stays).map(|(pair, _)| *pair).peekable();
        let (mut from, mut to) = (0, 0);
        let rows = 0..self.a.rows.len();
        rows.map(|idx| {
            while let Some((anchor, twin)) = anchors.next_if(|(anchor, _)| *anchor <= idx) {
                (from, to) = (anchor, twin);
            }
            to + (idx - from)
        })
        .collect()
    }

    /// Rows of the second copy that are one more of a row that was paired.
    fn duplicates(&mut self, key: impl Fn(&SideRow<'_>) -> Key) {
        let left = self.left_b();
        if left.is_empty() {
            return;
        }
        let known: std::collections::BTreeSet<[u8; 16]> = self.a.rows.iter().filter_map(&key).collect();
        for idx in left {
            if key(&self.b.rows[idx]).is_some_and(|key| known.contains(&key)) {
                self.matched.of_b[idx] = Fate::Duplicate;
            }
        }
    }

    /// Pairs rows that stand where they should and still share their answer, or look alike.
    fn at_the_same_place(&mut self) {
        let expected = self.expected();
        for idx in self.left_a() {
            let twin = expected[idx];
            if self.matched.of_b.get(twin) != Some(&Fate::Alone) {
                continue;
            }
            let (old, new) = (&self.a.rows[idx], &self.b.rows[twin]);
            let is_same_answer =
                answer_only(old.record).is_some_and(|key| Some(key) == answer_only(new.record));
            let is_alike =
                || Shape::of(old.record).likeness(&Shape::of(new.record)) >= similar::ALIKE_IN_PLACE;
            if old.unit == new.unit && (is_same_answer && has_telling_answer(old.record) || is_alike()) {
                self.join(idx, twin);
            }
        }
    }

    fn by_likeness(&mut self) {
        let (left_a, left_b) = (self.left_a(), self.left_b());
        if left_a.is_empty() || left_b.is_empty() {
            return;
        }
        let shapes: Vec<Shape> = left_b.iter().map(|idx| Shape::of(self.b.rows[*idx].record)).collect();
        let sketches = Sketches::of(&shapes);
        let mut found = Vec::new();
        for idx in left_a {
            let shape = Shape::of(self.a.rows[idx].record);
            for candidate in sketches.candidates(&shape) {
                let likeness = shape.likeness(&shapes[candidate]);
                if likeness >= similar::ALIKE {
                    found.push((likeness, idx, left_b[candidate]));
                }
            }
        }
        found.sort_by(|(one, a, b), (other, c, d)| other.total_cmp(one).then((a, b).cmp(&(c, d))));
        for (_, idx, twin) in found {
            if self.matched.pairs[idx].is_none() && self.matched.of_b[twin] == Fate::Alone {
                self.join(idx, twin);
            }
        }
    }
}

/// Whether choices or a solution are so long that no other row is likely to have them.
fn is_own_answer(record: &Record) -> bool {
    let letters: usize = record.choices().iter().map(String::len).sum();
    letters > 60 || record.choices().is_empty() && has_telling_answer(record)
}

/// Whether an answer says enough to be one row's own at one place.
fn has_telling_answer(record: &Record) -> bool {
    match &record.answer {
        Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => choices.len() > 1,
        Answer::Open { gold } => gold.len() > 20,
        Answer::Code { .. } => true,
    }
}
