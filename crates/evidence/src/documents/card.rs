//! A whole card: the claims, and sections that `verify` renders again.

use super::benchmarks::{self, Evaluated};
use super::beside::Evaluation;
use super::facts::ABSENT;
use super::record::Record;
use super::table::{cell, row};
use crate::card::{Claims, Contradiction, quote, render_claims_block, render_front_matter};
use crate::manifest::DatasetManifest;
use crate::provenance::InternalParameters;
use serde_json::Value;

/// What a card tells.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The plan.
    pub plan: &'a Value,
    /// What the machine added to it.
    pub machine: &'a InternalParameters,
    /// What is claimed.
    pub claims: &'a Claims,
    /// Where every token came from.
    pub record: &'a DatasetManifest,
    /// The first and the last evaluation on held-out text, where there were any.
    pub evaluations: Option<(Evaluation, Evaluation)>,
    /// The evaluation runs on public benchmarks.
    pub benchmarks: &'a [Evaluated],
}

impl<'a> Told<'a> {
    /// What a signed record tells.
    pub fn of(record: &'a Record<'a>) -> Self {
        Self {
            plan: record.plan(),
            machine: &record.run.predicate.build_definition.internal_parameters,
            claims: &record.claims,
            record: &record.data.predicate,
            evaluations: record.evaluations(),
            benchmarks: &record.beside.benchmarks,
        }
    }

    fn text(&self, pointer: &str) -> Option<&'a str> {
        self.plan.pointer(pointer).and_then(Value::as_str)
    }
}

/// Writes the card: front matter, claims, and what else is recorded.
pub fn render(told: &Told<'_>) -> String {
    let name = told.text("/student/name").unwrap_or("student");
    let mut parts = vec![front_matter(told), format!("\n# {name}\n"), render_claims_block(told.claims)];
    parts.extend(sections(told).into_iter().map(|(_, text)| text));
    parts.push(if told.benchmarks.is_empty() { LIMITS } else { LIMITS_WITH_BENCHMARKS }.to_owned());
    parts.join("\n")
}

/// The sections that a card lacks, whose maker is free to leave them out of one that is signed.
pub(super) fn absent_sections(card: &str, told: &Told<'_>) -> Vec<Contradiction> {
    let absent = sections(told).into_iter().filter(|(title, _)| named(card, title).is_empty());
    let of = |(title, recorded): (&str, String)| Contradiction {
        field: format!("section {title}"),
        stated: "nothing".to_owned(),
        recorded: first_difference(&recorded, ""),
    };
    absent.map(of).collect()
}

/// The sections of a card that say something else than the record.
pub(super) fn off_sections(card: &str, told: &Told<'_>) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let recorded = front_matter(told);
    let link = |text: &str| text.lines().find_map(|line| line.strip_prefix(LINK)).map(str::to_owned);
    if let (Some(stated), Some(recorded)) = (link(card), link(&recorded).or_else(|| Some(ABSENT.to_owned())))
        && stated != recorded
    {
        found.push(Contradiction { field: LINK.trim_end_matches(": ").to_owned(), stated, recorded });
    }
    for (title, recorded) in sections(told) {
        for stated in named(card, title) {
            if stated.trim() != recorded.trim() {
                found.push(Contradiction {
                    field: format!("section {title}"),
                    stated: first_difference(stated, &recorded),
                    recorded: first_difference(&recorded, stated),
                });
            }
        }
    }
    found
}

const LINK: &str = "license_link: ";

const LIMITS: &str = "\
## Limits

What is stated above, in the front matter, between the two marks and in the sections, is checked by `stillmark verify` against the
signed record. The numbers say how near this student is to its teacher on text of the same kind, and nothing else: its other
behavior was not evaluated. Not recorded: energy, carbon, evaluation on public benchmarks.
";

const LIMITS_WITH_BENCHMARKS: &str = "\
## Limits

What is stated above, in the front matter, between the two marks and in the sections, is checked by `stillmark verify` against the
signed record. A score says how the student answered those records by that recipe; that it was this student that answered takes a spot
check, or a gateway's receipts. Not recorded: energy, carbon.
";

fn front_matter(told: &Told<'_>) -> String {
    let text = render_front_matter(told.claims);
    let mut text = text.strip_suffix("---\n").unwrap_or(&text).to_owned();
    if let Some(link) = told.text("/publisher/license_url") {
        text = format!("{text}{LINK}{}\n", quote(link));
    }
    // What is exported is the layout of that library.
    text.push_str("library_name: transformers\n---\n");
    text
}

fn sections(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let mut sections =
        vec![("Sources", sources(told.record)), ("Terms", terms(told.record)), ("Recipe", recipe(told))];
    if let Some((before, after)) = &told.evaluations {
        sections.push(("Held-out evaluation", evaluation(before, after)));
    }
    sections.extend(benchmarks::section(told.benchmarks).map(|text| ("Benchmarks", text)));
    sections
}

