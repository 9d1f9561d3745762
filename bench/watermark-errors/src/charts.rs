//! The charts.

use std::fs;

use serde_json::Value;
use stillmark_report::Unit;
use stillmark_report::chart::{Axis, Chart, Plot, Size, Spread, Weight, file};

use crate::options::Options;

/// The rate of false alarms by the stated level, for the first scheme and for the one whose repeats are scored.
pub(crate) fn realized(
    options: &Options,
    rows: &[(&str, Vec<Value>)],
    repeating: &[(String, Vec<Value>)],
    classes: &[&str],
) -> Result<(), String> {
    let at = classes.iter().position(|class| *class == "templated");
    let (Some((_, cells)), Some(at)) = (rows.first(), at) else { return Ok(()) };
    let points = |cell: &Value, column: usize| -> Vec<(f64, f64)> {
        let rows = cell["curve"].as_array().into_iter().flatten();
        rows.map(|row| (row[0].as_f64().unwrap_or(0.0), row[column].as_f64().unwrap_or(0.0))).collect()
    };
    let mut lines = vec![
        plot("stated level", vec![(0.001, 0.001), (1.0, 1.0)]),
        plot("decoys' rank", points(&cells[at], 1)),
        plot("analytic", points(&cells[at], 2)),
    ];
    if let Some((_, cells)) = repeating.first() {
        lines.push(plot("rank, repeats", points(&cells[0], 1)));
        lines.push(plot("p, repeats", points(&cells[0], 2)));
    }
    let axis = |label: &str| Axis {
        label: label.to_owned(),
        unit: Unit::Percent,
        spread: Spread::Logarithmic,
        range: None,
    };
    let title = "False alarms on templated text by the stated level, vllm-philox".to_owned();
    let chart = Chart {
        title,
        across: axis("stated level"),
        up: axis("false alarms"),
        lines,
        threshold: None,
        size: Size::Whole,
    };
    write(options, "null.svg", &chart)
}

/// The share of texts that are found, by the number of tokens that are scored.
pub(crate) fn power(options: &Options, name: &str, title: &str, lines: Vec<Plot>) -> Result<(), String> {
    let axis = |label: &str, unit, range| Axis { label: label.to_owned(), unit, spread: Spread::Even, range };
    let chart = Chart {
        title: title.to_owned(),
        across: axis("tokens scored", Unit::Count, None),
        up: axis("texts found", Unit::Percent, Some((0.0, 1.0))),
        lines,
        threshold: None,
        size: Size::Whole,
    };
    write(options, name, &chart)
}

/// A line with its name.
pub(crate) fn plot(name: &str, points: Vec<(f64, f64)>) -> Plot {
    Plot { name: name.to_owned(), points, weight: Weight::Told }
}

fn write(options: &Options, name: &str, chart: &Chart) -> Result<(), String> {
    let Some(folder) = &options.svg else { return Ok(()) };
    let path = folder.join(name);
    fs::write(&path, file(chart)).map_err(|error| format!("{}: {error}", path.display()))
}
