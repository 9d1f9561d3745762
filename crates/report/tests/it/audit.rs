//! The page of an audit of benchmark logs.

use std::fs;
use std::path::Path;

use stillmark_evidence::audit::{
    Audit, Found, Level, Open, ReadFile, SCHEMA, Score, Severity, SpotCheck, Verdict,
};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::{Digest, Trust, signing, verify};
use stillmark_report::render_audit;

use super::finding::{loads_nothing, shows};

fn score(subject: Option<&str>, n: u64, claimed: f64, recomputed: f64) -> Score {
    let half = 1.96 * (recomputed * (1.0 - recomputed) / n as f64).sqrt();
    Score {
        task: subject.map_or_else(|| "mmlu".to_owned(), |subject| format!("mmlu_{subject}")),
        subject: subject.map(str::to_owned),
        metric: "acc".to_owned(),
        filter: "none".to_owned(),
        aggregation: subject.is_none().then(|| "micro".to_owned()),
        n,
        n_benchmark: Some(if subject.is_some() { n } else { 14_042 }),
        claimed: Some(claimed),
        recomputed: Some(recomputed),
        interval: Some([recomputed - half, recomputed + half]),
    }
}

fn found(class: &str, severity: Severity, detail: &str) -> Found {
    Found {
        class: class.to_owned(),
        severity,
        file: "samples_mmlu_virology.jsonl".to_owned(),
        line: Some(12),
        doc_id: Some("11".to_owned()),
        task: Some("mmlu_virology".to_owned()),
        detail: detail.to_owned(),
        expected: Some("C <b>".to_owned()),
        found: Some("A".to_owned()),
    }
}

fn altered() -> Audit {
    let subjects = ["abstract_algebra", "anatomy", "astronomy", "college_physics", "marketing", "sociology"];
    let subject = |(at, name): (usize, &&str)| {
        let share = 0.3 + 0.09 * at as f64;
        score(Some(name), 100 + 10 * at as u64, share, share)
    };
    let mut scores: Vec<Score> = subjects.iter().enumerate().map(subject).collect();
    scores.push(score(Some("virology"), 166, 0.6205, 0.5181));
    scores.insert(0, score(None, 1_026, 0.5643, 0.5478));
    Audit {
        schema: SCHEMA.to_owned(),
        verdict: Verdict::Altered,
        assurance: Level::L1,
        files: vec![ReadFile {
            name: "samples_mmlu_virology.jsonl".to_owned(),
            sha256: Digest::of(b"rows"),
            bytes: 1_234_567,
            format: "lm-eval".to_owned(),
        }],
        scores,
        findings: vec![
            found("recipe-differs", Severity::Warning, "the log says that it was limited to 1026 items"),
            found(
                "gold-flipped",
                Severity::Error,
                "the question is genuine, the answer counted as right is not",
            ),
            found(
                "gold-flipped",
                Severity::Error,
                "the question is genuine, the answer counted as right is not",
            ),
        ],
        findings_left_out: 15,
        departures: Vec::new(),
        undecidable: vec![Open {
            what: "loglikelihood-forged".to_owned(),
            task: None,
            why: "the numbers agree with each other, which a forger can see to".to_owned(),
        }],
        not_checked: vec![Open {
            what: "few-shot-changed".to_owned(),
            task: Some("mmlu_virology".to_owned()),
            why: "the dev split was not given".to_owned(),
        }],
        cannot_show: vec!["that the named model gave these answers".to_owned()],
        spot_check: None,
    }
}

fn page(audit: &Audit, tamper: fn(&Path), name: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let key = PrivateKey::from_entropy(&[3; 32]).unwrap();
    let classes = ["gold-flipped", "sample-dropped"];
    signing::seal_audit(dir.path(), audit, b"{}\n", (Vec::new(), &classes), &key).unwrap();
    tamper(dir.path());
    let facts = verify::audit(dir.path(), &Trust::of([key.public().clone()])).unwrap();
    let page = render_audit(&facts, "2026-11-27", "stillmark 0.1.0").unwrap();
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), &page).unwrap();
    loads_nothing(&page);
    page
}

#[test]
fn an_altered_score_is_shown_beside_what_the_answers_come_to() {
    let page = page(&altered(), |_| (), "audit.html");
    shows(
        &page,
        &[
            "It does not hold: 17 findings",
            "assurance L1",
            "No log can show that a model gave",
            "56.4 % claimed, 54.8 %",
            "1\u{202f}026 of 14\u{202f}042",
            "+0.1024",
            "0.4421 to 0.5941",
            "samples_mmlu_virology.jsonl:12",
            "C &lt;b&gt;",
            "15 more findings",
            "virology",
            "What no log can decide",
            "the dev split was not given",
            "that the named model gave these answers",
            "The signed record is whole",
        ],
    );
    assert!(page.find("gold-flipped").unwrap() < page.find("recipe-differs").unwrap(), "the worst first");
    assert_eq!(page.matches("class=\"touched\"").count(), 1);
}

#[test]
fn nothing_found_is_no_proof_of_honesty() {
    let mut audit = altered();
    audit.verdict = Verdict::NothingFound;
    audit.findings.clear();
    audit.findings_left_out = 0;
    audit.scores.retain(|score| score.claimed == score.recomputed);
    let page = page(&audit, |_| (), "audit-sound.html");
    shows(&page, &["Nothing was found to be altered", "no proof of honesty", "What this cannot show"]);
    assert!(!page.contains("class=\"touched\"") && !page.contains("id=\"findings\""));
}

#[test]
fn what_was_run_again_stands_on_the_page_with_its_bound() {
    let mut audit = altered();
    audit.assurance = Level::L2;
    audit.spot_check = Some(SpotCheck {
        verdict: "within-margin".to_owned(),
        plan: Digest::of(b"plan"),
        commitment: Digest::of(b"nonce"),
        population: 14_042,
        items: 148,
        differ: 0,
        margin_points: 2.0,
        bound_points: 1.95,
        confidence: 0.95,
        assumed_exact: true,
    });
    let page = page(&audit, |_| (), "audit-again.html");
    let bound = "no more than 1.95 points, at 95 %";
    shows(
        &page,
        &["Items run again", "148 of 14\u{202f}042", bound, "assurance L2", "a re-run repeats exactly"],
    );
}

#[test]
fn a_changed_audit_is_not_shown() {
    let tamper = |dir: &Path| fs::write(dir.join("audit.json"), "{}").unwrap();
    let page = page(&altered(), tamper, "audit-failed.html");
    shows(&page, &["Something does not hold", "bad-digest", "not the signed one"]);
    assert!(!page.contains("Claimed, and what the answers come to"));
}
