//! A provenance file of the same shape, read and judged.

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;

use stillmark_agreement::{Date, Pack, Provenance, evaluate};

use crate::graph::parents;
use crate::watch::{Row, Taken, take};

/// Reads and judges files whose terms come from one source, and from a hundred.
pub(crate) fn rows(models: usize, times: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let pack = Pack::shipped()?;
    let on: Date = "2026-11-01".parse()?;
    let mut rows = Vec::new();
    for (name, terms, sources) in [
        ("one source, apache-2.0", "apache-2.0", 1),
        ("100 sources, apache-2.0", "apache-2.0", 100),
        ("one source, gemma-2025-03", "gemma-2025-03", 1),
    ] {
        let text = file(models, sources, terms);
        let (mut read, mut judged): (Vec<Taken>, Vec<Taken>) = (Vec::new(), Vec::new());
        for _ in 0..times {
            let (provenance, taken) = take(|| Provenance::parse(&text));
            read.push(taken);
            let provenance = provenance?;
            let (ruling, taken) = take(|| evaluate(&pack, &provenance, &on));
            judged.push(taken);
            black_box(ruling?);
        }
        rows.push(Row::of(&format!("provenance file read, {name}"), &read));
        rows.push(Row::of(&format!("the same, judged, {name}"), &judged));
    }
    Ok(rows)
}

fn file(models: usize, sources: usize, terms: &str) -> String {
    let mut text = format!("target = \"m{}\"\n", models - 1);
    for source in 0..sources {
        let _ = writeln!(text, "[[asset]]\nid = \"s{source}\"\nkind = \"weights\"\nterms = [\"{terms}\"]");
    }
    for model in 0..models {
        let _ = writeln!(text, "[[asset]]\nid = \"m{model}\"\nkind = \"weights\"");
        let source = (model * sources / models, (model.max(1) - 1) * sources / models);
        let mut edge = |from: String, action: &str| {
            let _ = writeln!(text, "[[edge]]\nfrom = \"{from}\"\nto = \"m{model}\"\naction = \"{action}\"");
        };
        if model == 0 || source.0 != source.1 {
            edge(format!("s{}", source.0), "train-on-outputs");
        }
        let made = parents(model);
        if let Some(base) = made.base {
            edge(format!("m{base}"), "init");
        }
        for teacher in made.teachers {
            edge(format!("m{teacher}"), "train-on-outputs");
        }
    }
    text
}
