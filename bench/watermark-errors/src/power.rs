//! How often is marked text found, by how much of it there is and how free the model's choice was?

use rayon::prelude::*;
use stillmark_report::chart::Plot;
use stillmark_stats::e_process::{EProcess, LikelihoodRatio};
use stillmark_watermark::detect::{self, Input, Search, Settings};
use stillmark_watermark::{Key, Null, Sites, Text, power};

use crate::answers::{self, Told};
use crate::charts;
use crate::options::Options;
use crate::schemes::MARKING;

/// The rate of false alarms at which power is stated.
const LEVEL: f64 = 1e-6;
/// Decoys a text.
const DECOYS: usize = 999;
/// Scored tokens that are judged.
const JUDGED: usize = 200;
/// Bounds of the groups, mean nats of a next token.
const GROUPS: [(f64, f64); 4] = [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, f64::INFINITY)];
/// A curve has a point where so many texts are long enough.
const LEAST: usize = 15;

/// A marked answer, scored.
struct Judged {
    /// The mean entropy before the first scored tokens.
    entropy: f64,
    /// Scored tokens.
    scored: usize,
    /// The logarithm of the analytic p-value after each number of scored tokens.
    ln_p: Vec<f64>,
    /// What `detect` says of the first [`JUDGED`] of them, where there are so many.
    at: Option<Verdict>,
    /// Scored tokens until the likelihood ratio reaches one over the level, without and with foreign tokens.
    ratio: [Option<usize>; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The analytic p-value reaches the level, no decoy scores as high.
    Found,
    Missed,
    /// The analytic p-value is not stated.
    Withheld,
}

/// Judges the answers of every scheme that marks, and prints the tables.
pub(crate) fn print(options: &Options) -> Result<(), String> {
    let (mut schemes, mut all) = (Vec::new(), Vec::new());
    for marks in MARKING.iter().filter(|marks| options.wants_scheme(marks.name)) {
        let (told, key) = (answers::marked(options, marks)?, marks.key()?);
        let judged: Vec<Judged> = told.par_iter().map(|told| judge(told, &key)).collect();
        schemes.push((marks.name, key));
        all.push(judged);
    }
    println!(
        "\n| scheme | mean entropy, nats | texts of 200 scored tokens | found at 10⁻⁶ | planned | p withheld |"
    );
    println!("|---|---|---|---|---|---|");
    for ((name, key), judged) in schemes.iter().zip(&all) {
        for group in GROUPS.into_iter().chain([(1.0, f64::INFINITY)]) {
            row(name, key, judged, group);
        }
    }
    println!(
        "\n| scheme | foreign share | texts ≥ 1 nat | reached 10⁶ | scored tokens until then, mean | median | longest |"
    );
    println!("|---|---|---|---|---|---|---|");
    for ((name, key), judged) in schemes.iter().zip(&all) {
        if key.scheme().null() == Null::Exponential {
            ratios(name, judged, 0);
            ratios(name, judged, 1);
        }
    }
    let line = |((name, _), judged): (&(&str, Key), &Vec<Judged>)| {
        charts::plot(name.trim_end_matches("-transformers"), curve(judged, (1.0, f64::INFINITY)))
    };
    let lines: Vec<Plot> = schemes.iter().zip(&all).map(line).collect();
    charts::power(options, "power.svg", "Found at 10⁻⁶ by analytic p, answers of 1 nat or more", lines)?;
    let Some(((name, key), judged)) = schemes.first().zip(all.first()) else { return Ok(()) };
    let mut lines = Vec::new();
    for group in GROUPS.into_iter().filter(|group| members(judged, *group).count() >= LEAST) {
        lines.push(charts::plot(&words(group), curve(judged, group)));
        let entropy = mean(members(judged, group).map(|judged| judged.entropy));
        if let Some(plan) = power::plan(key.scheme(), entropy) {
            let points = (1..=10).map(|step| (25.0 * f64::from(step), plan.at(25 * step as u64, LEVEL)));
            lines.push(charts::plot("planned", points.collect()));
        }
    }
    charts::power(options, "power-entropy.svg", &format!("Found at 10⁻⁶ by entropy, {name}"), lines)
}

fn judge(told: &Told, key: &Key) -> Judged {
    let scheme = key.scheme();
    let (text, null) = (Text { tokens: &told.tokens, prompt_len: told.prompt_len }, scheme.null());
    let sites = Sites::find(&[text], &scheme.effective_rule());
    let mut scores = Vec::new();
    detect::score(scheme, &sites, 0..1, &mut scores);
    let mut sum = 0.0;
    let ln_p = scores.iter().enumerate().map(|(idx, score)| {
        sum += score;
        if (idx + 1) % 5 == 0 { detect::interval(&null, idx + 1, sum).upper.ln() } else { 0.0 }
    });
    let entropies = sites.positions.iter().take(JUDGED).map(|position| told.entropy[*position as usize]);
    Judged {
        ln_p: ln_p.collect(),
        entropy: mean(entropies.map(f64::from)),
        scored: sites.len(),
        at: sites.positions.get(JUDGED - 1).map(|last| verdict(told, key, *last as usize + 1)),
        ratio: [0.0, 0.01].map(|foreign| reached(told, &sites, &scores, foreign)),
    }
}

fn verdict(told: &Told, key: &Key, len: usize) -> Verdict {
    let text = Text { tokens: &told.tokens[..len], prompt_len: told.prompt_len };
    let settings =
        Settings { decoys: DECOYS, decoy_seed: 3, level: LEVEL, search: Search::Whole, keys_tried: 1 };
    let finding = detect::detect(key, &[Input { id: "text", text, likelihoods: None }], &settings, &|| {});
    let best = 1.0 / (DECOYS as f64 + 1.0);
    match finding.texts.first() {
        Some(result) if result.p.is_none() => Verdict::Withheld,
        Some(result)
            if result.p.is_some_and(|p| p <= LEVEL)
                && result.decoy_p.is_some_and(|p| p <= best * (1.0 + 1e-9)) =>
        {
            Verdict::Found
        }
        _ => Verdict::Missed,
    }
}

fn reached(told: &Told, sites: &Sites, scores: &[f64], foreign: f64) -> Option<usize> {
    let mut process = LikelihoodRatio::with_foreign(foreign);
    for (idx, (score, position)) in scores.iter().zip(&sites.positions).enumerate() {
        process.push_complement((-score).exp(), f64::from(told.ln_q[*position as usize]).exp());
        if process.ln_value() >= -LEVEL.ln() {
            return Some(idx + 1);
        }
    }
    None
}

fn members(judged: &[Judged], group: (f64, f64)) -> impl Iterator<Item = &Judged> {
    judged.iter().filter(move |judged| group.0 <= judged.entropy && judged.entropy < group.1)
}

fn row(name: &str, key: &Key, judged: &[Judged], group: (f64, f64)) {
    let long: Vec<&Judged> = members(judged, group).filter(|judged| judged.at.is_some()).collect();
    if long.is_empty() {
        return;
    }
    let count = |verdict| long.iter().filter(|judged| judged.at == Some(verdict)).count();
    let found = 100.0 * count(Verdict::Found) as f64 / long.len() as f64;
    let planned = mean(long.iter().filter_map(|judged| {
        power::plan(key.scheme(), judged.entropy).map(|plan| plan.at(JUDGED as u64, LEVEL))
    }));
    println!(
        "| {name} | {} | {} | {found:.1} % | {:.1} % | {} |",
        words(group),
        long.len(),
        100.0 * planned,
        count(Verdict::Withheld)
    );
}

fn ratios(name: &str, judged: &[Judged], foreign: usize) {
    // Texts that are too short to tell are left out only where they end within fifty tokens.
    let open: Vec<Option<usize>> = members(judged, (1.0, f64::INFINITY))
        .filter(|judged| judged.scored >= 50 || judged.ratio[foreign].is_some())
        .map(|judged| judged.ratio[foreign])
        .collect();
    let mut reached: Vec<usize> = open.iter().flatten().copied().collect();
    reached.sort_unstable();
    println!(
        "| {name} | {} | {} | {} | {:.1} | {} | {} |",
        ["0", ".01"][foreign],
        open.len(),
        reached.len(),
        mean(reached.iter().map(|count| *count as f64)),
        reached.get(reached.len() / 2).copied().unwrap_or_default(),
        reached.last().copied().unwrap_or_default()
    );
}

fn curve(judged: &[Judged], group: (f64, f64)) -> Vec<(f64, f64)> {
    let at = |tokens: usize| {
        let long: Vec<&Judged> = members(judged, group).filter(|judged| judged.scored >= tokens).collect();
        let found = long.iter().filter(|judged| judged.ln_p[tokens - 1] <= LEVEL.ln()).count();
        (long.len() >= LEAST).then(|| (tokens as f64, found as f64 / long.len() as f64))
    };
    (1..=16).filter_map(|step| at(25 * step)).collect()
}

fn words(group: (f64, f64)) -> String {
    match group {
        (0.0, high) => format!("< {high}"),
        (low, high) if high.is_infinite() => format!("≥ {low}"),
        (low, high) => format!("{low} to {high}"),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}
