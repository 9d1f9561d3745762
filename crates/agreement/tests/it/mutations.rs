//! What each fact does: tables for people that are kept true, and a search for facts that do nothing.
//!
//! `STILLMARK_BLESS=1` writes the tables anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stillmark_agreement::{
    Action, Asset, Audience, Breach, Date, Declared, DutyKind, Edge, Entry, Exception, Kind, Pack, Parts,
    Provenance, Reason, RuleCode, Ruling, Verdict, evaluate,
};
use toml::{Table, Value};

/// A use of one text: what is made, and what is declared.
#[derive(Debug, Clone)]
struct Use {
    kind: Kind,
    /// The edges from the source to the target, in order.
    chain: Vec<Action>,
    declared: Declared,
    family: Option<String>,
    name: Option<String>,
}

/// What a use comes to: verdict, verdict under `--strict`, duties, asks, and what each reason means.
type Outcome =
    (Verdict, Verdict, BTreeSet<String>, BTreeSet<String>, BTreeSet<(Verdict, RuleCode, String, String)>);

fn day() -> Date {
    "2026-11-26".parse().unwrap()
}

fn plain(chain: &[Action]) -> Use {
    Use {
        kind: Kind::Weights,
        chain: chain.to_vec(),
        declared: Declared {
            commercial: Some(true),
            audience: Some(Audience::Distributed),
            competes: Some(false),
            monthly_active_users: Some(1000),
            revenue_usd_per_year: Some(1000),
            private_classifier: Some(false),
        },
        family: Some("tern".into()),
        name: Some("tern-1b".into()),
    }
}

/// Whether an edge ends at a dataset.
fn makes_text(action: Action) -> bool {
    matches!(action, Action::Generate | Action::RedistributeOutputs)
}

fn judge(pack: &Pack, terms: &str, used: &Use) -> Ruling {
    let asset = |id: usize, kind: Kind| Asset {
        id: format!("a{id}"),
        kind,
        name: None,
        family: None,
        terms: Vec::new(),
        grant: None,
        line: 0,
    };
    let mut assets = vec![Asset { terms: vec![terms.to_owned()], ..asset(0, used.kind) }];
    let mut edges = Vec::new();
    for (position, action) in used.chain.iter().enumerate() {
        let kind = if makes_text(*action) { Kind::Dataset } else { Kind::Weights };
        let (name, family) = (used.name.clone(), used.family.clone());
        assets.push(Asset { name, family, ..asset(position + 1, kind) });
        let (from, to) = (format!("a{position}"), format!("a{}", position + 1));
        edges.push(Edge { from, to, action: *action, tokens: None, line: 0 });
    }
    let target = format!("a{}", used.chain.len());
    let parts = Parts { target, on: None, assets, edges, declared: used.declared };
    evaluate(pack, &Provenance::new(parts).unwrap(), &day()).unwrap()
}

fn outcome(pack: &Pack, terms: &str, used: &Use) -> Outcome {
    let ruling = judge(pack, terms, used);
    let duties =
        ruling.duties.iter().map(|duty| format!("{} {} {}", duty.kind, duty.text, duty.clause)).collect();
    let asks = ruling.asks.iter().map(|ask| format!("{} {}", ask.id, ask.clause)).collect();
    let meant = |reason: &Reason| (reason.effect, reason.rule, reason.clause.clone(), reason.path.clone());
    let reasons = ruling.reasons.iter().map(meant).collect();
    (ruling.verdict, ruling.strict().verdict, duties, asks, reasons)
}

/// Every chain that the rules tell apart.
fn chains() -> Vec<Vec<Action>> {
    use Action::{
        DistillLogits, FineTune, Generate, Init, Label, Merge, Quantize, RedistributeOutputs,
        RedistributeWeights, Serve, TrainOnOutputs,
    };
    let mut all: Vec<Vec<Action>> = [
        TrainOnOutputs,
        DistillLogits,
        Label,
        FineTune,
        Init,
        Merge,
        Quantize,
        Serve,
        RedistributeWeights,
        Generate,
    ]
    .map(|action| vec![action])
    .to_vec();
    all.push(vec![Generate, TrainOnOutputs]);
    all.push(vec![Generate, RedistributeOutputs]);
    for first in [TrainOnOutputs, DistillLogits, Label] {
        all.extend(
            [TrainOnOutputs, DistillLogits, Label, FineTune, Init, Merge].map(|then| vec![first, then]),
        );
    }
    all
}