/// The sections of a card under that title, each up to the next.
fn named<'a>(card: &'a str, title: &str) -> Vec<&'a str> {
    let head = format!("## {title}\n");
    let starts: Vec<usize> = card
        .match_indices("## ")
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || card[..*at].ends_with('\n'))
        .chain([card.len()])
        .collect();
    let pairs = starts.windows(2).map(|pair| &card[pair[0]..pair[1]]);
    pairs.filter(|section| section.starts_with(&head)).collect()
}

/// The first line of a text that the other does not have in its place.
fn first_difference(text: &str, other: &str) -> String {
    let mut others = other.trim().lines();
    let line = text.trim().lines().find(|line| others.next() != Some(*line));
    line.unwrap_or("nothing more").to_owned()
}

fn sources(record: &DatasetManifest) -> String {
    let mut lines = vec![
        "## Sources\n".to_owned(),
        "| source | teacher | prompts or texts | terms | rows | tokens | share |".to_owned(),
    ];
    lines.push("|---|---|---|---|---|---|---|".to_owned());
    for source in &record.sources {
        let teacher = source.teacher.as_ref().map_or("none", |teacher| teacher.name.as_str());
        let origin = source.prompts.as_ref().map_or("not recorded", |prompts| prompts.origin.as_str());
        let terms: Vec<&str> = source.terms.iter().map(|terms| terms.id.as_str()).collect();
        let terms = if terms.is_empty() { "not recorded".to_owned() } else { terms.join(", ") };
        lines.push(format!(
            "| {} | {} | {} | {terms} | {} | {} | {:.1} % |",
            cell(&source.id),
            cell(teacher),
            cell(origin),
            source.rows,
            source.tokens,
            source.share * 100.0
        ));
    }
    for source in &record.sources {
        if let Some(mark) = &source.watermark {
            let (id, scheme, key) = (&source.id, &mark.scheme, mark.key_commitment);
            lines.push(format!(
                "\nThe answers of {id} carry the watermark `{scheme}` (key commitment sha256:{key})."
            ));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn terms(record: &DatasetManifest) -> String {
    let mut lines = vec![format!("## Terms\n\nVerdict on the plan: {}.\n", record.verdict.as_str())];
    for duty in &record.duties {
        lines.push(format!("- {} (`{}`, {})", duty.text, duty.terms, duty.clause));
    }
    for accepted in &record.accepted {
        lines.push(format!(
            "- `{}` was accepted by {} on {}: {}",
            accepted.ask, accepted.person, accepted.date, accepted.reason
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn recipe(told: &Told<'_>) -> String {
    let machine = told.machine;
    let train = |key: &str| told.plan.pointer(&format!("/train/{key}")).map(Value::to_string);
    let losses = told.plan.pointer("/train/losses").and_then(Value::as_array);
    let losses = losses.map(|all| {
        let names: Vec<&str> = all.iter().filter_map(|loss| loss["name"].as_str()).collect();
        names.join(", ")
    });
    let rows = [
        ("losses", losses),
        ("steps", train("steps")),
        ("training tokens", train("tokens")),
        ("learning rate", train("lr")),
        ("seed", Some(machine.seed.to_string())),
        ("precision", Some(machine.precision.clone())),
        ("machine", Some(format!("{} threads, {}", machine.threads, machine.isa))),
        ("supplier", told.text("/publisher/supplier").map(str::to_owned)),
        ("contact", told.text("/publisher/contact").map(str::to_owned)),
        ("released", told.text("/publisher/released").map(str::to_owned)),
    ];
    let mut lines = vec!["## Recipe\n\n| | |\n|---|---|".to_owned()];
    lines.extend(rows.iter().filter_map(|(name, value)| Some(row(name, value.as_ref()?))));
    lines.push(String::new());
    lines.join("\n")
}

fn evaluation(before: &Evaluation, after: &Evaluation) -> String {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("not recorded".to_owned(), |x| format!("{x:.digits$}"))
    };
    let percent =
        |value: Option<f64>| value.map_or("not recorded".to_owned(), |x| format!("{:.1} %", x * 100.0));
    format!(
        "## Held-out evaluation\n\nOn {} positions of the record that were never trained on.\n\n\
         | | before training | after |\n|---|---|---|\n\
         | top-1 agreement with the teacher | {} | {} |\n| KL(teacher, student), nats | {} | {} |\n\
         | perplexity (the teacher's: {}) | {} | {} |\n",
        after.rows,
        percent(before.agreement),
        percent(after.agreement),
        number(before.kl, 3),
        number(after.kl, 3),
        number(after.teacher_perplexity, 2),
        number(before.perplexity, 2),
        number(after.perplexity, 2),
    )
}
