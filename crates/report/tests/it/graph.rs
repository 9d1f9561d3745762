//! The provenance graph as a drawing, as Mermaid and in words.

use std::fs;
use std::path::Path;

use stillmark_report::graph::{Edge, Graph, Node, Tone, file, mermaid, svg};

fn node(kind: &str, name: &str, tone: Tone, title: &str) -> Node {
    Node { kind: kind.to_owned(), name: name.to_owned(), tone, title: title.to_owned() }
}

fn edge(from: usize, to: usize, label: &str, tone: Tone, title: &str) -> Edge {
    Edge { from, to, label: label.to_owned(), tone, title: title.to_owned() }
}

/// A student of a student, a merge and two teachers.
fn generations() -> Graph {
    let gemma = "gemma-2025-03 s.1.1(e): A model trained on outputs is a model derivative.";
    Graph {
        nodes: vec![
            node("api", "acme/tern-large", Tone::Review, "review: the terms bar competing models"),
            node("weights", "google/gemma-3-4b", Tone::Duties, gemma),
            node("weights", "Qwen2.5-0.5B", Tone::Permit, ""),
            node("dataset", "answers", Tone::Permit, ""),
            node("weights", "first-student", Tone::Duties, gemma),
            node("weights", "second-student", Tone::Duties, gemma),
            node("weights", "merged", Tone::Forbid, "forbid: share-alike cannot carry use limits"),
            node("weights", "share-alike-7b", Tone::Duties, "mg-by-sa-2.0 s.2.2(a)"),
        ],
        edges: vec![
            edge(0, 3, "generate 40 %", Tone::Review, "acme s.3.3(e)\nDeclared: competes = false."),
            edge(3, 4, "train-on-outputs", Tone::Permit, ""),
            edge(1, 4, "distill-logits 60 %", Tone::Duties, gemma),
            edge(2, 4, "init", Tone::Permit, "apache-2.0 s.2"),
            edge(4, 5, "train-on-outputs", Tone::Duties, gemma),
            edge(1, 5, "distill-logits", Tone::Duties, gemma),
            edge(5, 6, "merge", Tone::Forbid, "share-alike cannot carry use limits"),
            edge(7, 6, "merge", Tone::Forbid, "mg-by-sa-2.0 s.2.2(a)"),
        ],
        target: 6,
    }
}

/// As many models as that: chains, merges, several teachers.
fn many(count: usize) -> Graph {
    let tones = [Tone::Permit, Tone::Duties, Tone::Review, Tone::Unjudged];
    let nodes = (0..count).map(|at| node("weights", &format!("model-{at}"), tones[at % 4], "")).collect();
    let mut edges = Vec::new();
    for at in 1..count {
        edges.push(edge(at / 2, at, "train-on-outputs 50 %", tones[at % 3], "apache-2.0 s.2"));
        if at % 5 == 0 {
            edges.push(edge(at - 1, at, "merge", Tone::Permit, ""));
        }
        if at + 6 > count {
            edges.push(edge(at - 1, at, "init", Tone::Permit, ""));
        }
    }
    Graph { nodes, edges, target: count - 1 }
}

fn keep(name: &str, text: &str) {
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), text).unwrap();
}

/// A page around a drawing would find every tag closed; here by counting them.
fn check_markup(svg: &str) {
    for tag in ["svg", "g", "title", "text"] {
        let opened = svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf "), "{svg}");
}

#[test]
fn a_graph_of_several_generations() {
    let drawn = svg(&generations());
    check_markup(&drawn);
    keep("generations.svg", &file(&generations()));
    insta::assert_snapshot!(drawn.replace("><", ">\n<"));
}

#[test]
fn as_mermaid() {
    keep("generations.mmd", &mermaid(&generations()));
    insta::assert_snapshot!(mermaid(&generations()));
}

#[test]
fn every_box_and_arrow_can_be_focused_and_says_its_clause() {
    let drawn = svg(&generations());
    assert_eq!(drawn.matches("tabindex=\"0\"").count(), 16);
    assert!(drawn.contains("<title>acme/tern-large to answers by generate 40 %\nacme s.3.3(e)\nDeclared"));
    let words = generations().words();
    assert_eq!(words.len(), 8);
    assert_eq!(
        words[7],
        ("share-alike-7b to merged by merge".to_owned(), "mg-by-sa-2.0 s.2.2(a)".to_owned())
    );
}

#[test]
fn sixty_nodes_are_all_drawn_and_more_are_counted() {
    let sixty = svg(&many(60));
    check_markup(&sixty);
    assert_eq!(sixty.matches("class=\"node").count(), 60);
    keep("sixty.svg", &file(&many(60)));
    let mut chain = many(10_000);
    chain.edges = (1..10_000).map(|at| edge(at - 1, at, "init", Tone::Permit, "")).collect();
    let thousands = svg(&chain);
    check_markup(&thousands);
    assert_eq!(thousands.matches("class=\"node").count(), 60);
    assert!(thousands.contains("… 9\u{202f}941 more") && thousands.contains("class=\"node review\""));
    assert!(thousands.contains("review: 2\u{202f}485"), "what is not drawn is counted by verdict");
    keep("thousands.svg", &file(&many(10_000)));
    keep("thousands.mmd", &mermaid(&many(10_000)));
}

#[test]
fn names_are_text_in_every_form() {
    let evil = "]\"--> end; %%{init}%% <script>alert('x')</script> #quot; `**`|\n$$ \\ click & \u{1b}";
    let mut graph = generations();
    graph.nodes[0].name = evil.to_owned();
    graph.nodes[0].title = evil.to_owned();
    graph.nodes[3].kind = evil.to_owned();
    graph.edges[0].label = evil.to_owned();
    graph.edges[0].title = evil.to_owned();
    let drawn = svg(&graph);
    check_markup(&drawn);
    assert!(!drawn.contains("<script") && !drawn.contains('\u{1b}'));
    let text = mermaid(&graph);
    keep("evil.mmd", &text);
    let allowed = |line: &str| {
        let parts: Vec<&str> = line.split('"').collect();
        // Outside of quotes stands only our own; inside, nothing that ends them or begins a directive.
        (parts.len() == 1 || parts.len() == 3)
            && parts.get(1).is_none_or(|label| {
                !label
                    .replace("<br/><b>", "")
                    .replace("</b>", "")
                    .contains(['<', '>', '`', '{', '|', ']', '\\'])
            })
    };
    assert!(text.lines().all(allowed), "{text}");
    insta::assert_snapshot!(text.lines().nth(1).unwrap());
}

#[test]
fn what_does_not_fit_together_is_drawn_all_the_same() {
    check_markup(&svg(&Graph::default()));
    assert_eq!(mermaid(&Graph::default()), "flowchart LR\n");
    let mut circle = generations();
    circle.edges.push(edge(6, 0, "merge", Tone::Permit, ""));
    circle.edges.push(edge(6, 6, "merge", Tone::Permit, ""));
    circle.edges.push(edge(0, 99, "merge", Tone::Permit, ""));
    circle.target = 77;
    let drawn = svg(&circle);
    check_markup(&drawn);
    assert_eq!(drawn.matches("class=\"arrow").count(), 9);
    let mut chain = many(60);
    chain.edges = (1..60).map(|at| edge(at - 1, at, "train-on-outputs", Tone::Permit, "")).collect();
    keep("chain.svg", &file(&chain));
    check_markup(&svg(&chain));
}
