//! Captures: exact resumption, refusals, and the prompts that are shipped.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use stillmark_distill::capture::{self, Event, Item, Job, Outcome, Teach, built_in};
use stillmark_distill::records::{Record, Shard};
use stillmark_distill::{Error, FolderLock, Plan};

use crate::data_records::{meta, record};

/// Answers from an item's number alone.
#[derive(Debug, Default)]
struct Parrot {
    /// Breaks off before so many more items.
    patience: Option<usize>,
}

impl Teach for Parrot {
    fn teach(
        &mut self,
        items: &[Item],
        on_tokens: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Vec<Record>>, Error> {
        let mut records = Vec::new();
        for item in items {
            if self.patience == Some(0) {
                return Ok(None);
            }
            self.patience = self.patience.map(|left| left - 1);
            let mut answer = record(item.number, 4 + item.text.len() % 9);
            (answer.id, answer.source) = (item.id.clone(), item.source.clone());
            if on_tokens(answer.input_ids.len()).is_break() {
                return Ok(None);
            }
            records.push(answer);
        }
        Ok(Some(records))
    }
}

fn plan(capture: &str) -> Plan {
    let text = format!(
        "[student]\nname = \"s\"\ninit = {{ from = \"config\", path = \"c\" }}\n[teacher]\nmodel = \"t\"\n\
         [[prompts]]\nbuiltin = \"quickstart\"\n[[texts]]\nid = \"notes\"\nfile = \"notes.jsonl\"\n\
         [capture]\n{capture}\n[train]\nsteps = 1\n"
    );
    Plan::parse(&text).unwrap()
}

fn notes(folder: &Path) {
    let rows: Vec<String> = (0..30).map(|n| format!("{{\"id\":\"n{n}\",\"text\":\"note {n}\"}}")).collect();
    std::fs::write(folder.join("notes.jsonl"), rows.join("\n")).unwrap();
}

fn run(plan: &Plan, base: &Path, folder: &Path, patience: Option<usize>) -> Result<Outcome, Error> {
    let loaded = capture::load(plan, base)?;
    let items = capture::items(plan, &loaded)?;
    let job = Job { plan, meta: &meta(), items: &items, watermark: None, grant: None, folder };
    capture::capture(&job, &mut Parrot { patience }, &mut |_| ControlFlow::Continue(()))
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn an_interrupted_capture_ends_with_the_same_bytes() {
    let base = tempfile::tempdir().unwrap();
    notes(base.path());
    let plan = plan("records = 50\nshard_rows = 8\nseed = 3");
    let whole = base.path().join("whole");
    let Outcome::Done(summary) = run(&plan, base.path(), &whole, None).unwrap() else { panic!("stopped") };
    assert_eq!(summary.shards.len(), 7);
    let rows: Vec<u64> = summary.counts.values().map(|counts| counts.rows).collect();
    assert_eq!(rows, [25, 25]);
    for patience in [0, 1, 8, 9, 20, 47] {
        let pieces = base.path().join(format!("pieces-{patience}"));
        assert_eq!(run(&plan, base.path(), &pieces, Some(patience)).unwrap(), Outcome::Stopped);
        // What a kill in the middle of writing leaves.
        std::fs::write(pieces.join(".records-00006.parquet.part"), b"half").unwrap();
        assert_eq!(run(&plan, base.path(), &pieces, None).unwrap(), Outcome::Done(summary.clone()));
        assert_eq!(files(&pieces), files(&whole), "after {patience} items");
    }
}

#[test]
fn another_plan_or_a_changed_shard_is_refused() {
    let base = tempfile::tempdir().unwrap();
    notes(base.path());
    let folder = base.path().join("data");
    let first = plan("records = 20\nshard_rows = 8");
    run(&first, base.path(), &folder, Some(9)).unwrap();
    let other = plan("records = 20\nshard_rows = 8\nseed = 1");
    let error = run(&other, base.path(), &folder, None).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    let shard = folder.join("records-00000.parquet");
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let error = run(&first, base.path(), &folder, None).unwrap_err().to_string();
    assert!(error.contains("records-00000.parquet") && error.contains("changed"), "{error}");
}

#[test]
fn two_runs_in_one_folder_exclude_each_other() {
    let base = tempfile::tempdir().unwrap();
    let (one, other) = ("a".repeat(64), "b".repeat(64));
    let held = FolderLock::take(base.path(), &one).unwrap();
    assert!(matches!(FolderLock::take(base.path(), &one), Err(Error::Busy { .. })));
    drop(held);
    // A run that never began leaves the folder to the plan that is mended.
    std::fs::write(base.path().join("plan.toml"), "").unwrap();
    std::fs::create_dir(base.path().join("data")).unwrap();
    drop(FolderLock::take(base.path(), &other).unwrap());
    std::fs::write(base.path().join("data/records-00000.parquet"), "").unwrap();
    assert!(matches!(FolderLock::take(base.path(), &one), Err(Error::Mismatch { .. })));
    FolderLock::take(base.path(), &other).unwrap();
}

#[test]
fn shares_and_repeats() {
    let base = tempfile::tempdir().unwrap();
    notes(base.path());
    let error =
        run(&plan("records = 1000"), base.path(), &base.path().join("x"), None).unwrap_err().to_string();
    assert!(error.contains("`notes` has 30 texts, of 500"), "{error}");
    let text = "[student]\nname = \"s\"\ninit = { from = \"config\", path = \"c\" }\n[teacher]\nmodel = \"t\"\n\
                [[prompts]]\nbuiltin = \"held-out\"\n[capture]\nrecords = 100\n[train]\nsteps = 1\n";
    let plan = Plan::parse(text).unwrap();
    let items = capture::items(&plan, &capture::load(&plan, base.path()).unwrap()).unwrap();
    let ids: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!((items.len(), ids.len()), (100, 100));
    assert!(ids.iter().any(|id| id.ends_with("#3")));
}

#[test]
fn bad_prompts_name_their_line() {
    let base = tempfile::tempdir().unwrap();
    let plan = plan("");
    for (text, says) in [
        ("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"a\",\"text\":\"y\"}\n", "line 2: the id `a` stands twice"),
        ("{\"id\":\"a\",\"text\":\"x\"}\n\n{\"id\":\"b\"}\n", "line 3: missing field `text`"),
        ("{\"id\":\"a\",\"text\":\" \"}\n", "line 1: the text is blank"),
        ("{\"id\":\"a\",\"txt\":\"x\"}\n", "line 1: unknown field `txt`"),
        ("", "holds no rows"),
    ] {
        std::fs::write(base.path().join("notes.jsonl"), text).unwrap();
        let error = capture::load(&plan, base.path()).unwrap_err().to_string();
        assert!(error.contains("notes.jsonl") && error.contains(says), "`{error}` does not say `{says}`");
    }
}

#[test]
fn a_listener_stops_it_between_shards() {
    let base = tempfile::tempdir().unwrap();
    notes(base.path());
    let plan = plan("records = 20\nshard_rows = 8");
    let items = capture::items(&plan, &capture::load(&plan, base.path()).unwrap()).unwrap();
    let folder = base.path().join("data");
    let job =
        Job { plan: &plan, meta: &meta(), items: &items, watermark: None, grant: None, folder: &folder };
    let outcome = capture::capture(&job, &mut Parrot::default(), &mut |event| match event {
        Event::Shard { shard: 0, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(outcome.unwrap(), Outcome::Stopped);
    assert_eq!(Shard::open(&folder.join("records-00000.parquet")).unwrap().records().unwrap().len(), 8);
    assert!(!folder.join("records-00001.parquet").exists());
}

#[test]
fn shipped_prompts_are_many_short_and_apart() {
    let texts = |name: &str| -> BTreeSet<String> {
        let rows = built_in(name)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        rows.map(|row| row["text"].as_str().unwrap().to_lowercase()).collect()
    };
    let (train, held_out) = (texts("quickstart"), texts("held-out"));
    assert!(train.len() >= 400 && held_out.len() >= 40);
    assert!(train.is_disjoint(&held_out));
    assert!(train.iter().chain(&held_out).all(|text| text.len() < 240));
}
