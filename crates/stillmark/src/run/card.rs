//! The model card, from recorded facts only.

use stillmark_distill::metrics::EvaluationRecord;
use stillmark_evidence::card::{Claims, render_claims_block, render_front_matter};
use stillmark_evidence::manifest::DatasetManifest;

/// What the card tells.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The student's published name.
    pub(crate) name: &'a str,
    /// What verification will hold the card to.
    pub(crate) claims: &'a Claims,
    /// Where every token came from.
    pub(crate) record: &'a DatasetManifest,
    /// The first and the last evaluation on held-out text, where there were any.
    pub(crate) evaluations: Option<(EvaluationRecord, EvaluationRecord)>,
}

/// Writes the card: front matter, claims, and what else is recorded.
pub(crate) fn render(facts: &Facts<'_>) -> String {
    let mut parts = vec![
        render_front_matter(facts.claims),
        format!("\n# {}\n", facts.name),
        render_claims_block(facts.claims),
        sources(facts.record),
        duties(facts.record),
    ];
    if let Some((before, after)) = &facts.evaluations {
        parts.push(evaluation(before, after));
    }
    parts.push(LIMITS.to_owned());
    parts.join("\n")
}

const LIMITS: &str = "\
## Limits

What is stated above between the two marks and in the front matter is checked by `stillmark verify` against the signed record.
The numbers say how near this student is to its teacher on text of the same kind, and nothing else: its other behavior was not
evaluated. Not recorded: energy, carbon, evaluation on public benchmarks.
";

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
            "| {} | {teacher} | {origin} | {terms} | {} | {} | {:.1} % |",
            source.id,
            source.rows,
            source.tokens,
            source.share * 100.0
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn duties(record: &DatasetManifest) -> String {
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

fn evaluation(before: &EvaluationRecord, after: &EvaluationRecord) -> String {
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
