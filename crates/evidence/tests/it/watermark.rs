//! A finding's folder, and what each way of tampering with it is called.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::checks::{Assurance, CheckVerdict, FolderReport};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::watermark::{
    Attributed, Attribution, Candidate, Mark, ScoreLine, TextResult, Verdict, WatermarkFinding, check,
    check_attribution, e_value, is_folder,
};
use stillmark_evidence::{Digest, Error, Statement, Subject, Trust, signing, verify};
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

const ANSWERS: &str = "{\"id\":\"a\",\"text\":\"some text\"}\n";

fn key() -> PrivateKey {
    PrivateKey::from_entropy(&[3; 32]).unwrap()
}

fn trust() -> Trust {
    Trust::of([key().public().clone()])
}

fn finding() -> WatermarkFinding {
    let result = |id: &str| TextResult {
        scored: 90,
        statistic: Some(141.5),
        p: Some((-14.5_f64).exp()),
        ln_p: Some(-14.5),
        ln_e_value: Some(800.0),
        e_value: Some(e_value(800.0)),
        mark: Mark::Marked,
        ..TextResult::new(id, 100)
    };
    WatermarkFinding {
        schema: stillmark_evidence::watermark::SCHEMA.to_owned(),
        scheme: "vllm-philox".to_owned(),
        reference: "vLLM 0.33.0, philox4x32-10-v1".to_owned(),
        key: Some(Digest::of(b"key").to_string()),
        parameters: BTreeMap::from([("context_width".to_owned(), 4.into())]),
        tokenizer_sha256: None,
        level: 0.001,
        decoys: 999,
        decoy_seed: 7,
        keys_tried: 1,
        texts_tried: 1,
        statistic: "sum of -ln(1-u)".to_owned(),
        texts: vec![result("a")],
        pooled: result("pooled"),
        assumptions: vec!["the key was fixed before the text was seen".to_owned()],
        cannot_show: vec!["who wrote the text".to_owned()],
        log: None,
    }
}

fn attribution() -> Attribution {
    let best = Candidate {
        key_name: "tenant-7".to_owned(),
        commitment: Some(Digest::of(b"key").to_string()),
        ln_p: -30.0,
        adjusted_ln_p: -21.0,
        ln_e_value: None,
    };
    Attribution {
        schema: Attribution::SCHEMA.to_owned(),
        scheme: "vllm-philox".to_owned(),
        level: 0.001,
        keys_tried: 10_000,
        texts_tried: 1,
        texts: vec![Attributed {
            id: "a".to_owned(),
            scored: 90,
            tenant: Some("tenant-7".to_owned()),
            best: vec![best],
            verdict: Verdict::Attributed,
        }],
        assumptions: vec![],
        cannot_show: vec![],
        log: None,
    }
}

fn scores() -> Vec<ScoreLine> {
    let pieces = vec![("some".to_owned(), None), (" text".to_owned(), Some(0.75))];
    let curve = vec![(10, -1.5), (90, -14.5)];
    vec![
        ScoreLine { id: "a".to_owned(), curve: curve.clone(), pieces },
        ScoreLine { id: "pooled".to_owned(), curve, pieces: vec![] },
    ]
}

fn judged() -> Vec<Subject> {
    vec![Subject::new("answers.jsonl", Digest::of(ANSWERS.as_bytes()))]
}

/// Whether the finding is signed into a log.
#[derive(Clone, Copy)]
enum Logging {
    Logged,
    Alone,
}

fn seal(dir: &Path, logging: Logging) -> Statement<WatermarkFinding> {
    fs::write(dir.join("answers.jsonl"), ANSWERS).unwrap();
    let mut log = match logging {
        Logging::Logged => Some(
            Log::create(&dir.join("log"), SigningKey::from_seed("example.org/findings", &[9; 32]).unwrap())
                .unwrap(),
        ),
        Logging::Alone => None,
    };
    signing::seal_finding(dir, judged(), finding(), &scores(), &key(), log.as_mut()).unwrap()
}

fn judge(dir: &Path, trust: &Trust) -> FolderReport {
    assert!(is_folder(dir));
    verify::finding(dir, trust).unwrap().report.clone()
}

/// Seals, tampers, and demands that the code is among what failed.
fn check_tampered(tamper: impl Fn(&Path), code: &str) {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path(), Logging::Logged);
    tamper(dir.path());
    let report = judge(dir.path(), &trust());
    let is_named = report.checks.iter().any(|check| check.verdict == CheckVerdict::Fail && check.id == code);
    assert!(is_named, "{code} is not in {:#?}", report.checks);
    assert_eq!((report.verdict, report.assurance), (CheckVerdict::Fail, Assurance::None));
}