/// Names that meet the prefixes of a text, and families that it excepts.
fn wanted(entry: &Entry) -> (Vec<String>, Vec<String>) {
    let (mut names, mut families) = (Vec::new(), Vec::new());
    for rule in &entry.rules {
        for duty in rule.duties.iter().filter(|duty| duty.kind == DutyKind::NamePrefix) {
            names.push(format!("{}-tern", duty.text));
        }
        for exception in &rule.unless {
            if let Exception::Family(listed) = exception {
                families.extend(listed.clone());
            }
        }
    }
    (names, families)
}

/// One stated or declared fact of a use changed, with what was changed.
fn flips(entry: &Entry, used: &Use) -> Vec<(&'static str, Use)> {
    let mut all = Vec::new();
    let mut flip = |what: &'static str, change: &dyn Fn(&mut Use)| {
        let mut other = used.clone();
        change(&mut other);
        all.push((what, other));
    };
    flip("`commercial`: true → false", &|other| other.declared.commercial = Some(false));
    flip("`commercial`: true → undeclared", &|other| other.declared.commercial = None);
    flip("`competes`: false → true", &|other| other.declared.competes = Some(true));
    flip("`competes`: false → undeclared", &|other| other.declared.competes = None);
    flip("`monthly_active_users`: 1,000 → 1,000,000,000", &|other| {
        other.declared.monthly_active_users = Some(1_000_000_000);
    });
    flip("`monthly_active_users`: 1,000 → undeclared", &|other| other.declared.monthly_active_users = None);
    flip("`revenue_usd_per_year`: 1,000 → 1,000,000,000", &|other| {
        other.declared.revenue_usd_per_year = Some(1_000_000_000);
    });
    flip("`revenue_usd_per_year`: 1,000 → undeclared", &|other| other.declared.revenue_usd_per_year = None);
    flip("`audience`: distributed → served", &|other| other.declared.audience = Some(Audience::Served));
    flip("`audience`: distributed → private", &|other| other.declared.audience = Some(Audience::Private));
    flip("`audience`: distributed → undeclared", &|other| other.declared.audience = None);
    flip("`family`: another → not stated", &|other| other.family = None);
    flip("`name`: another → not stated", &|other| other.name = None);
    let (names, families) = wanted(entry);
    for family in families {
        flip("`family`: another → one that is excepted", &|other| other.family = Some(family.clone()));
    }
    for name in names {
        flip("`name`: another → one with the word", &|other| other.name = Some(name.clone()));
    }
    all
}

/// What an action, a kind or the terms themselves make of a use.
fn other_sources(used: &Use) -> Vec<(&'static str, Use)> {
    let mut all = Vec::new();
    let first = used.chain.first().copied();
    let mut swap = |what: &'static str, from: Action, to: Action| {
        if first == Some(from) && used.chain.len() == 1 {
            all.push((what, Use { chain: vec![to], ..used.clone() }));
        }
    };
    swap("edge: `train-on-outputs` → `fine-tune`", Action::TrainOnOutputs, Action::FineTune);
    swap("edge: `fine-tune` → `serve`", Action::FineTune, Action::Serve);
    if used.chain == [Action::TrainOnOutputs] {
        let chain = vec![Action::TrainOnOutputs, Action::TrainOnOutputs];
        all.push(("edges: a student → a student of the student", Use { chain, ..used.clone() }));
    }
    all
}

