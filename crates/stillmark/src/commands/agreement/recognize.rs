//! `stillmark agreement terms recognize FILE`.

use std::path::Path;

use serde::Serialize;
use stillmark_agreement::{Candidate, Match, Pack, Recognition, Recognizer};

use crate::exit::ExitStatus;
use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    file: String,
    verdict: Match,
    id: Option<&'a str>,
    likeness: Option<f64>,
    method: Option<&'static str>,
    candidates: Vec<Candidate>,
    words_sha256: String,
}

/// Says which known text a file holds.
pub(super) fn run(pack: &Pack, file: &Path, session: &Session) -> Outcome {
    let bytes = std::fs::read(file).map_err(|err| files::cannot("read", file, &err))?;
    let text = String::from_utf8_lossy(&bytes);
    let recognizer = Recognizer::shipped().map_err(|err| Problem::from_error(&err))?;
    let found = recognizer.recognize(&text);
    let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
    let candidates: Vec<Candidate> = found
        .candidates
        .iter()
        .map(|candidate| Candidate {
            likeness: rounded(candidate.likeness),
            held: rounded(candidate.held),
            ..candidate.clone()
        })
        .collect();
    let answer = Answer {
        schema: "stillmark/terms-recognition/v1",
        file: file.display().to_string(),
        verdict: found.verdict,
        id: found.id(),
        likeness: candidates.first().map(|best| best.likeness),
        method: match found.verdict {
            Match::Exact => Some("exact"),
            Match::Unknown => None,
            Match::Alike | Match::Extended | Match::Ambiguous => Some("shingles"),
        },
        candidates,
        words_sha256: found.words_sha256.to_string(),
    };
    session.answer(&answer, || told(pack, &answer, &found))?;
    Ok(match found.verdict {
        Match::Exact | Match::Alike => ExitStatus::Done,
        Match::Extended | Match::Ambiguous | Match::Unknown => ExitStatus::Review,
    })
}

fn told(pack: &Pack, answer: &Answer<'_>, found: &Recognition) -> String {
    let name = |id: &str| pack.get(id).map_or_else(|| id.to_owned(), |entry| format!("{id}, {}", entry.name));
    let file = &answer.file;
    let first = match (found.verdict, found.id()) {
        (Match::Exact, Some(id)) => format!("{file}: exact: {}", name(id)),
        (Match::Extended, Some(id)) => {
            format!("{file}: extended: {}, and other text beside it, which decides as well", name(id))
        }
        (_, Some(id)) => format!("{file}: alike: {}; some words differ: read where", name(id)),
        (Match::Ambiguous, None) => format!("{file}: ambiguous: several known texts fit alike"),
        (_, None) => format!("{file}: unknown: no known text"),
    };
    let mut lines = vec![first];
    for candidate in &answer.candidates {
        lines.push(format!(
            "  {:.4}  {}  ({:.0} % of it is held; read in {})",
            candidate.likeness,
            candidate.id,
            candidate.held * 100.0,
            candidate.source
        ));
    }
    lines.join("\n")
}
