//! The page: what the template is given, and the template itself.

mod audit;
mod consent;
mod facts;
mod finding;
mod green;
mod lineup;
mod results;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use stillmark_evidence::Verified;
use stillmark_evidence::verify::FolderFacts;
use thiserror::Error;

use crate::beside::{Beside, Compared, Named, Unit};
use crate::chart::curve;
use crate::descent::provenance;
use crate::graph::{Graph, svg};
use crate::number::{percent, shown};

const TEMPLATE: &str = include_str!("../../templates/page.html");
const STYLE: &str = concat!(
    include_str!("../../templates/chart.css"),
    include_str!("../../templates/graph.css"),
    include_str!("../../templates/style.css")
);

pub use audit::render_audit;
pub use finding::render_finding;

/// The page could not be rendered; a fault of this program.
#[derive(Debug, Error)]
#[error("the report's template does not fit its facts")]
pub struct Error {
    #[from]
    source: minijinja::Error,
}

/// All that the template reads.
#[derive(Serialize)]
struct Page<'a> {
    style: &'static str,
    facts: facts::Facts,
    graph: Option<String>,
    arrows: Vec<(String, String)>,
    shares: Option<String>,
    charts: Vec<Chart<'a>>,
    compared: Vec<Row<'a>>,
    samples: Vec<Answers<'a>>,
    recipe: Vec<(&'a str, &'a str)>,
    rendered_at: &'a str,
    tool: &'a str,
}

#[derive(Serialize)]
struct Chart<'a> {
    title: &'a str,
    svg: String,
}

#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    perplexity: Option<String>,
    agreement: Option<String>,
}

#[derive(Serialize)]
struct Answers<'a> {
    prompt: &'a str,
    answers: Vec<(&'a str, &'a str)>,
}

/// Renders one self-contained HTML page from a verified run folder and what stands beside it.
pub fn render(facts: &Verified<FolderFacts>, beside: &Beside) -> Result<String, Error> {
    let provenance = provenance(facts);
    let page = Page {
        style: STYLE,
        facts: facts::of(facts),
        graph: provenance.as_ref().map(svg),
        arrows: provenance.as_ref().map(Graph::words).unwrap_or_default(),
        shares: lineup::shares(facts),
        charts: beside
            .curves
            .iter()
            .filter_map(|shown| Some(Chart { title: &shown.title, svg: curve(shown)? }))
            .collect(),
        compared: beside.compared.iter().map(row).collect(),
        samples: beside
            .samples
            .iter()
            .map(|sample| Answers { prompt: &sample.prompt, answers: pairs(&sample.answers) })
            .collect(),
        recipe: pairs(&beside.recipe),
        rendered_at: &beside.rendered_at,
        tool: &beside.tool,
    };
    filled(TEMPLATE, &page)
}

fn filled(template: &str, page: &impl Serialize) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", template)?;
    Ok(environment.get_template("page")?.render(Serde(page))?)
}

fn row(row: &Compared) -> Row<'_> {
    Row {
        model: &row.model,
        perplexity: row.perplexity.map(|value| shown(value, Unit::Plain)),
        agreement: row.agreement.map(percent),
    }
}

fn pairs(named: &[Named]) -> Vec<(&str, &str)> {
    named.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect()
}