/// Uses that between them reach every fact of a text.
fn uses(entry: &Entry) -> Vec<Use> {
    let (names, families) = wanted(entry);
    let mut all = Vec::new();
    for chain in chains() {
        for kind in [Kind::Weights, Kind::Dataset] {
            if kind == Kind::Dataset && chain.first() == Some(&Action::Generate) {
                continue;
            }
            let base = Use { kind, ..plain(&chain) };
            let mut bases = vec![base.clone()];
            let quiet =
                Declared { audience: Some(Audience::Private), commercial: Some(false), ..base.declared };
            bases.push(Use { declared: quiet, ..base.clone() });
            bases.extend(names.iter().map(|name| Use { name: Some(name.clone()), ..base.clone() }));
            bases.extend(families.iter().map(|family| Use { family: Some(family.clone()), ..base.clone() }));
            for base in bases {
                all.extend(flips(entry, &base).into_iter().map(|(_, used)| used));
                let served = Declared {
                    audience: Some(Audience::Served),
                    monthly_active_users: Some(u64::MAX),
                    revenue_usd_per_year: Some(u64::MAX),
                    ..base.declared
                };
                all.push(Use { declared: served, ..base.clone() });
                let labels = Declared {
                    audience: Some(Audience::Private),
                    private_classifier: Some(true),
                    competes: Some(true),
                    ..base.declared
                };
                all.push(Use { declared: labels, ..base.clone() });
                all.push(base);
            }
        }
    }
    all
}

fn texts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("terms");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let read = |file: &PathBuf| {
        (file.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(file).unwrap())
    };
    files.iter().map(read).collect()
}

/// Every change of one fact of an entry, with what was changed.
fn mutants(table: &Table) -> Vec<(String, Table)> {
    let mut all = Vec::new();
    let rules = table["rule"].as_array().unwrap();
    for (position, rule) in rules.iter().enumerate() {
        let rule = rule.as_table().unwrap();
        let mut change = |what: String, alter: &dyn Fn(&mut Table)| {
            let mut other = table.clone();
            alter(other["rule"].as_array_mut().unwrap()[position].as_table_mut().unwrap());
            all.push((format!("rule {} ({}): {what}", position + 1, rule["clause"]), other));
        };
        // A reading of low confidence leads to review, whether it permits or does not decide.
        let unsure = rule["confidence"].as_str() == Some("low");
        for effect in ["permit", "forbid", "unknown"] {
            if rule["effect"].as_str() != Some(effect) && !(unsure && effect != "forbid") {
                change(format!("effect is {effect}"), &|rule| {
                    drop(rule.insert("effect".into(), effect.into()));
                });
            }
        }
        if rule.get("silent").is_some() && !unsure {
            change("it is not silent".into(), &|rule| drop(rule.remove("silent")));
        }
        if let Some(hops) = rule.get("hops").and_then(Value::as_str) {
            // Over edges that hold the weights, one generation and all of them come to the same.
            let weights_only = rule["carry"].as_array().unwrap().iter().all(|action| {
                ["fine-tune", "init", "merge"].iter().any(|holding| action.as_str() == Some(*holding))
            });
            for other in ["1", "closure", "unclear"] {
                if other != hops && !(weights_only && other == "closure") {
                    change(format!("hops is {other}"), &|rule| {
                        drop(rule.insert("hops".into(), other.into()));
                    });
                }
            }
        }
        for key in ["on", "carry", "duty", "limit", "unless", "ask"] {
            for item in 0..rule.get(key).and_then(Value::as_array).map_or(0, Vec::len) {
                let list = rule[key].as_array().unwrap();
                let whole = key == "on" && list.len() == 1;
                if !whole {
                    change(format!("{key} without {}", list[item]), &|rule| {
                        rule[key].as_array_mut().unwrap().remove(item);
                    });
                }
                parts_of(&list[item], &mut |what, value| {
                    change(format!("{key} {}: {what}", item + 1), &|rule| {
                        rule[key].as_array_mut().unwrap()[item] = value.clone();
                    });
                });
            }
        }
    }
    all
}

