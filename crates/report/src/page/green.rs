//! The text itself, each token shaded by its score.

use std::fmt::Write as _;

use serde::Serialize;
use stillmark_evidence::watermark::{Mark, ScoreLine, Stretch, WatermarkFinding};

use crate::markup::escaped;
use crate::number::{grouped, of_logarithm};

/// Pieces of a text that are shown.
const MOST_PIECES: usize = 2000;
/// Texts that are shown.
const MOST_TEXTS: usize = 20;

/// One text.
#[derive(Debug, Serialize)]
pub(super) struct Map {
    id: String,
    mark: &'static str,
    html: String,
    cut: Option<String>,
}

/// The maps of the first texts, and how many were left out; what is marked comes first.
pub(super) fn maps(found: &WatermarkFinding, scores: &[ScoreLine]) -> (Vec<Map>, usize) {
    let line = |id: &str| scores.iter().find(|line| line.id == id && !line.pieces.is_empty());
    let mut texts: Vec<_> = found.texts.iter().filter_map(|text| Some((text, line(&text.id)?))).collect();
    texts.sort_by_key(|(text, _)| text.mark != Mark::Marked);
    let left_out = texts.len().saturating_sub(MOST_TEXTS);
    let maps = texts.into_iter().take(MOST_TEXTS).map(|(text, line)| {
        let all = line.pieces.len();
        let (first, of) = (grouped(MOST_PIECES as u64), grouped(all as u64));
        Map {
            id: text.id.clone(),
            mark: text.mark.as_str(),
            html: html(line, text.stretch),
            cut: (all > MOST_PIECES).then(|| format!("The first {first} of {of} pieces are shown.")),
        }
    });
    (maps.collect(), left_out)
}

fn html(line: &ScoreLine, stretch: Option<Stretch>) -> String {
    let shown = &line.pieces[..line.pieces.len().min(MOST_PIECES)];
    let mut html = String::new();
    let mut is_open = false;
    for (position, (piece, score)) in (0_u64..).zip(shown) {
        if let Some(stretch) = stretch.filter(|stretch| stretch.from == position) {
            let (from, to, p) = (grouped(stretch.from), grouped(stretch.to), of_logarithm(stretch.ln_p));
            let _ = write!(html, "<mark><span class=\"edge\">▸ tokens {from}–{to}, p {p}</span>");
            is_open = true;
        }
        let (class, title) = match score {
            None => ("q", "not scored".to_owned()),
            Some(score) => (shade(*score), format!("{score:.2}")),
        };
        let _ = write!(html, "<span class=\"{class}\" title=\"{title}\">{}</span>", text(piece));
        if is_open && stretch.is_some_and(|stretch| stretch.to == position + 1) {
            html.push_str("<span class=\"edge\">◂</span></mark>");
            is_open = false;
        }
    }
    if is_open {
        html.push_str("</mark>");
    }
    html
}

/// Half, a quarter, 15 and 10 in 100 of the scores under chance.
fn shade(score: f64) -> &'static str {
    match score {
        score if score < 0.5 => "q0",
        score if score < 0.75 => "q1",
        score if score < 0.9 => "q2",
        _ => "q3",
    }
}

/// A piece with its line breaks to be seen.
fn text(piece: &str) -> String {
    piece.split('\n').map(escaped).collect::<Vec<_>>().join("↵\n")
}
