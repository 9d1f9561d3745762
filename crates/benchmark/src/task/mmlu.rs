//! MMLU: 57 subjects in four categories.

use super::metric::Metric;
use super::recipe::{Group, Output, Sampler, ShotSource, Task};
use super::template::Template;

/// The groups, each after those within it.
pub(super) const GROUPS: [&str; 5] =
    ["mmlu_stem", "mmlu_other", "mmlu_social_sciences", "mmlu_humanities", "mmlu"];

/// The subjects of each category, in the harness's order.
const CATEGORIES: [(&str, &[&str]); 4] = [
    (
        "stem",
        &[
            "abstract_algebra",
            "anatomy",
            "astronomy",
            "college_biology",
            "college_chemistry",
            "college_computer_science",
            "college_mathematics",
            "college_physics",
            "computer_security",
            "conceptual_physics",
            "electrical_engineering",
            "elementary_mathematics",
            "high_school_biology",
            "high_school_chemistry",
            "high_school_computer_science",
            "high_school_mathematics",
            "high_school_physics",
            "high_school_statistics",
            "machine_learning",
        ],
    ),
    (
        "other",
        &[
            "business_ethics",
            "clinical_knowledge",
            "college_medicine",
            "global_facts",
            "human_aging",
            "management",
            "marketing",
            "medical_genetics",
            "miscellaneous",
            "nutrition",
            "professional_accounting",
            "professional_medicine",
            "virology",
        ],
    ),
    (
        "social_sciences",
        &[
            "econometrics",
            "high_school_geography",
            "high_school_government_and_politics",
            "high_school_macroeconomics",
            "high_school_microeconomics",
            "high_school_psychology",
            "human_sexuality",
            "professional_psychology",
            "public_relations",
            "security_studies",
            "sociology",
            "us_foreign_policy",
        ],
    ),
    (
        "humanities",
        &[
            "formal_logic",
            "high_school_european_history",
            "high_school_us_history",
            "high_school_world_history",
            "international_law",
            "jurisprudence",
            "logical_fallacies",
            "moral_disputes",
            "moral_scenarios",
            "philosophy",
            "prehistory",
            "professional_law",
            "world_religions",
        ],
    ),
];

/// The task of a subject.
pub(super) fn task(subject: &str) -> Option<Task> {
    let known = subjects().any(|known| known == subject);
    known.then(|| Task {
        name: format!("mmlu_{subject}"),
        alias: subject.to_owned(),
        benchmark: "mmlu",
        subset: subject.to_owned(),
        split: "test",
        version: "1.0",
        description: format!(
            "The following are multiple choice questions (with answers) about {}.\n\n",
            subject.replace('_', " ")
        ),
        template: Template::Lettered,
        doc_to_text: "{{question.strip()}}\nA. {{choices[0]}}\nB. {{choices[1]}}\nC. {{choices[2]}}\nD. {{choices[3]}}\nAnswer:",
        doc_to_choice: "[\"A\", \"B\", \"C\", \"D\"]",
        delimiter: " ",
        shot_source: ShotSource::Split("dev"),
        sampler: Sampler::FirstN,
        default_shots: 0,
        shots_fixed: false,
        output: Output::Choices { metrics: vec![Metric::Accuracy] },
    })
}

/// `mmlu` or one of its four categories.
pub(super) fn group(name: &str) -> Option<Group> {
    let alias = name.strip_prefix("mmlu_").unwrap_or(name).replace('_', " ");
    let members = if name == "mmlu" {
        CATEGORIES.iter().map(|(category, _)| format!("mmlu_{category}")).collect()
    } else {
        let category = name.strip_prefix("mmlu_")?;
        let (_, subjects) = CATEGORIES.iter().find(|(known, _)| *known == category)?;
        subjects.iter().map(|subject| format!("mmlu_{subject}")).collect()
    };
    Some(Group { name: name.to_owned(), members, metric: "acc", filter: "none", alias, version: "2" })
}

/// All subjects, category by category.
pub(super) fn subjects() -> impl Iterator<Item = &'static str> {
    CATEGORIES.into_iter().flat_map(|(_, subjects)| subjects.iter().copied())
}