/// Every change of one fact of a duty, a limit or an exception.
fn parts_of(item: &Value, add: &mut dyn FnMut(String, Value)) {
    let Some(item) = item.as_table() else { return };
    let mut set = |key: &str, value: Value| {
        if item.get(key).is_some_and(|old| *old != value) {
            let mut other = item.clone();
            other.insert(key.into(), value.clone());
            add(format!("{key} is {value}"), Value::Table(other));
        }
    };
    for due in ["always", "available", "distributed"] {
        set("due", due.into());
    }
    if item.get("breach").and_then(Value::as_str) != Some("duty") {
        set("breach", "forbid".into());
        set("breach", "review".into());
    }
    set("met", "permit".into());
    set("at_most", Value::Integer(0));
    set("at_most", Value::Integer(i64::MAX));
    set("is", Value::Boolean(!item.get("is").and_then(Value::as_bool).unwrap_or(true)));
    for key in ["family", "audience", "in"] {
        let list = item.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        for position in (0..list.len()).filter(|_| 1 < list.len()) {
            let mut fewer = list.clone();
            fewer.remove(position);
            set(key, Value::Array(fewer));
        }
    }
}

#[test]
fn no_fact_of_the_pack_is_dead() {
    let whole = Pack::shipped().unwrap();
    let (mut dead, mut tried) = (Vec::new(), 0);
    for (id, text) in texts() {
        let uses = uses(whole.get(&id).unwrap());
        let pack = Pack::parse([text.as_str()]).unwrap();
        let before: Vec<Outcome> = uses.iter().map(|used| outcome(&pack, &id, used)).collect();
        for (what, table) in mutants(&text.parse().unwrap()) {
            tried += 1;
            let text = toml::to_string(&table).unwrap();
            let mutant = Pack::parse([text.as_str()]).unwrap_or_else(|err| panic!("{id}: {what}: {err}"));
            let differs = |(used, before): (&Use, &Outcome)| outcome(&mutant, &id, used) != *before;
            if !uses.iter().zip(&before).any(differs) {
                dead.push(format!("{id}: {what}"));
            }
        }
    }
    assert!(2000 < tried);
    assert!(dead.is_empty(), "{} of {tried} facts change nothing:\n{}", dead.len(), dead.join("\n"));
}

/// Compares a table with the one that stands between two marks of a page, or writes it there.
fn kept_true(page: &Path, table: &str) {
    let text = std::fs::read_to_string(page).unwrap_or_default();
    let (begin, end) = ("<!-- kept true by crates/agreement/tests/it/mutations.rs -->\n", "<!-- end -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (old, after) = rest.split_once(end).unwrap();
    if std::env::var_os("STILLMARK_BLESS").is_some() {
        std::fs::write(page, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            old,
            table,
            "{}: STILLMARK_BLESS=1 writes the table anew; read what changed",
            page.display()
        );
    }
}

fn at_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn word(ruling: &Ruling) -> &'static str {
    match ruling.verdict {
        Verdict::Permit => "permit",
        Verdict::PermitWithDuties => "duties",
        Verdict::Review => "review",
        Verdict::Forbid => "forbid",
    }
}

#[test]
fn the_page_says_what_each_kind_of_fact_can_do() {
    let pack = Pack::shipped().unwrap();
    let mut rows: BTreeMap<&'static str, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for entry in pack.entries() {
        for chain in chains() {
            let base = plain(&chain);
            let before = judge(&pack, &entry.id, &base);
            let mut pairs: Vec<(&'static str, &Ruling, Use)> = Vec::new();
            let changed = flips(entry, &base).into_iter().chain(other_sources(&base));
            pairs.extend(changed.map(|(what, other)| (what, &before, other)));
            let mut private = base.clone();
            private.declared.audience = Some(Audience::Private);
            let before_private = judge(&pack, &entry.id, &private);
            private.declared.private_classifier = Some(true);
            pairs.push(("`private_classifier`: false → true, where private", &before_private, private));
            for (what, before, other) in pairs {
                let after = judge(&pack, &entry.id, &other);
                let row = rows.entry(what).or_default();
                if (before.verdict, &before.duties, &before.asks)
                    != (after.verdict, &after.duties, &after.asks)
                {
                    row.1.insert(&entry.id);
                }
                if before.verdict != after.verdict {
                    row.0.insert(format!("{} → {}", word(before), word(&after)));
                }
            }
        }
    }
    let mut table = vec!["| fact | may turn a verdict | texts that turn on it |\n|---|---|---|\n".to_owned()];
    for (what, (turns, texts)) in rows {
        assert!(!texts.is_empty(), "{what}: no text turns on it");
        let turns: Vec<String> = turns.into_iter().collect();
        let turns = if turns.is_empty() { "only duties or asks".to_owned() } else { turns.join(", ") };
        table.push(format!("| {what} | {turns} | {} |\n", texts.len()));
    }
    kept_true(&at_root("docs/spec/agreement.md"), &table.concat());
}

