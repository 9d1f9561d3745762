//! The page of a watermark finding.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::verify::{self, FindingFacts};
use stillmark_evidence::watermark::{
    Attributed, Attribution, Candidate, Judgment, Mark, SCHEMA, ScoreLine, Stretch, TextResult, Unscored,
    Verdict, WatermarkFinding, e_value,
};
use stillmark_evidence::{Digest, Subject, Trust, Verified, signing};
use stillmark_report::render_finding;

const PROSE: &str = "The harbor lay quiet under a thin fog, and the first boats came back before the bells had rung. \
    Nobody on the quay asked what they had caught. Prices were written on a slate by the weighing house,\nand \
    whoever could not read them asked a child. By noon the fog had gone and with it most of the buyers, so that the \
    last crates were carried up the hill, where an old woman salted what was left and told the same three stories \
    she had always told. ";

/// Numbers between 0 and 1 that look drawn.
fn drawn(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    })
}

fn pieces(seed: u64, times: usize, strength: impl Fn(usize) -> f64) -> Vec<(String, Option<f64>)> {
    let words: Vec<&str> = PROSE.split_inclusive(' ').collect();
    let words = words.iter().cycle().take(words.len() * times);
    let score =
        |(at, u): (usize, f64)| if at < 4 || at % 13 == 12 { None } else { Some(u.powf(strength(at))) };
    words.zip((0..).zip(drawn(seed)).map(score)).map(|(word, score)| ((*word).to_owned(), score)).collect()
}

fn curve(scored: u64, slope: f64) -> Vec<(u64, f64)> {
    let noise = drawn(scored).map(|u| 3.0 * (u - 0.5));
    let tokens = (1..=60).map(|at| (at * scored / 60).max(1));
    let mut points: Vec<_> = tokens.zip(noise).map(|(n, e)| (n, (slope * n as f64 + e).min(-0.02))).collect();
    points.dedup_by_key(|point| point.0);
    points
}

fn result(id: &str, scored: u64, ln_p: f64, mark: Mark) -> TextResult {
    let decoy_p = if ln_p < -7.0 { 0.001 } else { 0.437 };
    TextResult {
        scored,
        unscored: Unscored { prompt: 0, edge: 4, repeated: scored / 12, outside: 0 },
        statistic: Some(scored as f64 * 1.3),
        p: Some(ln_p.exp()),
        ln_p: Some(ln_p),
        ln_e_value: Some(-ln_p - 2.5),
        e_value: Some(e_value(-ln_p - 2.5)),
        decoy_p: Some(decoy_p),
        decoy_ln_p: Some(decoy_p.ln()),
        mark,
        ..TextResult::new(id, scored + 4 + scored / 12)
    }
}

fn found(texts: Vec<TextResult>, pooled: TextResult) -> WatermarkFinding {
    WatermarkFinding {
        schema: SCHEMA.to_owned(),
        scheme: "vllm-philox".to_owned(),
        reference: "vLLM 0.33.0, philox4x32-10-v1".to_owned(),
        key: Some(Digest::of(b"key").to_string()),
        parameters: BTreeMap::from([
            ("context_width".to_owned(), json!(4)),
            ("deduplicate".to_owned(), json!(true)),
        ]),
        tokenizer_sha256: Some(Digest::of(b"tokenizer").to_string()),
        level: 0.001,
        decoys: 999,
        decoy_seed: 7,
        keys_tried: 1,
        texts_tried: texts.len() as u64,
        statistic: "sum of −ln(1 − u) over the scored tokens".to_owned(),
        texts,
        pooled,
        assumptions: vec![
            "The key was fixed before the texts were seen.".to_owned(),
            "The decoy keys are drawn like the true key.".to_owned(),
        ],
        cannot_show: vec![
            "Who wrote or sent the text: a mark shows which key made it.".to_owned(),
            "That a text without evidence was not marked.".to_owned(),
        ],
        log: None,
    }
}

