//! Charts as files.

use std::fs;
use std::path::Path;

use stillmark_report::Unit;
use stillmark_report::chart::{Axis, Chart, Plot, Size, Spread, Threshold, Weight, file, lines};

fn axis(label: &str, unit: Unit, spread: Spread, range: Option<(f64, f64)>) -> Axis {
    Axis { label: label.to_owned(), unit, spread, range }
}

fn plot(name: &str, weight: Weight, value: impl Fn(f64) -> f64) -> Plot {
    let tokens = [25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0];
    Plot { name: name.to_owned(), points: tokens.into_iter().map(|x| (x, value(x))).collect(), weight }
}

fn power(lines: Vec<Plot>) -> Chart {
    Chart {
        title: "Detected at a false-alarm rate of 10⁻⁶, by tokens".to_owned(),
        across: axis("tokens", Unit::Count, Spread::Logarithmic, None),
        up: axis("detected", Unit::Percent, Spread::Even, Some((0.0, 1.0))),
        lines,
        threshold: None,
        size: Size::Whole,
    }
}

#[test]
fn a_power_curve_stands_alone() {
    let rising = |half: f64| move |x: f64| 1.0 / (1.0 + (-(x / half).ln() * 3.0).exp());
    let names = ["no attack", "10 % deleted", "30 % deleted", "50 % diluted", "paraphrased", "homoglyphs"];
    let each = names.iter().zip([60.0, 90.0, 180.0, 400.0, 1500.0, 9000.0]);
    let svg = file(&power(each.map(|(name, half)| plot(name, Weight::Told, rising(half))).collect()));
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("power.svg"), &svg).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 380\""));
    for text in ["<style>", "prefers-color-scheme", ">1\u{202f}000<", ">100 %<", "line s5", "paraphrased"] {
        assert!(svg.contains(text), "no {text:?}");
    }
    for load in ["<script", "url(", "@import", "href="] {
        assert!(!svg.contains(load), "{load}");
    }
}

#[test]
fn lines_beyond_the_sixth_are_faint_and_what_has_no_place_is_left_out() {
    let many = (0..8).map(|at| plot(&format!("<{at}>"), Weight::Told, move |x| x / (2000.0 + f64::from(at))));
    let svg = lines(&power(many.collect()));
    assert_eq!(svg.matches("line faint").count(), 2);
    assert!(svg.contains("&lt;7&gt;") && !svg.contains("<7>"));
    let mut zero = plot("a", Weight::Told, |x| if x < 100.0 { f64::NAN } else { 0.5 });
    zero.points.insert(0, (0.0, 0.1));
    let svg = lines(&power(vec![zero]));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!(lines(&power(vec![plot("a", Weight::Told, |_| f64::NAN)])), "");
    assert_eq!(file(&power(vec![])), "");
}

#[test]
fn a_threshold_is_drawn_and_told() {
    let mut chart = power(vec![plot("all texts", Weight::Thick, |x| -x / 200.0)]);
    chart.up = axis("p", Unit::PowerOfTen, Spread::Even, None);
    chart.threshold = Some(Threshold { at: -3.0, label: "level 0.001".to_owned() });
    let svg = lines(&chart);
    for text in [
        "class=\"threshold\"",
        ">level 0.001<",
        "line thick",
        ">10⁻⁸<",
        "all texts: from 0.75 at tokens 25 to 10⁻⁸",
    ] {
        assert!(svg.contains(text), "no {text:?} in {svg}");
    }
}
