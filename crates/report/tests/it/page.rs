//! What the page shows, and what it never does.

use std::fs;

use stillmark_report::{Beside, Compared, Curve, Line, Named, Sample, Unit, render};

use crate::folder::verified;

const TEACHER: &str = "SmolLM2-135M-Instruct";

fn line(name: &str, value: impl Fn(f64) -> f64) -> Line {
    let points = (0..=24).map(|step| (f64::from(step) * 5.0, value(f64::from(step)))).collect();
    Line { name: name.to_owned(), points }
}

fn curve(title: &str, unit: Unit, lines: Vec<Line>) -> Curve {
    Curve { title: title.to_owned(), unit, lines }
}

fn beside() -> Beside {
    let row =
        |model: &str, perplexity, agreement| Compared { model: model.to_owned(), perplexity, agreement };
    let named = |name: &str, value: &str| Named { name: name.to_owned(), value: value.to_owned() };
    Beside {
        rendered_at: "2026-11-23".to_owned(),
        tool: "stillmark 0.1.0".to_owned(),
        curves: vec![
            curve("Loss", Unit::Plain, vec![line("training", |x| 0.9 + 2.8 * (-x / 6.0).exp())]),
            curve(
                "Held-out divergence from the teacher, nats",
                Unit::Plain,
                vec![
                    line("distilled", |x| 0.8 + 2.0 * (-x / 5.0).exp()),
                    line("plain text", |x| 1.2 + 1.7 * (-x / 7.0).exp()),
                ],
            ),
            curve(
                "Held-out top-1 agreement",
                Unit::Percent,
                vec![line("distilled", |x| 0.64 - 0.36 * (-x / 6.0).exp())],
            ),
            curve(
                "Speed, tokens a second",
                Unit::TokensPerSecond,
                vec![line("training", |x| 1240.0 + 40.0 * x.sin())],
            ),
        ],
        compared: vec![
            row("Teacher", Some(7.8), Some(1.0)),
            row("Student before", Some(1326.4), Some(0.28)),
            row("Student after", Some(14.2), Some(0.634)),
            row("Same text, plain cross-entropy", None, Some(0.5)),
        ],
        samples: vec![Sample {
            prompt: "Why is the sky blue?".to_owned(),
            answers: vec![
                named("Teacher", "Because air scatters short wavelengths of light more than long ones."),
                named("Student after", "The sky is blue because air scatters blue light."),
            ],
        }],
        recipe: vec![named("Held-out text", "20 documents of 256 tokens, never trained on")],
    }
}

#[test]
fn a_sound_folder_is_shown_whole() {
    let page = render(&verified("tern-90m", TEACHER, |_| ()), &beside()).unwrap();
    fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html"), &page).unwrap();
    for text in [
        "tern-90m: where it came from",
        "Everything that was recorded holds",
        "signed and logged",
        "competes&#x2f;anthropic-commercial&#x2f;student",
        "40\u{202f}000 tokens",
        "77.5 %",
        "1\u{202f}326",
        "not recorded",
        "Credit the dataset",
        "The digest of the weights of the teacher of `second`.",
    ] {
        assert!(page.contains(text), "no {text:?}");
    }
    assert_eq!(page, render(&verified("tern-90m", TEACHER, |_| ()), &beside()).unwrap());
}

#[test]
fn a_changed_folder_shows_its_failures_first() {
    let tamper = |dir: &std::path::Path| fs::write(dir.join("model/config.json"), "{ }").unwrap();
    let page = render(&verified("tern-90m", TEACHER, tamper), &Beside::default()).unwrap();
    assert!(page.contains("Something does not hold") && page.contains("bad-digest"));
    assert!(page.find(">Failed<").unwrap() < page.find(">Passed<").unwrap());
    fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("failed.html"), page).unwrap();
}

#[test]
fn names_are_text_and_never_markup() {
    let evil = "<script>alert('x')</script><img src=x onerror=\"y\">&";
    let mut beside = beside();
    beside.curves[0].lines[0].name = evil.to_owned();
    beside.curves[0].title = evil.to_owned();
    beside.samples[0].answers[0].value = evil.to_owned();
    beside.compared[0].model = evil.to_owned();
    beside.recipe[0].name = evil.to_owned();
    let page = render(&verified(evil, evil, |_| ()), &beside).unwrap();
    for markup in ["<script", "<img", "onerror=\"", "'x'"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn the_page_loads_nothing() {
    let page = render(&verified("tern-90m", TEACHER, |_| ()), &beside()).unwrap();
    for load in ["http://", "https://", "src=", "href=", "url(", "@import", "<script", "<link", "<iframe"] {
        assert!(!page.contains(load), "{load}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn an_empty_folder_still_gives_a_page() {
    let everything = |dir: &std::path::Path| {
        for folder in ["data", "model", "evidence"] {
            fs::remove_dir_all(dir.join(folder)).unwrap();
        }
    };
    let page = render(&verified("tern-90m", TEACHER, everything), &Beside::default()).unwrap();
    assert!(page.contains("Not recorded: no sound dataset manifest."));
    assert!(page.contains("What the student was trained on"));
}

#[test]
fn a_chart_leaves_out_what_is_not_finite() {
    let points = vec![(0.0, 2.0), (5.0, f64::NAN), (10.0, f64::INFINITY), (15.0, 1.0)];
    let one = Curve {
        title: "Loss".to_owned(),
        unit: Unit::Plain,
        lines: vec![Line { name: "training".to_owned(), points }],
    };
    let none = Curve {
        title: "Empty".to_owned(),
        unit: Unit::Plain,
        lines: vec![Line { name: "none".to_owned(), points: vec![(0.0, f64::NAN)] }],
    };
    let beside = Beside { curves: vec![one, none], ..Beside::default() };
    let page = render(&verified("tern-90m", TEACHER, |_| ()), &beside).unwrap();
    assert!(!page.contains("NaN") && !page.contains(">inf") && !page.contains("<h3>Empty"));
    let from = page.find("<svg viewBox=\"0 0 520 240\"").unwrap();
    let chart = &page[from..page[from..].find("</svg>").unwrap() + from];
    insta::assert_snapshot!(chart.replace("><", ">\n<"));
}

#[test]
fn ticks_between_two_steps_are_round_numbers() {
    let points = vec![(1.0, 3.0), (2.0, 2.0)];
    let steps = curve("Loss", Unit::Plain, vec![Line { name: "training".to_owned(), points }]);
    let beside = Beside { curves: vec![steps], ..Beside::default() };
    let page = render(&verified("tern-90m", TEACHER, |_| ()), &beside).unwrap();
    assert!(page.contains(">1.2<") && !page.contains("1.20000"));
}