/// The canonical uses of the table of texts: a heading, the chain and the audience.
fn columns() -> Vec<(&'static str, Use)> {
    use Action::{FineTune, Label, Serve, TrainOnOutputs};
    let with = |chain: &[Action], change: &dyn Fn(&mut Declared)| {
        let mut used = plain(chain);
        change(&mut used.declared);
        used
    };
    vec![
        (
            "study",
            with(&[TrainOnOutputs], &|declared| {
                (declared.audience, declared.commercial) = (Some(Audience::Private), Some(false));
            }),
        ),
        ("publish", with(&[TrainOnOutputs], &|declared| declared.commercial = Some(false))),
        ("sell", with(&[TrainOnOutputs], &|_| ())),
        ("host", with(&[TrainOnOutputs], &|declared| declared.audience = Some(Audience::Served))),
        ("compete", with(&[TrainOnOutputs], &|declared| declared.competes = Some(true))),
        (
            "large",
            with(&[TrainOnOutputs], &|declared| {
                (declared.monthly_active_users, declared.revenue_usd_per_year) =
                    (Some(1_000_000_000), Some(1_000_000_000));
            }),
        ),
        (
            "classify",
            with(&[Label], &|declared| {
                (declared.audience, declared.private_classifier) = (Some(Audience::Private), Some(true));
            }),
        ),
        ("second", with(&[TrainOnOutputs, TrainOnOutputs], &|_| ())),
        ("tune", with(&[FineTune], &|_| ())),
        ("serve", with(&[Serve], &|declared| declared.audience = Some(Audience::Served))),
    ]
}

#[test]
fn the_table_says_what_each_text_comes_to() {
    let pack = Pack::shipped().unwrap();
    let columns = columns();
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let mut table = vec![format!("| text | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()))];
    for entry in pack.entries() {
        let mut cells = Vec::new();
        for (_, used) in &columns {
            let name = wanted(entry).0.into_iter().next_back().or_else(|| used.name.clone());
            cells.push(word(&judge(&pack, &entry.id, &Use { name, ..used.clone() })));
        }
        table.push(format!("| `{}` | {} |\n", entry.id, cells.join(" | ")));
    }
    kept_true(&at_root("crates/agreement/terms/TABLE.md"), &table.concat());
}

#[test]
fn a_limit_turns_exactly_at_its_bound() {
    let pack = Pack::shipped().unwrap();
    for entry in pack.entries() {
        for rule in &entry.rules {
            for limit in &rule.limits {
                let stillmark_agreement::Test::AtMost(most) = limit.test else { continue };
                let mut used = plain(&[rule.on[rule.on.len() - 1]]);
                let mut reasons = |number: u64| {
                    match limit.fact {
                        stillmark_agreement::Fact::MonthlyActiveUsers => {
                            used.declared.monthly_active_users = Some(number);
                        }
                        _ => used.declared.revenue_usd_per_year = Some(number),
                    }
                    let ruling = judge(&pack, &entry.id, &used);
                    let duties =
                        if matches!(limit.breach, Breach::Duties(_)) { ruling.duties } else { Vec::new() };
                    (ruling.verdict, duties)
                };
                assert_ne!(reasons(most), reasons(most + 1), "{}: {}", entry.id, rule.clause);
            }
        }
    }
}
