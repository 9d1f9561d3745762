//! `stillmark report PATH -o report.html`: one self-contained page from verified facts.

use std::path::{Path, PathBuf};

use serde_json::json;
use stillmark_distill::metrics::{self, Entry, EvaluationRecord};
use stillmark_evidence::layout::path;
use stillmark_evidence::verify::{FolderFacts, Verified};
use stillmark_report::{
    Beside, Compared, Curve, Line, Named, Sample, Unit, provenance, render, render_audit, render_finding,
};

use super::verify::{self, Shown};
use crate::clock;
use crate::drawing;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem};
use crate::run::comparison::{self, Comparison};
use crate::session::Session;

/// What renders the page.
const TOOL: &str = concat!("stillmark ", env!("CARGO_PKG_VERSION"));

/// What `report` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark report out -o report.html\n  stillmark report out --graph provenance.mmd\n\nExit codes are those of `verify`: a folder that fails is reported as failing."
)]
pub(crate) struct Args {
    /// The folder of a run, of a watermark finding, or of an audit
    #[arg(value_name = "PATH")]
    folder: PathBuf,
    /// The page [default: report.html in the folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the provenance graph alone, too: an .svg, or a .mmd (Mermaid) for a README
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// Believe this public key alone; may be repeated
    #[arg(long, value_name = "KEY")]
    trust: Vec<PathBuf>,
}

/// Verifies the folder and writes its page.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let form = args.graph.as_deref().map(drawing::Form::of).transpose()?;
    let shown = verify::shown(&args.folder, &args.trust, session)?;
    let verdict = shown.report().verdict;
    let page = args.output.clone().unwrap_or_else(|| args.folder.join("report.html"));
    match &shown {
        Shown::Run(facts) => write(facts, &args.folder, &page)?,
        Shown::Finding(facts) => write_page(render_finding(facts, &clock::now(), TOOL), &page)?,
        Shown::Evaluation(_) => {
            return Err(Problem::new(format!("{} is the folder of an evaluation", args.folder.display()))
                .hint("`stillmark benchmark audit DIR --out AUDIT` makes the audit that has a page")
                .into());
        }
        Shown::Audit(facts) => write_page(render_audit(facts, &clock::now(), TOOL), &page)?,
    }
    let mut answer = json!({ "schema": "stillmark/report/v1", "page": page, "verdict": verdict });
    let mut written = format!("wrote {}", page.display());
    if let (Some(path), Some(form)) = (&args.graph, form) {
        write_graph(&shown, path, form)?;
        answer["graph"] = json!(path);
        written = format!("{written} and {}", path.display());
    }
    session.answer(&answer, || written)?;
    Ok(verify::status(verdict))
}

/// Writes the page of a verified folder.
pub(crate) fn write(facts: &Verified<FolderFacts>, folder: &Path, page: &Path) -> Result<(), Problem> {
    write_page(render(facts, &beside(folder)), page)
}

/// Writes what was rendered.
fn write_page(rendered: Result<String, stillmark_report::Error>, page: &Path) -> Result<(), Problem> {
    let html = rendered.map_err(|err| Problem::from_error(&err))?;
    files::write(page, html.as_bytes(), Secrecy::Public)
}

/// Writes the provenance graph of a run.
fn write_graph(shown: &Shown, path: &Path, form: drawing::Form) -> Result<(), Problem> {
    let graph = match shown {
        Shown::Run(facts) => provenance(facts),
        Shown::Finding(_) | Shown::Audit(_) | Shown::Evaluation(_) => None,
    };
    let graph = graph.ok_or_else(|| {
        Problem::new("there is no provenance graph to draw")
            .cause("the folder has no sound dataset manifest")
            .hint("`stillmark verify` says what is wrong with it")
    })?;
    drawing::write(&graph, path, form)
}

/// What stands beside the signed facts: the curves, and what quickstart compared.
fn beside(folder: &Path) -> Beside {
    // A page without curves is better than no page: what is wrong with the metrics is among the checks.
    let entries = metrics::read(&folder.join(path::METRICS)).unwrap_or_default();
    let comparison = std::fs::read_to_string(folder.join(comparison::FILE)).ok();
    let comparison: Option<Comparison> = comparison.and_then(|text| serde_json::from_str(&text).ok());
    Beside {
        rendered_at: clock::now(),
        tool: TOOL.to_owned(),
        curves: curves(&entries),
        compared: comparison.iter().flat_map(compared).collect(),
        samples: comparison.iter().flat_map(samples).collect(),
        recipe: Vec::new(),
    }
}

fn curves(entries: &[Entry]) -> Vec<Curve> {
    let losses = entries.iter().filter_map(|entry| match entry {
        Entry::Step(record) => Some((record.step as f64, record.loss)),
        Entry::Evaluation(_) => None,
    });
    let evaluations: Vec<&EvaluationRecord> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Evaluation(record) => Some(record),
            Entry::Step(_) => None,
        })
        .collect();
    let points = |value: &dyn Fn(&EvaluationRecord) -> Option<f64>| -> Vec<(f64, f64)> {
        evaluations.iter().filter_map(|record| Some((record.step as f64, value(record)?))).collect()
    };
    let curve = |title: &str, unit: Unit, name: &str, points: Vec<(f64, f64)>| Curve {
        title: title.to_owned(),
        unit,
        lines: vec![Line { name: name.to_owned(), points }],
    };
    vec![
        curve("Training loss", Unit::Plain, "loss", losses.collect()),
        curve("KL from the teacher, held out", Unit::Plain, "KL, nats", points(&|record| record.kl)),
        curve(
            "Top-1 agreement with the teacher, held out",
            Unit::Percent,
            "agreement",
            points(&|record| record.agreement),
        ),
    ]
}

fn compared(comparison: &Comparison) -> Vec<Compared> {
    let row = |row: &comparison::Row| Compared {
        model: row.model.clone(),
        perplexity: row.perplexity,
        agreement: row.agreement,
    };
    comparison.rows.iter().map(row).collect()
}

fn samples(comparison: &Comparison) -> Vec<Sample> {
    let named = |(name, value): &(String, String)| Named { name: name.clone(), value: value.clone() };
    let sample = |sample: &comparison::Sample| Sample {
        prompt: sample.prompt.clone(),
        answers: sample.answers.iter().map(named).collect(),
    };
    comparison.samples.iter().map(sample).collect()
}
