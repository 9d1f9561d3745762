//! Models that have seen nothing: how often each test says otherwise.

use stillmark_benchmark::contamination::{completion, min_k, options, order};
use stillmark_benchmark::record::{Answer, Subset};
use stillmark_evidence::contamination::{ContaminationFinding, Kind as Validity, Seen};

use super::{Exact, Kind, Model, ask, benchmark, hashed, within_band};

/// How many null benchmarks of each kind.
const ROUNDS: u64 = 200;

/// A model of pairs of words, which likes short texts: every number follows from the text alone.
struct Unseen(u64);

impl Model for Unseen {
    fn ln_p(&self, context: &str, text: &str) -> f64 {
        let words: Vec<&str> =
            context.split_whitespace().rev().take(1).chain(text.split_whitespace()).collect();
        words.windows(2).map(|pair| -8.0 * hashed(self.0, &pair.join(" "))).sum()
    }

    fn z(&self, text: &str) -> Vec<f64> {
        let words: Vec<&str> = text.split_whitespace().collect();
        words.windows(2).map(|pair| 2.0 - 4.0 * hashed(self.0, &pair.join(" "))).collect()
    }

    /// Right about the next words now and then, as about any text.
    fn goes_on(&self, prompt: &str) -> String {
        if hashed(self.0, prompt) < 0.3 { "known".to_owned() } else { "another".to_owned() }
    }
}

const KINDS: [Kind; 3] = [Kind::Fresh, Kind::Template, Kind::Repeated];

fn exactness(kind: Kind) -> Exact {
    if kind == Kind::Repeated { Exact::AtMost } else { Exact::Equal }
}

/// The p-values of the rounds; where an assumption is called broken by chance there is none, which is no alarm.
fn p(findings: impl Iterator<Item = ContaminationFinding>) -> Vec<f64> {
    findings.map(|finding| finding.p.unwrap_or(1.0)).collect()
}

#[test]
fn order_is_silent_on_models_that_never_saw_the_order() {
    for kind in KINDS {
        let all = p((0..ROUNDS).map(|seed| {
            let subsets = [benchmark(kind, 24, seed)];
            let plan =
                order::plan(&subsets, &order::Settings { seed, permutations: 19, shard: 6, level: 0.05 });
            order::judge(&plan, &ask(order::TEST, &plan.questions(), &Unseen(seed))).unwrap()
        }));
        within_band(&format!("order, {kind:?}"), &all, exactness(kind));
    }
}

#[test]
fn options_are_silent_on_models_that_never_saw_the_choices() {
    for kind in KINDS {
        let findings: Vec<ContaminationFinding> = (0..ROUNDS)
            .map(|seed| {
                let subsets = [benchmark(kind, 20, seed + 7_000)];
                let plan = options::plan(&subsets, &options::Settings { seed, orders: 6, level: 0.05 });
                options::judge(&plan, &ask(options::TEST, &plan.questions(), &Unseen(seed))).unwrap()
            })
            .collect();
        let own: Vec<f64> = findings
            .iter()
            .filter_map(|finding| finding.parts.first().and_then(|part| part.ln_p).map(f64::exp))
            .collect();
        // Holm over two tests, one of them of few discordant pairs: fewer alarms than the level allows.
        within_band(&format!("options, {kind:?}"), &p(findings.into_iter()), Exact::AtMost);
        // Of items with the same choices one is asked about: three are left where all are repeated.
        if kind != Kind::Repeated {
            within_band(&format!("options, likelihood alone, {kind:?}"), &own, Exact::Equal);
        }
    }
}

fn halves(kind: Kind, seed: u64) -> ([Subset; 1], [Subset; 1]) {
    let mut items = benchmark(kind, 48, seed + 90_000);
    let mut control = items.clone();
    control.records = items.records.split_off(24);
    ([items], [control])
}

#[test]
fn min_k_is_silent_on_items_split_by_lot() {
    for kind in KINDS {
        let all = p((0..ROUNDS).map(|seed| {
            let (items, control) = halves(kind, seed);
            let plan = min_k::plan(&items, &control, &min_k::Settings { share: 0.2, seed, level: 0.05 });
            min_k::judge(&plan, &ask(min_k::TEST, &plan.questions(), &Unseen(seed))).unwrap()
        }));
        within_band(&format!("min-k, {kind:?}"), &all, exactness(kind));
    }
}

