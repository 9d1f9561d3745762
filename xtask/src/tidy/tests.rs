//! Each rule against trees made for it, and the house against all of them.

use serde_json::json;

use super::tree::{File, Tree};
use super::{Breach, calibration, graph, lexer, modules, rust, shape, specs, text};

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        size_bytes: text.len() as u64,
        text: Some((*text).to_owned()),
    };
    Tree { files: files.iter().map(file).collect() }
}

fn check(found: &[Breach], expected: &[&str]) {
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (breach, words) in found.iter().zip(expected) {
        let whole = format!("{}: {}", breach.place, breach.what);
        assert!(whole.contains(words), "`{words}` is not in `{whole}`");
    }
}

#[test]
fn the_house_itself_is_tidy() {
    let workspace = crate::shell::Workspace::find().unwrap();
    super::check(&workspace).unwrap();
}

#[test]
fn arrows_point_down_only() {
    let package = |name: &str, uses: &[&str]| {
        let uses: Vec<_> = uses.iter().map(|used| json!({"name": used})).collect();
        json!({"name": name, "dependencies": uses})
    };
    let metadata = json!({"packages": [
        package("stillmark-evidence", &["stillmark-ledger", "serde"]),
        package("stillmark-ledger", &["stillmark-evidence"]),
        package("stillmark", &["stillmark-distill", "clap"]),
        package("stillmark-report", &["xtask", "tokenizers"]),
        package("stillmark-attic", &[]),
        json!({"name": "stillmark-kernels", "dependencies": [{"name": "stillmark-model", "kind": "dev"}]}),
    ]});
    let expected =
        ["stillmark-ledger: depends", "depends on `xtask`", "links `tokenizers`", "attic: is no room"];
    check(&graph::breaches(&metadata), &expected);
}

#[test]
fn modules_beside_each_other_form_no_cycle() {
    let direct =
        [("crates/x/src/a.rs", "use crate::b::B;"), ("crates/x/src/b.rs", "fn f() { super::a::g() }")];
    check(&modules::breaches(&tree(&direct)), &["x: its modules form a cycle: a -> b -> a"]);
    let deep = [
        ("crates/x/src/lib.rs", "mod a;"),
        ("crates/x/src/a/mod.rs", "mod one; mod two;"),
        ("crates/x/src/a/one.rs", "use super::{two::Two, Other};"),
        ("crates/x/src/a/two.rs", "use crate::a::one::One;"),
    ];
    check(&modules::breaches(&tree(&deep)), &["x::a: its modules form a cycle: one -> two -> one"]);
}

#[test]
fn a_cycle_through_a_reexport_is_seen_and_one_in_a_comment_is_not() {
    let hidden = [
        ("crates/x/src/lib.rs", "mod a; mod b; pub use a::{Alpha, Beta};"),
        ("crates/x/src/a.rs", "use crate::b::f;"),
        ("crates/x/src/b.rs", "use crate::Beta;"),
    ];
    check(&modules::breaches(&tree(&hidden)), &["a -> b -> a"]);
    let commented = [
        ("crates/x/src/a.rs", "use crate::b::f;"),
        ("crates/x/src/b.rs", "// use crate::a::g;\n/* crate::a::h */ const S: &str = \"crate::a::i\";"),
        ("crates/x/src/b/tests.rs", "use crate::a::f;"),
    ];
    check(&modules::breaches(&tree(&commented)), &[]);
}

#[test]
fn comments_and_literals_are_blanked() {
    let source = "a /* b /* c */ d */ \"e \\\" f\" r#\"g \" h\"# 'i' '\\'' '\\u{1F600}' &'static x // j\nk";
    let code = lexer::code_only(source);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "&'static", "x", "k"]);
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn allow_and_a_root_without_forbid_are_breaches() {
    let files = [
        ("crates/x/src/lib.rs", "//! Story.\n#![forbid(unsafe_code)]\n#[allow(dead_code)]\nfn f() {}"),
        ("crates/y/src/lib.rs", "//! Story.\n// #![forbid(unsafe_code)]"),
        ("crates/kernels/src/lib.rs", "//! Story."),
    ];
    check(&rust::breaches(&tree(&files)), &["crates/x/src/lib.rs:3: `allow`", "crates/y/src/lib.rs: lacks"]);
}

#[test]
fn pages_have_vectors_that_are_read() {
    let good = [
        ("crates/x/tests/it/vectors.rs", "std::fs::read_dir(\"../../docs/spec/vectors/note\")"),
        ("docs/spec/note.md", "Vectors: `vectors/note/`"),
        ("docs/spec/vectors/note/ok.json", r#"{"expect": "success"}"#),
    ];
    check(&specs::breaches(&tree(&good)), &[]);
    let bad = [
        ("docs/spec/bare.md", "no vectors"),
        ("docs/spec/note.md", "says nothing"),
        ("docs/spec/vectors/note/ok.json", r#"{"expected": "success"}"#),
        ("docs/spec/vectors/stray/ok.json", r#"[{"expect": "bad-digest"}]"#),
    ];
    let expected = [
        "bare.md: has no vectors",
        "does not name",
        "read by no test",
        "`expect`",
        "no page",
        "read by no test",
    ];
    check(&specs::breaches(&tree(&bad)), &expected);
}

#[test]
fn a_detector_needs_its_calibration() {
    let files = [("crates/lineage/src/lib.rs", ""), ("crates/watermark/tests/it/calibration/main.rs", "")];
    check(&calibration::breaches(&tree(&files)), &["crates/lineage: has detectors"]);
}

#[test]
fn text_is_finished_portable_and_linked() {
    let unfinished = format!("// {}: later", concat!("TO", "DO"));
    let foreign = format!("see {}main/notes", concat!("/wo", "rk/"));
    let files = [
        ("README.md", "[there](docs/guide/a.md#top) [not](docs/none.md) [web](https://example.org)"),
        ("a.rs", unfinished.as_str()),
        ("b.rs", foreign.as_str()),
        ("c.rs", "target/work/x mastodon"),
        ("docs/guide/a.md", "[up](../../README.md)"),
    ];
    let expected = ["a.rs:1", "b.rs:1", "links to `docs/none.md`", "```console"];
    check(&text::breaches(&tree(&files)), &expected);
}

#[test]
fn long_functions_are_pointed_at() {
    let body = "    let x = 1;\n".repeat(70);
    let source = format!("trait T {{\n    fn none(&self);\n}}\nfn long() {{\n{body}}}\nfn short() {{}}\n");
    check(&shape::advice(&tree(&[("crates/x/src/a.rs", &source)])), &["a.rs:4: `fn long` has 72 lines"]);
}
