//! The tasks that are known, by the harness's names.

use super::filter::{Extract, Filter};
use super::fixed::{TRUTHFUL_BEFORE, chain_of_thought};
use super::metric::{Letters, Metric};
use super::pattern::{Pattern, Pick};
use super::recipe::{Generation, Group, Output, Sampler, ShotSource, Task};
use super::template::{Target, Template};
use super::{bbh, mmlu};

/// The version of lm-evaluation-harness whose recipes these are.
pub const HARNESS_VERSION: &str = "0.4.13";

const GSM8K_EXACT: Metric =
    Metric::ExactMatch { removed: &[",", r"\$", "(?s).*#### ", r"\.$"], letters: Letters::CaseIgnored };

const GSM8K_UNTIL: &[&str] = &["Question:", "</s>", "<|im_end|>"];
const COT_UNTIL: &[&str] = &["Q:", "</s>", "<|im_end|>"];

/// The tasks outside of the two large families.
const SINGLE: [&str; 9] = [
    "arc_challenge",
    "arc_easy",
    "gsm8k",
    "gsm8k_cot",
    "gsm8k_cot_zeroshot",
    "hellaswag",
    "humaneval",
    "truthfulqa_mc1",
    "truthfulqa_mc2",
];

/// The task of this name.
pub fn find(name: &str) -> Option<Task> {
    match name {
        "arc_challenge" | "arc_easy" => Some(arc(name)),
        "gsm8k" => Some(gsm8k()),
        "gsm8k_cot" => Some(gsm8k_cot()),
        "gsm8k_cot_zeroshot" => Some(gsm8k_cot_zeroshot()),
        "hellaswag" => Some(hellaswag()),
        "humaneval" => Some(humaneval()),
        "truthfulqa_mc1" => Some(truthful(name, "{{mc1_targets.choices}}", "2.0", Metric::Accuracy)),
        "truthfulqa_mc2" => Some(truthful(name, "{{mc2_targets.choices}}", "3.0", Metric::TrueMass)),
        other => other.strip_prefix("mmlu_").and_then(mmlu::task).or_else(|| bbh::task(other)),
    }
}

/// The group of this name: `mmlu`, one of its categories, `bbh` or one of its variants.
pub fn group(name: &str) -> Option<Group> {
    mmlu::group(name).or_else(|| bbh::group(name))
}

/// The names of all groups, each after those within it.
pub fn group_names() -> Vec<&'static str> {
    mmlu::GROUPS.into_iter().chain(bbh::GROUPS).collect()
}

/// The names of all tasks.
pub fn names() -> Vec<String> {
    let single = SINGLE.map(str::to_owned).into_iter();
    single.chain(mmlu::subjects().map(|subject| format!("mmlu_{subject}"))).chain(bbh::names()).collect()
}

/// A task that has no subsets, asked on its test part, with no examples of its own.
fn plain(name: &str, benchmark: &'static str, template: Template, output: Output) -> Task {
    Task {
        name: name.to_owned(),
        alias: name.to_owned(),
        benchmark,
        subset: benchmark.to_owned(),
        split: "test",
        version: "1.0",
        description: String::new(),
        template,
        doc_to_text: "Question: {{question}}\nAnswer:",
        doc_to_choice: "",
        delimiter: " ",
        shot_source: ShotSource::Split("train"),
        sampler: Sampler::Random,
        default_shots: 0,
        shots_fixed: false,
        output,
    }
}

fn choices(metrics: Vec<Metric>) -> Output {
    Output::Choices { metrics }
}

fn arc(name: &str) -> Task {
    let template = Template::Around { before: "Question: ", after: "\nAnswer:", target: Target::Index };
    let benchmark = if name == "arc_easy" { "arc_easy" } else { "arc_challenge" };
    let output = choices(vec![Metric::Accuracy, Metric::AccuracyNorm]);
    Task { doc_to_choice: "{{choices.text}}", ..plain(name, benchmark, template, output) }
}

