//! The results of a finding as rows.

use serde::Serialize;
use stillmark_evidence::watermark::{Attribution, Mark, TextResult, Unscored, Verdict, WatermarkFinding};

use crate::number::{grouped, of_logarithm, percent, plain};

/// Rows that the table has at most.
const MOST_ROWS: usize = 200;

/// The table of texts.
#[derive(Serialize)]
pub(super) struct Results {
    rows: Vec<Row>,
    left_out: usize,
    statistic: String,
    /// The names of the columns that any row fills.
    columns: Vec<&'static str>,
    withheld: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    is_pooled: bool,
    scored: String,
    unscored: String,
    /// The cells of the columns, in their order.
    cells: Vec<String>,
    mark: &'static str,
    word: &'static str,
    note: Option<String>,
}

/// One attributed text.
#[derive(Serialize)]
pub(super) struct AttributedRow {
    id: String,
    scored: String,
    verdict: &'static str,
    tone: &'static str,
    tenant: Option<String>,
    best: Vec<(String, String, String, String)>,
}

type Cell = fn(&TextResult) -> Option<String>;

/// Every column that a row may fill.
const COLUMNS: [(&str, Cell); 10] = [
    ("Statistic", |text| text.statistic.map(plain)),
    ("Green", |text| {
        let share = (text.scored > 0).then(|| text.green.map(|green| green as f64 / text.scored as f64));
        share.flatten().map(percent)
    }),
    ("Mean score", |text| text.mean_score.map(plain)),
    ("Weighted mean", |text| text.weighted_mean_score.map(plain)),
    ("Rank p", |text| text.decoy_p.map(|p| of_logarithm(p.ln()))),
    ("Analytic p", |text| match &text.withheld {
        Some(_) => Some("withheld".to_owned()),
        None => text.ln_p.map(of_logarithm),
    }),
    ("Normal p", |text| text.p_normal.map(|p| of_logarithm(p.ln()))),
    ("Corrected p", |text| text.adjusted_ln_p.map(of_logarithm)),
    ("E-value", |text| text.ln_e_value.map(of_logarithm)),
    ("Marked stretch", |text| {
        text.stretch.map(|s| format!("{}–{}, p {}", grouped(s.from), grouped(s.to), of_logarithm(s.ln_p)))
    }),
];

pub(super) fn of(found: &WatermarkFinding) -> Results {
    let shown = || found.texts.iter().take(MOST_ROWS).chain(std::iter::once(&found.pooled));
    let columns: Vec<_> =
        COLUMNS.into_iter().filter(|(_, cell)| shown().any(|text| cell(text).is_some())).collect();
    let row = |text: &TextResult| Row {
        id: text.id.clone(),
        is_pooled: std::ptr::eq(text, &raw const found.pooled),
        scored: format!("{} of {}", grouped(text.scored), grouped(text.tokens)),
        unscored: unscored(text.unscored),
        cells: columns.iter().map(|(_, cell)| cell(text).unwrap_or_else(|| "–".to_owned())).collect(),
        mark: text.mark.as_str(),
        word: text.mark.words(),
        note: text
            .needed
            .filter(|_| text.mark != Mark::Marked)
            .map(|needed| format!("needs about {} tokens", grouped(needed))),
    };
    let withheld = shown().filter_map(|text| Some((text.id.clone(), text.withheld.clone()?)));
    Results {
        rows: shown().map(row).collect(),
        left_out: found.texts.len().saturating_sub(MOST_ROWS),
        statistic: found.statistic.clone(),
        withheld: withheld.collect(),
        columns: columns.iter().map(|column| column.0).collect(),
    }
}

pub(super) fn attributed(attribution: &Attribution) -> Vec<AttributedRow> {
    let rows = attribution.texts.iter().take(MOST_ROWS).map(|text| AttributedRow {
        id: text.id.clone(),
        scored: grouped(text.scored),
        verdict: text.verdict.as_str(),
        tone: match text.verdict {
            Verdict::Attributed => "marked",
            Verdict::NoEvidence => "no-evidence",
            Verdict::Inconclusive | Verdict::Unknown => "inconclusive",
        },
        tenant: text.tenant.clone(),
        best: text
            .best
            .iter()
            .map(|key| {
                let e_value = key.ln_e_value.map_or_else(|| "–".to_owned(), of_logarithm);
                let commitment = key.commitment.clone().unwrap_or_else(|| "–".to_owned());
                (key.key_name.clone(), commitment, of_logarithm(key.adjusted_ln_p), e_value)
            })
            .collect(),
    });
    rows.collect()
}

pub(super) fn particulars(found: &WatermarkFinding) -> Vec<(String, String)> {
    let mut rows = named([
        ("Scheme", found.scheme.clone()),
        ("Compared bit by bit with", found.reference.clone()),
        ("Key commitment, sha256", found.key.clone().unwrap_or_else(|| "none".to_owned())),
        (
            "Tokenizer, sha256",
            found.tokenizer_sha256.clone().unwrap_or_else(|| "none: token ids were judged".to_owned()),
        ),
        ("Level", of_logarithm(found.level.ln())),
        ("Decoy keys", format!("{}, drawn from the seed {}", grouped(found.decoys), found.decoy_seed)),
        ("Keys tried", grouped(found.keys_tried)),
        ("Texts tried", grouped(found.texts_tried)),
    ]);
    for (name, value) in &found.parameters {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rows.push((format!("Parameter {name}"), value));
    }
    rows
}

pub(super) fn attribution_particulars(attribution: &Attribution) -> Vec<(String, String)> {
    named([
        ("Scheme", attribution.scheme.clone()),
        ("Level, over all keys and texts", of_logarithm(attribution.level.ln())),
        ("Keys tried", grouped(attribution.keys_tried)),
        ("Texts tried", grouped(attribution.texts_tried)),
    ])
}

fn named<const N: usize>(rows: [(&str, String); N]) -> Vec<(String, String)> {
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn unscored(counts: Unscored) -> String {
    let reasons = [
        (counts.prompt, "prompt"),
        (counts.edge, "edge"),
        (counts.repeated, "repeated"),
        (counts.outside, "outside the vocabulary"),
    ];
    let words = reasons.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = words.map(|(count, why)| format!("{} {why}", grouped(count))).collect();
    words.join(", ")
}