/// Signs a changed statement in place of the sealed one.
fn check_signed(change: impl Fn(&mut Statement<WatermarkFinding>), verdict: CheckVerdict, code: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut statement = seal(dir.path(), Logging::Alone);
    change(&mut statement);
    let bundle = Bundle::sign(&statement, &key()).unwrap().to_bytes().unwrap();
    fs::write(dir.path().join("finding.sigstore.json"), bundle).unwrap();
    let report = judge(dir.path(), &trust());
    assert!(report.checks.iter().any(|check| check.id == code), "{code} is not in {:#?}", report.checks);
    assert_eq!(report.verdict, verdict);
}

/// Demands that the finding cannot be sealed, for a reason of that code.
fn check_unsealable(change: impl Fn(&mut WatermarkFinding, &mut Vec<ScoreLine>, &mut Subject), code: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (mut finding, mut scores, mut judged) = (finding(), scores(), judged());
    change(&mut finding, &mut scores, &mut judged[0]);
    let refused = signing::seal_finding(dir.path(), judged, finding, &scores, &key(), None).unwrap_err();
    assert!(matches!(&refused, Error::Unsealable(fault) if fault.kind.code() == code), "{refused:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_sealed_finding_passes() {
    for (logging, assurance) in
        [(Logging::Logged, Assurance::SignedAndLogged), (Logging::Alone, Assurance::Signed)]
    {
        let dir = tempfile::tempdir().unwrap();
        let sealed = seal(dir.path(), logging);
        let facts = verify::finding(dir.path(), &trust()).unwrap();
        let report = &facts.report;
        assert_eq!((report.verdict, report.assurance), (CheckVerdict::Pass, assurance), "{report:#?}");
        assert_eq!((facts.finding.as_ref(), &facts.scores), (Some(&sealed), &scores()));
        assert_eq!(facts.signer, Some(key().public().id()));
    }
}

#[test]
fn a_judged_file_may_lie_elsewhere_and_the_page_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path(), Logging::Logged);
    fs::remove_file(dir.path().join("answers.jsonl")).unwrap();
    fs::write(dir.path().join("report.html"), "page").unwrap();
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let report = judge(dir.path(), &trust());
    assert_eq!((report.verdict, report.assurance), (CheckVerdict::Pass, Assurance::SignedAndLogged));
    assert!(report.checks.iter().any(|check| check.verdict == CheckVerdict::NotRecorded));
}

#[test]
fn a_sound_finding_by_an_unknown_signer_is_inconclusive() {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path(), Logging::Logged);
    let report = judge(dir.path(), &Trust::default());
    assert_eq!((report.verdict, report.assurance), (CheckVerdict::Inconclusive, Assurance::SignedByUnknown));
}

#[test]
fn what_was_tampered_with_is_named() {
    let flip = |file: &'static str| {
        move |dir: &Path| {
            let mut bytes = fs::read(dir.join(file)).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(dir.join(file), bytes).unwrap();
        }
    };
    check_tampered(flip("scores.jsonl"), "bad-digest");
    check_tampered(flip("answers.jsonl"), "bad-digest");
    let gone = |file: &'static str| move |dir: &Path| fs::remove_file(dir.join(file)).unwrap();
    for file in ["scores.jsonl", "signer.pub.pem", "finding.tlog-proof", "log/checkpoint"] {
        check_tampered(gone(file), "missing-file");
    }
    let write =
        |file: &'static str, text: &'static str| move |dir: &Path| fs::write(dir.join(file), text).unwrap();
    check_tampered(write("other.sigstore.json", "{}"), "extra-file");
    check_tampered(write("note.txt", "x"), "extra-file");
    check_tampered(write("finding.sigstore.json", "{"), "malformed");
    check_tampered(write("finding.tlog-proof", "x"), "malformed");
    check_tampered(
        |dir| {
            let path = dir.join("finding.sigstore.json");
            let forged = Bundle::sign(&Statement::new(judged(), finding()), &key()).unwrap();
            let honest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let mut bundle: serde_json::Value = serde_json::from_slice(&forged.to_bytes().unwrap()).unwrap();
            bundle["dsseEnvelope"]["signatures"] = honest["dsseEnvelope"]["signatures"].clone();
            fs::write(path, bundle.to_string()).unwrap();
        },
        "bad-signature",
    );
    let other = |dir: &Path| {
        let other = PrivateKey::from_entropy(&[4; 32]).unwrap();
        fs::write(dir.join("signer.pub.pem"), other.public().to_pem()).unwrap();
    };
    check_tampered(other, "broken-edge");
    #[cfg(unix)]
    check_tampered(|dir| std::os::unix::fs::symlink("/etc/hostname", dir.join("link")).unwrap(), "symlink");
}