/// Texts of all kinds: marked, marked in part, unmarked, too short.
fn made() -> (WatermarkFinding, Vec<ScoreLine>) {
    let mut texts = vec![
        result("essay-1", 170, -21.5, Mark::Marked),
        result("essay-2", 160, -12.5, Mark::Marked),
        result("letter", 150, -0.8, Mark::NoEvidence),
        result("note", 9, -0.3, Mark::Inconclusive),
    ];
    let adjusted = [-20.1, -11.4, -0.1, -0.1];
    texts.iter_mut().zip(adjusted).for_each(|(text, ln_p)| text.adjusted_ln_p = Some(ln_p));
    texts[1].stretch = Some(Stretch { from: 30, to: 90, ln_p: -14.2, decoy_p: Some(0.001) });
    texts[2].needed = Some(240);
    texts[3].withheld = Some("9 tokens are too few to compare the decoys with the tail".to_owned());
    (texts[3].p, texts[3].ln_p, texts[3].adjusted_ln_p) = (None, None, None);
    let line = |id: &str, curve, pieces| ScoreLine { id: id.to_owned(), curve, pieces };
    let scores = vec![
        line("essay-1", curve(170, -0.126), pieces(1, 2, |_| 0.4)),
        line(
            "essay-2",
            curve(160, -0.078),
            pieces(2, 2, |at| if (30..90).contains(&at) { 0.3 } else { 1.0 }),
        ),
        line("letter", curve(150, -0.006), pieces(3, 2, |_| 1.0)),
        line("note", curve(9, -0.03), pieces(4, 1, |_| 1.0).into_iter().take(15).collect()),
        line("pooled", curve(480, -0.055), vec![]),
    ];
    (found(texts, result("pooled", 480, -26.4, Mark::Marked)), scores)
}

/// Seals a finding, changes its folder, and verifies it.
fn verified<P: Judgment>(predicate: P, scores: &[ScoreLine], tamper: fn(&Path)) -> Verified<FindingFacts> {
    let dir = tempfile::tempdir().unwrap();
    let key = PrivateKey::from_entropy(&[3; 32]).unwrap();
    let judged = vec![Subject::new("answers.jsonl", Digest::of(b"answers"))];
    signing::seal_finding(dir.path(), judged, predicate, scores, &key, None).unwrap();
    tamper(dir.path());
    verify::finding(dir.path(), &Trust::of([key.public().clone()])).unwrap()
}

fn page(predicate: impl Judgment, scores: &[ScoreLine], tamper: fn(&Path), name: &str) -> String {
    let facts = verified(predicate, scores, tamper);
    let page = render_finding(&facts, "2026-11-27", "stillmark 0.1.0").unwrap();
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), &page).unwrap();
    loads_nothing(&page);
    page
}

