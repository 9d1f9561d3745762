//! Plans: the vectors of docs/spec/plan.md, and text that nobody would write.

use std::path::Path;

use proptest::prelude::*;
use stillmark_distill::{Error, Plan};

const WHOLE: &str = include_str!("../../../../docs/spec/vectors/plan/whole.json");

fn whole() -> String {
    let vector: serde_json::Value = serde_json::from_str(WHOLE).unwrap();
    vector["plan"].as_str().unwrap().to_owned()
}

fn check(vector: &serde_json::Value) {
    let name = vector["name"].as_str().unwrap();
    let parsed = Plan::parse(vector["plan"].as_str().unwrap());
    match (vector["expect"].as_str().unwrap(), parsed) {
        ("success", Ok(_)) => (),
        ("refused", Err(Error::Plan { line, detail })) => {
            if let Some(wanted) = vector["line"].as_u64().filter(|wanted| *wanted > 0) {
                assert_eq!(line as u64, wanted, "{name}: {detail}");
            }
            let says = vector["says"].as_str().unwrap_or_default();
            assert!(detail.contains(says), "{name}: `{detail}` does not say `{says}`");
        }
        (expect, parsed) => panic!("{name}: expected {expect}, got {parsed:?}"),
    }
}

#[test]
fn vectors_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/plan");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        check(&serde_json::from_str(&text).unwrap());
        read += 1;
    }
    assert!(read > 40, "only {read} vectors");
}

#[test]
fn the_spec_page_shows_a_plan_that_parses() {
    let page = include_str!("../../../../docs/spec/plan.md");
    let shown = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    Plan::parse(shown).unwrap();
}

#[test]
fn spacing_order_and_comments_do_not_change_the_content() {
    let plan = whole();
    let other = plan
        .replace("steps = 120\nseq_len = 256", "# how long\nseq_len   = 0x100 # tokens\nsteps = 1_20")
        .replace("lr = 5e-4", "lr = 0.0005");
    assert_eq!(Plan::parse(&plan).unwrap().canonical(), Plan::parse(&other).unwrap().canonical());
    let longer = plan.replace("steps = 120", "steps = 121");
    assert_ne!(Plan::parse(&plan).unwrap().canonical(), Plan::parse(&longer).unwrap().canonical());
}

#[test]
fn steps_follow_from_tokens() {
    let plan = whole().replace("steps = 120", "tokens = 10241").replace("warmup = 10", "");
    let plan = Plan::parse(&plan).unwrap();
    assert_eq!((plan.train().tokens_per_step(), plan.train().steps()), (1024, 11));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(cut in 0_usize..1200, insert in "\\PC{0,12}", at in 0_usize..1200) {
        let plan = whole();
        let (cut, at) = (cut.min(plan.len()), at.min(plan.len()));
        if plan.is_char_boundary(cut) && plan.is_char_boundary(at) {
            drop(Plan::parse(&plan[..cut]));
            drop(Plan::parse(&format!("{}{insert}{}", &plan[..at], &plan[at..])));
        }
    }
}