#[test]
fn what_was_signed_and_cannot_be_is_named() {
    use CheckVerdict::{Fail, Inconclusive};
    check_signed(|statement| statement.predicate.texts[0].e_value = Some(2.0), Fail, "contradiction");
    check_signed(|statement| statement.predicate.texts[0].mark = Mark::Unknown, Inconclusive, "unsupported");
    check_signed(|statement| statement.predicate.texts[0].id = "b".to_owned(), Fail, "contradiction");
    check_signed(|statement| statement.subject[0].name = "../answers.jsonl".to_owned(), Fail, "malformed");
    check_signed(|statement| drop(statement.subject.remove(0)), Fail, "malformed");
    check_signed(|statement| drop(statement.subject.remove(1)), Fail, "malformed");
    check_signed(|statement| statement.predicate.log = Some("x".to_owned()), Fail, "malformed");
}

#[test]
fn what_cannot_be_true_is_not_sealed() {
    check_unsealable(|finding, _, _| finding.level = f64::NAN, "malformed");
    check_unsealable(|finding, _, _| finding.pooled.ln_p = Some(f64::NEG_INFINITY), "malformed");
    check_unsealable(|_, scores, _| scores[0].pieces[1].1 = Some(1.5), "malformed");
    check_unsealable(|_, scores, _| scores[0].curve.reverse(), "malformed");
    check_unsealable(|_, scores, _| scores[0].curve = (0..201).map(|at| (at, -1.0)).collect(), "malformed");
    check_unsealable(|_, _, judged| judged.name = "scores.jsonl".to_owned(), "malformed");
    check_unsealable(|_, _, judged| judged.name = "a/b".to_owned(), "malformed");
}

#[test]
fn an_infinite_number_is_an_error_and_never_null() {
    let mut answer = finding();
    answer.texts[0].statistic = Some(f64::INFINITY);
    assert!(serde_json::to_string(&answer).is_err());
    assert_eq!(e_value(1e6), f64::MAX);
    let answer = serde_json::to_value(finding()).unwrap();
    let text = answer["texts"][0].as_object().unwrap();
    assert!(text.contains_key("p") && !text.contains_key("withheld") && !text.contains_key("stretch"));
    assert_eq!(serde_json::from_value::<WatermarkFinding>(answer).unwrap(), finding());
    assert_eq!(check(&finding()), []);
}

#[test]
fn an_attribution_is_sealed_and_verified_like_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    signing::seal_finding(dir.path(), judged(), attribution(), &[], &key(), None).unwrap();
    let facts = verify::finding(dir.path(), &trust()).unwrap();
    assert_eq!(facts.report.verdict, CheckVerdict::Pass, "{:#?}", facts.report);
    assert!(facts.finding.is_none() && facts.attribution.is_some());
    assert!(verify::finding(&dir.path().join("none"), &trust()).is_err());
}

#[test]
fn an_attribution_whose_numbers_disagree_is_named() {
    let check = |change: fn(&mut Attribution), code: &str| {
        let mut changed = attribution();
        change(&mut changed);
        let found: Vec<_> = check_attribution(&changed).iter().map(|fault| fault.kind.code()).collect();
        assert!(found.contains(&code), "{code} is not in {found:?}");
    };
    check(|it| it.texts[0].tenant = None, "contradiction");
    check(|it| it.texts[0].tenant = Some("tenant-8".to_owned()), "contradiction");
    check(|it| it.texts[0].verdict = Verdict::NoEvidence, "contradiction");
    check(|it| it.texts[0].verdict = Verdict::Unknown, "unsupported");
    check(|it| it.texts[0].best[0].adjusted_ln_p = -40.0, "contradiction");
    check(|it| it.texts[0].best[0].adjusted_ln_p = -1.0, "contradiction");
    check(|it| it.texts[0].best[0].commitment = Some("15485863".to_owned()), "malformed");
    check(|it| it.keys_tried = 0, "contradiction");
    check(|it| it.schema = "x".to_owned(), "malformed");
    assert_eq!(check_attribution(&attribution()), []);
}