/// Demands that the page loads nothing and runs nothing.
pub(crate) fn loads_nothing(page: &str) {
    for load in ["http://", "https://", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe"] {
        assert!(!page.contains(load), "{load}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// Demands that every text stands on the page.
pub(crate) fn shows(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "no {text:?}");
    }
}

#[test]
fn a_marked_finding_is_shown_whole() {
    let (finding, scores) = made();
    let page = page(finding, &scores, |_| (), "finding.html");
    shows(
        &page,
        &[
            "Marked, at the level 0.001",
            "not of who wrote the text",
            "Taken one by one, 2 of 4 texts are marked.",
            "Rank among 999 decoy keys: p = 0.001, the least that so many can show.",
            "Analytic: p = 3.4 × 10⁻¹².",
            "needs about 240 tokens",
            "analytic p-value withheld, 9 tokens are too few",
            "class=\"line thick\"",
            "below: rarer than the level 0.001",
            "▸ tokens 30–90, p 6.8 × 10⁻⁷",
            "title=\"not scored\"",
            "house,↵\nand",
            "stillmark watermark detect --key KEYFILE answers.jsonl --tokenizer TOKENIZER --decoys 999",
            "Everything that was recorded holds",
        ],
    );
    assert!(page.find("Marked, at the level").unwrap() < page.find("Everything that was recorded").unwrap());
}

#[test]
fn no_evidence_is_never_called_innocence() {
    let mut text = result("letter", 150, -0.8, Mark::NoEvidence);
    text.needed = Some(240);
    let pooled = TextResult { id: "pooled".to_owned(), ..text.clone() };
    let line = ScoreLine { id: "letter".to_owned(), curve: curve(150, -0.006), pieces: vec![] };
    let page = page(found(vec![text], pooled), &[line], |_| (), "no-evidence.html");
    shows(
        &page,
        &[
            "No evidence of this key’s mark",
            "No evidence is not innocence",
            "150 of 166 tokens were scored; a mark of the usual strength needs about 240 to show.",
        ],
    );
    assert!(!page.contains("Token by token"));
}

#[test]
fn a_changed_folder_says_first_that_it_shows_nothing() {
    let (finding, scores) = made();
    let tamper = |dir: &Path| fs::write(dir.join("scores.jsonl"), "").unwrap();
    let page = page(finding, &scores, tamper, "finding-failed.html");
    let at = |text: &str| page.find(text).unwrap();
    assert!(at("Something does not hold") < at("Marked, at the level"));
    shows(&page, &["not shown to be what was found", "bad-digest"]);
    assert!(!page.contains("Token by token") && !page.contains("How the evidence grew"));
}

#[test]
fn an_unreadable_statement_still_gives_a_page() {
    let (finding, scores) = made();
    let tamper = |dir: &Path| fs::write(dir.join("finding.sigstore.json"), "{").unwrap();
    let page = page(finding, &scores, tamper, "finding-unreadable.html");
    shows(&page, &["Something does not hold", "malformed"]);
}

#[test]
fn long_texts_and_many_of_them_are_cut_and_it_is_said() {
    let texts: Vec<_> = (0..230).map(|at| result(&format!("t{at}"), 3000, -0.5, Mark::NoEvidence)).collect();
    let line = |at: usize| ScoreLine {
        id: format!("t{at}"),
        curve: vec![(3000, -0.5)],
        pieces: vec![("a ".to_owned(), Some(0.6)); if at == 0 { 2500 } else { 3 }],
    };
    let scores: Vec<_> = (0..30).map(line).collect();
    let finding = found(texts, result("pooled", 3000, -0.5, Mark::NoEvidence));
    let page = page(finding, &scores, |_| (), "finding-many.html");
    shows(
        &page,
        &[
            "The first 2\u{202f}000 of 2\u{202f}500 pieces are shown.",
            "10 more texts are in <code>scores.jsonl</code>",
            "30 more texts are in the statement and not in this table.",
            "25 more are thin lines",
        ],
    );
}

#[test]
fn what_others_wrote_is_text_and_never_markup() {
    let evil = "<script>alert('x')</script><img src=x onerror=\"y\">&";
    let (mut finding, mut scores) = made();
    finding.scheme = evil.to_owned();
    finding.statistic = evil.to_owned();
    finding.cannot_show[0] = evil.to_owned();
    finding.parameters.insert("context_width".to_owned(), json!(evil));
    finding.texts[0].id = evil.to_owned();
    scores[0].id = evil.to_owned();
    scores[0].pieces[0].0 = evil.to_owned();
    let facts = verified(finding, &scores, |_| ());
    let page = render_finding(&facts, evil, evil).unwrap();
    for markup in ["<script", "<img", "onerror=\"", "'x'"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn an_attribution_names_its_key_and_what_it_is_not() {
    let candidate = |name: &str, ln_p: f64| Candidate {
        key_name: name.to_owned(),
        commitment: Some(Digest::of(name.as_bytes()).to_string()),
        ln_p,
        adjusted_ln_p: (ln_p + 9.9).min(0.0),
        ln_e_value: Some(-ln_p - 3.0),
    };
    let attribution = Attribution {
        schema: Attribution::SCHEMA.to_owned(),
        scheme: "stillmark-gumbel".to_owned(),
        level: 0.001,
        keys_tried: 10_000,
        texts_tried: 1,
        texts: vec![Attributed {
            id: "a".to_owned(),
            scored: 480,
            best: vec![candidate("tenant-0417", -44.0), candidate("tenant-9002", -9.2)],
            verdict: Verdict::Attributed,
            tenant: Some("tenant-0417".to_owned()),
        }],
        assumptions: vec![],
        cannot_show: vec![],
        log: None,
    };
    let page = page(attribution, &[], |_| (), "attribution.html");
    shows(
        &page,
        &[
            "1 of 1 texts attributed to a key, at the level 0.001",
            "10\u{202f}000 keys were tried",
            "not who sent the request",
            "tenant-0417: corrected p 1.6 × 10⁻¹⁵",
        ],
    );
}