#[test]
fn completion_is_silent_on_items_split_by_lot() {
    for kind in KINDS {
        let all = p((0..ROUNDS).map(|seed| {
            let (mut items, mut control) = halves(kind, seed);
            // Endings that can be guessed, for a third of all items.
            for record in items[0].records.iter_mut().chain(&mut control[0].records) {
                let first = record.question.split_whitespace().nth(7).unwrap_or("w").to_owned();
                record.question = format!("{first} known known");
                record.answer = Answer::Open { gold: "known known known known".to_owned() };
            }
            let settings =
                completion::Settings { words: 1, guide: completion::Guide::General, seed, level: 0.05 };
            let plan = completion::plan(&items, &control, &settings);
            completion::judge(&plan, &ask(completion::TEST, &plan.questions(), &Unseen(seed))).unwrap()
        }));
        within_band(&format!("completion, {kind:?}"), &all, Exact::AtMost);
    }
}

#[test]
fn sorted_benchmarks_are_not_judged_by_their_order() {
    // By length, by the alphabet, by topic: a model could guess each of these orders.
    let sort: [fn(&mut Subset); 3] = [
        |subset| subset.records.sort_by_key(|record| record.question.len()),
        |subset| subset.records.sort_by(|a, b| a.question.cmp(&b.question)),
        |subset| {
            let half = subset.records.len() / 4;
            for (idx, record) in subset.records.iter_mut().enumerate() {
                record.question = format!("topic{0} about{0} subject{0} {1}", idx / half, record.question);
            }
        },
    ];
    for sort in sort {
        let mut subset = benchmark(Kind::Fresh, 60, 3);
        sort(&mut subset);
        let plan =
            order::plan(&[subset], &order::Settings { seed: 1, permutations: 19, shard: 30, level: 0.05 });
        let finding = order::judge(&plan, &ask(order::TEST, &plan.questions(), &Unseen(1))).unwrap();
        assert_eq!(
            (finding.verdict, finding.p, finding.valid.kind),
            (Seen::Inconclusive, None, Validity::NoPValue)
        );
        assert!(finding.parts[0].left_out.is_some(), "{finding:?}");
    }
}

#[test]
fn without_a_control_there_is_no_p_value() {
    let items = [benchmark(Kind::Fresh, 10, 1)];
    let plan = min_k::plan(&items, &[], &min_k::Settings { share: 0.2, seed: 1, level: 0.05 });
    let finding = min_k::judge(&plan, &ask(min_k::TEST, &plan.questions(), &Unseen(1))).unwrap();
    assert_eq!(
        (finding.p, finding.valid.kind, finding.verdict),
        (None, Validity::NoPValue, Seen::Inconclusive)
    );
    assert!(finding.valid.why.contains("no control"), "{}", finding.valid.why);
    let settings = completion::Settings { words: 3, guide: completion::Guide::Named, seed: 1, level: 0.05 };
    let plan = completion::plan(&items, &[], &settings);
    let finding = completion::judge(&plan, &ask(completion::TEST, &plan.questions(), &Unseen(1))).unwrap();
    assert_eq!((finding.p, finding.verdict), (None, Seen::Inconclusive));
}

#[test]
fn nothing_to_ask_is_inconclusive_and_no_panic() {
    for items in [0, 1, 2] {
        let subsets = [benchmark(Kind::Fresh, items, 1)];
        for permutations in [0, 1] {
            let plan =
                order::plan(&subsets, &order::Settings { seed: 1, permutations, shard: 0, level: 0.01 });
            let finding = order::judge(&plan, &ask(order::TEST, &plan.questions(), &Unseen(1))).unwrap();
            assert_eq!(finding.verdict, Seen::Inconclusive);
        }
        let plan = options::plan(&subsets, &options::Settings { seed: 1, orders: 0, level: 0.01 });
        let finding = options::judge(&plan, &ask(options::TEST, &plan.questions(), &Unseen(1))).unwrap();
        assert_eq!(finding.verdict, Seen::Inconclusive);
        let plan = min_k::plan(&subsets, &subsets, &min_k::Settings { share: 0.0, seed: 1, level: 0.01 });
        let finding = min_k::judge(&plan, &ask(min_k::TEST, &plan.questions(), &Unseen(1))).unwrap();
        assert_eq!(finding.verdict, Seen::Inconclusive);
    }
}
