//! Who gets a permit, and for what.

use stillmark_agreement::{Accepted, Date, Pack, Provenance, Refusal, Ruling, Verdict, evaluate};

const PLAIN: &str = r#"
target = "student"
[[asset]]
id = "teacher"
kind = "api"
terms = ["anthropic-commercial"]
[[asset]]
id = "student"
kind = "weights"
name = "tern"
[[edge]]
from = "teacher"
to = "student"
action = "train-on-outputs"
[declared]
competes = false
"#;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn ruling(text: &str) -> Ruling {
    evaluate(&Pack::shipped().unwrap(), &Provenance::parse(text).unwrap(), &day("2026-11-01")).unwrap()
}

fn accepted(ask: &str, person: &str, reason: &str) -> Accepted {
    Accepted { ask: ask.into(), person: person.into(), date: day("2026-11-02"), reason: reason.into() }
}

#[test]
fn a_review_is_permitted_only_when_every_ask_is_answered_for() {
    let ruling = ruling(PLAIN);
    assert_eq!(ruling.verdict, Verdict::Review);
    let ask = ruling.asks[0].id.as_str();
    assert_eq!(ask, "competes/anthropic-commercial/student");
    assert!(matches!(ruling.permit(&[]), Err(Refusal::Open { asks }) if asks.len() == 1));
    let blank = ruling.permit(&[accepted(ask, " ", "we asked")]);
    assert!(matches!(blank, Err(Refusal::Blank { missing: "person", .. })));
    let blank = ruling.permit(&[accepted(ask, "A. Person", "")]);
    assert!(matches!(blank, Err(Refusal::Blank { missing: "reason", .. })));
    let stray = [accepted(ask, "A. Person", "we asked"), accepted("other", "A. Person", "we asked")];
    assert!(matches!(ruling.permit(&stray), Err(Refusal::NotAsked { ask }) if ask == "other"));
    let permit = ruling.permit(&stray[..1]).unwrap();
    assert_eq!(permit.verdict(), Verdict::Review);
    assert_eq!(permit.accepted(), &stray[..1]);
}

#[test]
fn a_forbidden_plan_gets_no_permit_whatever_is_accepted() {
    let ruling = ruling(&PLAIN.replace("competes = false", "competes = true"));
    let answers = [accepted("competes/anthropic-commercial/student", "A. Person", "we dare")];
    let Err(Refusal::Forbidden { reasons }) = ruling.permit(&answers) else { panic!("a permit was given") };
    assert!(reasons[0].clause.contains("D.4"));
}

#[test]
fn a_permit_is_for_one_graph() {
    let text = PLAIN.replace("anthropic-commercial", "deepseek-api");
    let permit = ruling(&text).permit(&[]).unwrap();
    let same = Provenance::parse(&text.replace("target = ", "\n\n# a note\ntarget   = ")).unwrap();
    assert!(permit.is_for(&same).unwrap());
    for (from, to) in [("tern", "wren"), ("deepseek-api", "mit"), ("competes = false", "competes = true")] {
        let other = Provenance::parse(&text.replace(from, to)).unwrap();
        assert!(!permit.is_for(&other).unwrap(), "{from} -> {to}");
    }
    assert_eq!(permit.terms_digests().keys().collect::<Vec<_>>(), ["deepseek-api"]);
}

#[test]
fn strict_relies_on_no_silence() {
    let text = PLAIN.replace("anthropic-commercial", "mit");
    assert_eq!(ruling(&text).verdict, Verdict::Permit);
    let strict = ruling(&text).strict();
    assert_eq!(strict.verdict, Verdict::Review);
    assert!(matches!(strict.permit(&[]), Err(Refusal::Open { .. })));
    assert_eq!(
        ruling(&PLAIN.replace("anthropic-commercial", "deepseek-api")).strict().verdict,
        Verdict::Permit
    );
}

#[test]
fn old_readings_are_named() {
    let provenance = Provenance::parse(&PLAIN.replace("anthropic-commercial", "mit")).unwrap();
    let pack = Pack::shipped().unwrap();
    let on = |text: &str| evaluate(&pack, &provenance, &day(text)).unwrap().notes;
    assert!(on("2027-02-18").is_empty());
    assert_eq!(on("2027-02-19").len(), 1);
}

#[test]
fn shares_follow_from_counted_tokens() {
    let text = format!(
        "{PLAIN}\n[[asset]]\nid = \"data\"\nkind = \"dataset\"\nterms = [\"cc0-1.0\"]\n\
         [[edge]]\nfrom = \"data\"\nto = \"student\"\naction = \"fine-tune\"\ntokens = 300\n"
    )
    .replace("action = \"train-on-outputs\"\n", "action = \"train-on-outputs\"\ntokens = 100\n");
    let shares: Vec<(String, f64)> =
        ruling(&text).shares.into_iter().map(|share| (share.from, share.share)).collect();
    assert_eq!(shares, [("teacher".to_owned(), 0.25), ("data".to_owned(), 0.75)]);
}

const TWO_REACHES: &str = r#"
id = "tern-1.0"
kind = "weights"
name = "Tern License"
version = "1.0"
retrieved = 2026-11-01
source = "acme/tern LICENSE"
[[rule]]
says = "Models trained on outputs bear the mark; how far is not said."
on = ["train-on-outputs"]
effect = "permit"
carry = ["train-on-outputs"]
hops = "unclear"
clause = "s.1"
confidence = "high"
[[rule]]
says = "No model made in this way, however late, is used commercially."
on = ["train-on-outputs"]
effect = "permit"
carry = ["train-on-outputs"]
hops = "closure"
clause = "s.2"
confidence = "high"
[[rule.limit]]
fact = "commercial"
is = false
breach = "forbid"
"#;

#[test]
fn an_unclear_reach_hides_no_other_clause() {
    let text = "target = \"c\"\n[declared]\ncommercial = true\n[[asset]]\nid = \"a\"\nkind = \"weights\"\n\
                terms = [\"tern-1.0\"]\n[[asset]]\nid = \"b\"\nkind = \"weights\"\n[[asset]]\nid = \"c\"\nkind = \"weights\"\n\
                [[edge]]\nfrom = \"a\"\nto = \"b\"\naction = \"train-on-outputs\"\n\
                [[edge]]\nfrom = \"b\"\nto = \"c\"\naction = \"train-on-outputs\"\n";
    let pack = Pack::parse([TWO_REACHES]).unwrap();
    let ruling = evaluate(&pack, &Provenance::parse(text).unwrap(), &day("2026-11-01")).unwrap();
    let at_c: Vec<(&str, Verdict)> = ruling
        .reasons
        .iter()
        .filter(|reason| reason.assets.last().is_some_and(|asset| asset == "c"))
        .map(|reason| (reason.clause.as_str(), reason.effect))
        .collect();
    assert_eq!(at_c, [("s.2", Verdict::Forbid), ("s.1", Verdict::Review)]);
}
