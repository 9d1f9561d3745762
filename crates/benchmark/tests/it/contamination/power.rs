//! Models that have seen the items, more or less: how often each test finds out. The curves are kept as they are.

use stillmark_benchmark::contamination::{combine, min_k, options, order};
use stillmark_benchmark::record::Subset;
use stillmark_evidence::contamination::{ContaminationFinding, Seen};
use stillmark_stats::PValue;

use super::{Kind, Model, ask, benchmark, hashed};

const ROUNDS: u64 = 40;

/// A model to which everything that stands in its memory, word pair by word pair, is likelier by so many nats.
struct Memory {
    seed: u64,
    text: String,
    nats: f64,
}

impl Memory {
    fn of(seed: u64, subsets: &[Subset], nats: f64) -> Self {
        let records = subsets.iter().flat_map(|subset| &subset.records);
        let text: String = records.map(stillmark_benchmark::contamination::rendering::item).collect();
        let text = text.replace("\n\n", "\n");
        Self { seed, text, nats }
    }

    fn pairs(&self, text: &str) -> Vec<f64> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let known = lines
            .windows(2)
            .map(|pair| f64::from(u8::from(self.text.contains(&pair.join("\n")))) * self.nats);
        let words: Vec<&str> = text.split_whitespace().collect();
        let each = words.windows(2).map(|pair| -8.0 * hashed(self.seed, &pair.join(" ")));
        known.chain(each).collect()
    }
}

impl Model for Memory {
    fn ln_p(&self, context: &str, text: &str) -> f64 {
        self.pairs(&format!("{context}{text}")).iter().sum()
    }

    fn z(&self, text: &str) -> Vec<f64> {
        let known = if self.text.contains(text.trim()) { self.nats } else { 0.0 };
        text.split_whitespace().map(|word| known + 2.0 - 4.0 * hashed(self.seed, word)).collect()
    }

    fn goes_on(&self, prompt: &str) -> String {
        self.text.split_once(prompt).map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    }
}

fn share(found: impl Fn(u64) -> ContaminationFinding) -> u64 {
    (0..ROUNDS).filter(|seed| found(*seed).verdict == Seen::Seen).count() as u64 * 100 / ROUNDS
}

#[test]
fn power_rises_with_memory() {
    let order = [0.0, 1.0, 2.0, 4.0, 8.0].map(|nats| {
        share(|seed| {
            let subsets = [benchmark(Kind::Fresh, 40, seed)];
            let plan =
                order::plan(&subsets, &order::Settings { seed, permutations: 19, shard: 8, level: 0.01 });
            order::judge(&plan, &ask(order::TEST, &plan.questions(), &Memory::of(seed, &subsets, nats)))
                .unwrap()
        })
    });
    let options = [0.0, 1.0, 2.0, 4.0, 8.0].map(|nats| {
        share(|seed| {
            let subsets = [benchmark(Kind::Template, 40, seed)];
            let plan = options::plan(&subsets, &options::Settings { seed, orders: 6, level: 0.01 });
            options::judge(&plan, &ask(options::TEST, &plan.questions(), &Memory::of(seed, &subsets, nats)))
                .unwrap()
        })
    });
    let min_k = [0.0, 0.03, 0.06, 0.12, 0.25].map(|nats| {
        share(|seed| {
            let mut items = benchmark(Kind::Fresh, 80, seed);
            let mut control = items.clone();
            control.records = items.records.split_off(40);
            let (items, control) = ([items], [control]);
            let plan = min_k::plan(&items, &control, &min_k::Settings { share: 0.2, seed, level: 0.01 });
            min_k::judge(&plan, &ask(min_k::TEST, &plan.questions(), &Memory::of(seed, &items, nats)))
                .unwrap()
        })
    });
    let told = format!("order {order:?}\noptions {options:?}\nmin-k {min_k:?}");
    assert_eq!(told, CURVES, "\n{told}");
}

/// Found of a hundred, at level 0.01: order and options with memories of 0, 1, 2, 4, 8 nats a remembered pair of lines, Min-K%++
/// of 0, 0.03, 0.06, 0.12, 0.25 standard deviations a token.
const CURVES: &str = "order [0, 27, 90, 100, 100]\noptions [2, 80, 100, 100, 100]\nmin-k [0, 5, 27, 67, 95]";

#[test]
fn several_tests_are_taken_together() {
    let subsets = [benchmark(Kind::Fresh, 40, 1)];
    let settings = order::Settings { seed: 1, permutations: 19, shard: 8, level: 0.01 };
    let plan = order::plan(&subsets, &settings);
    let seen =
        order::judge(&plan, &ask(order::TEST, &plan.questions(), &Memory::of(1, &subsets, 20.0))).unwrap();
    let unseen =
        order::judge(&plan, &ask(order::TEST, &plan.questions(), &Memory::of(1, &subsets, 0.0))).unwrap();
    let mut broken = unseen.clone();
    (broken.p, broken.ln_p, broken.verdict) = (None, None, Seen::Inconclusive);
    let all = combine::combine(
        &[("a".into(), unseen.clone()), ("b".into(), seen.clone()), ("c".into(), broken.clone())],
        0.01,
    );
    assert_eq!(all.verdict, Seen::Seen);
    let expected = seen.ln_p.unwrap() + 2_f64.ln();
    assert!((all.ln_p.unwrap() - expected).abs() < 1e-9);
    assert_eq!(all.tests[2].adjusted_ln_p, None);
    assert_eq!(combine::combine(&[("c".into(), broken)], 0.01).verdict, Seen::Inconclusive);
    assert_eq!(combine::combine(&[("a".into(), unseen)], 0.01).verdict, Seen::NoEvidence);
    assert_eq!(combine::combine(&[], 0.01).verdict, Seen::Inconclusive);
}

#[test]
fn e_values_of_uniform_p_values_are_one_on_average() {
    // The mean over a grid of many p-values; the rest of the integral is −1 / ln of that.
    let n = 200_000;
    let mean = (0..n)
        .map(|idx| combine::ln_e_value(PValue::new((f64::from(idx) + 0.5) / f64::from(n))).exp())
        .sum::<f64>()
        / f64::from(n);
    assert!(0.88 < mean && mean <= 1.0, "{mean}");
    assert!((combine::ln_e_value(PValue::ONE).exp() - 0.5).abs() < 1e-6);
    assert!(combine::ln_e_value(PValue::from_ln(-1000.0)) > 980.0);
}