fn hellaswag() -> Task {
    let template = Template::Around { before: "", after: "", target: Target::Index };
    let output = choices(vec![Metric::Accuracy, Metric::AccuracyNorm]);
    Task {
        split: "validation",
        doc_to_text: "{{query}}",
        doc_to_choice: "choices",
        sampler: Sampler::RandomWithoutOwn,
        ..plain("hellaswag", "hellaswag", template, output)
    }
}

fn truthful(name: &str, doc_to_choice: &'static str, version: &'static str, metric: Metric) -> Task {
    let template = Template::Around { before: TRUTHFUL_BEFORE, after: "\nA:", target: Target::First };
    Task {
        subset: name.trim_start_matches("truthfulqa_").to_owned(),
        split: "validation",
        version,
        doc_to_text: "{{prompt_qa + '\\n\\nQ: ' + question + '\\nA:'}}",
        doc_to_choice,
        shot_source: ShotSource::Fixed(Vec::new()),
        shots_fixed: true,
        ..plain(name, "truthfulqa", template, choices(vec![metric]))
    }
}

fn gsm8k() -> Task {
    let template = Template::Around { before: "Question: ", after: "\nAnswer:", target: Target::Whole };
    let output = worked(GSM8K_UNTIL, gsm8k_filters(r"#### (\-?[0-9\.\,]+)"));
    Task { version: "3.0", default_shots: 5, ..plain("gsm8k", "gsm8k", template, output) }
}

fn gsm8k_cot() -> Task {
    let template = Template::Around { before: "Q: ", after: "\nA:", target: Target::AfterMarks };
    let output = worked(COT_UNTIL, gsm8k_filters(r"The answer is (\-?[0-9\.\,]+)."));
    Task {
        version: "3.0",
        doc_to_text: "Q: {{question}}\nA:",
        shot_source: ShotSource::Fixed(chain_of_thought()),
        sampler: Sampler::FirstN,
        default_shots: 8,
        ..plain("gsm8k_cot", "gsm8k", template, output)
    }
}

fn gsm8k_cot_zeroshot() -> Task {
    let after = "\nA: Let's think step by step.";
    let template = Template::Around { before: "Q: ", after, target: Target::Whole };
    let output = worked(COT_UNTIL, gsm8k_filters(r"The answer is (\-?[0-9\.\,]+)."));
    Task {
        version: "3.0",
        doc_to_text: "Q: {{question}}\nA: Let's think step by step.",
        shots_fixed: true,
        ..plain("gsm8k_cot_zeroshot", "gsm8k", template, output)
    }
}

fn humaneval() -> Task {
    let template = Template::Around { before: "", after: "", target: Target::Program };
    let generation = Generation {
        until: &["\nclass", "\ndef", "\n#", "\nif", "\nprint"],
        max_gen_toks: Some(1024),
        states_temperature: false,
    };
    let filters = vec![Filter { name: "create_test", extract: Extract::Program }];
    let output = Output::Text { generation, filters, metric: Metric::PassAt1 };
    Task {
        doc_to_text: "{{prompt}}",
        shot_source: ShotSource::Fixed(Vec::new()),
        shots_fixed: true,
        ..plain("humaneval", "humaneval", template, output)
    }
}

/// A worked answer, of which two filters take the number.
fn worked(until: &'static [&'static str], filters: Vec<Filter>) -> Output {
    let generation = Generation { until, max_gen_toks: None, states_temperature: until == GSM8K_UNTIL };
    Output::Text { generation, filters, metric: GSM8K_EXACT }
}

fn gsm8k_filters(strict: &'static str) -> Vec<Filter> {
    let flexible = r"(-?[$0-9.,]{2,})|(-?[0-9]+)";
    vec![
        Filter { name: "strict-match", extract: Extract::Match(Pattern::new(strict), Pick::First) },
        Filter { name: "flexible-extract", extract: Extract::Match(Pattern::new(flexible), Pick::Last) },
    ]
}
