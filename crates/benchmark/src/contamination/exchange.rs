//! Could the texts as well stand in another order? Looked at from the texts alone, before a model is asked.
//!
//! An order that follows from length, from the alphabet, or from what neighbors share can be guessed by a model that never saw it.

use std::collections::BTreeSet;

use stillmark_evidence::contamination::Check;
use stillmark_stats::PValue;
use stillmark_stats::draws::Draws;

use super::verdict::CHECK_LEVEL;

/// Orders drawn for a look.
const DRAWS: u32 = 999;

/// A group of texts in the order that is doubted, by what can be seen of it.
struct Group {
    /// Ranks by length, and by the alphabet, centered.
    ranks: [Vec<f64>; 2],
    /// What share of their words two texts have in common.
    alike: Vec<Vec<f64>>,
}

/// Looks whether the order within groups follows from the texts; groups of one say nothing.
pub fn looks(groups: &[Vec<String>], seed: u64) -> Vec<Check> {
    let groups: Vec<Group> =
        groups.iter().filter(|group| group.len() > 1).map(|group| Group::of(group)).collect();
    let observed = sums(&groups, &mut |len| (0..len).collect());
    let mut draws = Draws::new(seed);
    let (mut above, mut below) = ([1_u32; 3], [1_u32; 3]);
    for _ in 0..DRAWS {
        let drawn = sums(&groups, &mut |len| draws.permutation(len));
        for idx in 0..3 {
            above[idx] += u32::from(drawn[idx] >= observed[idx] - 1e-9);
            below[idx] += u32::from(drawn[idx] <= observed[idx] + 1e-9);
        }
    }
    let names = [
        "the order does not follow length",
        "the order does not follow the alphabet",
        "neighbors are not alike",
    ];
    let p = |count: u32| f64::from(count) / (f64::from(DRAWS) + 1.0);
    (0..3)
        .map(|idx| {
            let p = PValue::new((2.0 * p(above[idx].min(below[idx]))).min(1.0));
            look(names[idx], p, 3.0)
        })
        .collect()
}

/// Looks whether two groups of texts are of one kind: as long, and as alike within as between.
pub fn one_kind(first: &[String], second: &[String], seed: u64) -> Vec<Check> {
    let length = |texts: &[String]| texts.iter().map(|text| text.chars().count() as f64).collect::<Vec<_>>();
    let variety = |texts: &[String]| {
        texts
            .iter()
            .map(|text| words(text).len() as f64 / (1.0 + text.split_whitespace().count() as f64))
            .collect::<Vec<_>>()
    };
    let sided = |first: Vec<f64>, second: Vec<f64>, seed: u64| {
        let longer = stillmark_stats::permutation::larger_mean(&first, &second, DRAWS, seed);
        let shorter = stillmark_stats::permutation::larger_mean(&second, &first, DRAWS, seed);
        if longer.ln() < shorter.ln() { longer.times(2.0) } else { shorter.times(2.0) }
    };
    vec![
        look("the control's texts are as long", sided(length(first), length(second), seed), 2.0),
        look("the control's words are as varied", sided(variety(first), variety(second), seed), 2.0),
    ]
}

/// The outcome of one of several looks.
pub fn look(name: &str, p: PValue, looks: f64) -> Check {
    let corrected = p.times(looks);
    let holds = corrected.value() > CHECK_LEVEL;
    let detail = format!(
        "p {:.4} of {looks} looks, {}",
        p.value(),
        if holds { "as chance would have it" } else { "chance does not explain it" }
    );
    Check { name: name.to_owned(), holds, ln_p: Some(p.ln()), detail }
}

impl Group {
    fn of(texts: &[String]) -> Self {
        let lengths: Vec<usize> = texts.iter().map(|text| text.chars().count()).collect();
        let sets: Vec<BTreeSet<String>> = texts.iter().map(|text| words(text)).collect();
        let alike = sets.iter().map(|one| sets.iter().map(|other| shared(one, other)).collect()).collect();
        Self { ranks: [ranks(&lengths), ranks(texts)], alike }
    }
}

/// How much the orders go with length, with the alphabet, and how alike neighbors are, over all groups.
fn sums(groups: &[Group], order: &mut dyn FnMut(usize) -> Vec<usize>) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for group in groups {
        let order = order(group.alike.len());
        for (place, idx) in order.iter().enumerate() {
            sums[0] += place as f64 * group.ranks[0][*idx];
            sums[1] += place as f64 * group.ranks[1][*idx];
        }
        sums[2] += order.windows(2).map(|pair| group.alike[pair[0]][pair[1]]).sum::<f64>();
    }
    sums
}

/// Ranks from −1 to 1, ties shared.
fn ranks<T: Ord>(values: &[T]) -> Vec<f64> {
    let signed = |value: &T| {
        values
            .iter()
            .map(|other| match value.cmp(other) {
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Greater => 1.0,
            })
            .sum::<f64>()
    };
    values.iter().map(|value| signed(value) / values.len() as f64).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn shared(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let both = one.intersection(other).count() as f64;
    let either = (one.len() + other.len()) as f64 - both;
    if either == 0.0 { 1.0 } else { both / either }
}
