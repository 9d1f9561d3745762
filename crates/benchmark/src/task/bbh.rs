//! BIG-Bench Hard: 27 subsets in four variants.

use super::filter::{EmptyMatch, Extract, Filter};
use super::metric::{Letters, Metric};
use super::pattern::{Pattern, Pick};
use super::recipe::{Generation, Group, Output, Sampler, ShotSource, Task};
use super::template::{Target, Template};
use crate::Error;
use crate::record::{Answer, Record};

/// The groups; `bbh` is another name of the worked few-shot one.
pub(super) const GROUPS: [&str; 5] =
    ["bbh", "bbh_cot_fewshot", "bbh_cot_zeroshot", "bbh_fewshot", "bbh_zeroshot"];

/// How the flexible filter of a subset reads an answer.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Match(&'static str),
    Brackets,
    Letter,
    Number,
    Mapped([(&'static str, &'static str); 2], &'static str),
    Words,
}

const TRUTH: Kind = Kind::Match(r"\b(True|False)\b");
const YES_NO: Kind = Kind::Match(r"\b(Yes|No|yes|no)\b");
const BRACKETS: &str = r#"(?<= )([" \[\(<{}>\)\]]+)|([" \[\(<{}>\)\]]+)"#;
/// What [`BRACKETS`] comes to: a run of these characters never begins after a space, since the space is one of them.
const ANY_BRACKETS: &str = r#"([" \[\(<{}>\)\]]+)"#;
const VALID: Kind = Kind::Match(r"\b(valid|invalid)\b");
const PLAUSIBLE: Kind = Kind::Mapped(
    [(r"\b(no|not plausible)\b", "no"), (r"\b(yes|plausible)\b", "yes")],
    r"\b(no|not plausible)\b|\b(yes|plausible)\b",
);
const TELLS_TRUTH: Kind = Kind::Mapped(
    [
        (r"\b(no|does not tell the truth|is not telling the truth)\b", "no"),
        (r"\b(yes|tells the truth|is telling the truth)\b", "yes"),
    ],
    r"\b(no|does not tell the truth|is not telling the truth)\b|\b(yes|tells the truth|is telling the truth)\b",
);

const DEDUCTION: &str =
    "A logical deduction task which requires deducing the order of a sequence of objects.";
const SHUFFLED: &str = "A task requiring determining the final positions of a set of objects given their initial positions and a \
    description of a sequence of swaps.";
const SARCASM: &str = "Determine which of two sentences is sarcastic.\n\nAccording to Cambridge University Dictionary, sarcasm is \
    \"the use of remarks that clearly mean the opposite of what they say, made in order to hurt someone's feelings or to criticize \
    something in a humorous way.\" Sarcastic sentences often contain satirical or ironic utterances, hyperboles, ambivalent or witty \
    remarks.";

/// Each subset, the sentence that introduces it in its own `cot-prompts` file (suzgunmirac/BIG-Bench-Hard), and how its answers look.
const SUBSETS: [(&str, &str, Kind); 27] = [
    ("boolean_expressions", "Evaluate the result of a random Boolean expression.", TRUTH),
    ("causal_judgement", "Answer questions about causal attribution.", YES_NO),
    ("date_understanding", "Infer the date from context.", Kind::Letter),
    ("disambiguation_qa", "Clarify the meaning of sentences with ambiguous pronouns.", Kind::Letter),
    ("dyck_languages", "Correctly close a Dyck-n word.", Kind::Brackets),
    ("formal_fallacies", "Distinguish deductively valid arguments from formal fallacies.", VALID),
    ("geometric_shapes", "Name geometric shapes from their SVG paths.", Kind::Letter),
    ("hyperbaton", "Order adjectives correctly in English sentences.", Kind::Letter),
    ("logical_deduction_five_objects", DEDUCTION, Kind::Letter),
    ("logical_deduction_seven_objects", DEDUCTION, Kind::Letter),
    ("logical_deduction_three_objects", DEDUCTION, Kind::Letter),
    ("movie_recommendation", "Recommend movies similar to the given list of movies.", Kind::Letter),
    ("multistep_arithmetic_two", "Solve multi-step arithmetic problems.", Kind::Number),
    (
        "navigate",
        "Given a series of navigation instructions, determine whether one would end up back at the starting point.",
        YES_NO,
    ),
    (
        "object_counting",
        "Questions that involve enumerating objects and asking the model to count them.",
        Kind::Number,
    ),
    ("penguins_in_a_table", "Answer questions about a table of penguins and their attributes.", Kind::Letter),
    (
        "reasoning_about_colored_objects",
        "Answer extremely simple questions about the colors of objects on a surface.",
        Kind::Letter,
    ),
    (
        "ruin_names",
        "Select the humorous edit that 'ruins' the input movie or musical artist name.",
        Kind::Letter,
    ),
    (
        "salient_translation_error_detection",
        "Detect the type of error in an English translation of a German source sentence.",
        Kind::Letter,
    ),
    ("snarks", SARCASM, Kind::Letter),
    (
        "sports_understanding",
        "Determine whether an artificially constructed sentence relating to sports is plausible or not.",
        PLAUSIBLE,
    ),
    (
        "temporal_sequences",
        "Task description: Answer questions about which times certain events could have occurred.",
        Kind::Letter,
    ),
    ("tracking_shuffled_objects_five_objects", SHUFFLED, Kind::Letter),
    ("tracking_shuffled_objects_seven_objects", SHUFFLED, Kind::Letter),
    ("tracking_shuffled_objects_three_objects", SHUFFLED, Kind::Letter),
    ("web_of_lies", "Evaluate a random boolean function expressed as a word problem.", TELLS_TRUTH),
    ("word_sorting", "Sort a list of words.", Kind::Words),
];

/// The four ways in which the harness asks BIG-Bench Hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    Zeroshot,
    Fewshot,
    CotZeroshot,
    CotFewshot,
}

const VARIANTS: [(&str, Variant); 4] = [
    ("bbh_zeroshot_", Variant::Zeroshot),
    ("bbh_fewshot_", Variant::Fewshot),
    ("bbh_cot_zeroshot_", Variant::CotZeroshot),
    ("bbh_cot_fewshot_", Variant::CotFewshot),
];

/// A task of the four families.
pub(super) fn task(name: &str) -> Option<Task> {
    let (prefix, variant) = VARIANTS.into_iter().find(|(prefix, _)| name.starts_with(prefix))?;
    let subset = name.strip_prefix(prefix)?;
    let (_, description, kind) = SUBSETS.into_iter().find(|(known, ..)| *known == subset)?;
    let zeroshot = matches!(variant, Variant::Zeroshot | Variant::CotZeroshot);
    let (after, doc_to_text) = match variant {
        Variant::Zeroshot | Variant::Fewshot => ("\nA:", "Q: {{input}}\nA:"),
        Variant::CotZeroshot => {
            ("\nA: Let's think step by step.", "Q: {{input}}\nA: Let's think step by step.")
        }
        Variant::CotFewshot => {
            ("\nA: Let's think step by step.\n", "Q: {{input}}\nA: Let's think step by step.\n")
        }
    };
    Some(Task {
        name: name.to_owned(),
        alias: name.to_owned(),
        benchmark: "bbh",
        subset: subset.to_owned(),
        split: "test",
        version: match variant {
            Variant::Zeroshot | Variant::CotZeroshot => "3.0",
            Variant::Fewshot => "2.0",
            Variant::CotFewshot => "4.0",
        },
        description: format!("{description}\n\n"),
        template: Template::Around { before: "Q: ", after, target: Target::Whole },
        doc_to_text,
        doc_to_choice: "",
        delimiter: if variant == Variant::CotFewshot { "" } else { " " },
        shot_source: if zeroshot { ShotSource::Fixed(Vec::new()) } else { ShotSource::CotPrompts },
        sampler: Sampler::FirstN,
        default_shots: if zeroshot { 0 } else { 3 },
        shots_fixed: zeroshot,
        output: output(variant, kind),
    })
}

/// What a variant asks for and how it is scored.
fn output(variant: Variant, kind: Kind) -> Output {
    let whole = |name| Filter { name, extract: Extract::Whole };
    let flexible = |pick| Filter { name: "flexible-extract", extract: extract(kind, pick) };
    let filters = match variant {
        Variant::Zeroshot => vec![whole("strict-match"), flexible(Pick::First)],
        Variant::Fewshot => vec![whole("none")],
        Variant::CotZeroshot => vec![flexible(Pick::Last), strict()],
        Variant::CotFewshot => vec![Filter {
            name: "get-answer",
            extract: Extract::After {
                phrases: &["the answer is "],
                source: "(?<=the answer is )(.*)(?=.)",
                empty_is_nothing: EmptyMatch::Answer,
            },
        }],
    };
    let metric = match variant {
        Variant::Zeroshot => {
            Metric::ExactMatch { removed: &[r"\.$", ",", "\n", r"\\", "\""], letters: Letters::CaseIgnored }
        }
        Variant::CotZeroshot => {
            Metric::ExactMatch { removed: &[r"\.$", ",", r"\\", "\n", "\""], letters: Letters::CaseIgnored }
        }
        Variant::Fewshot | Variant::CotFewshot => {
            Metric::ExactMatch { removed: &[], letters: Letters::Exact }
        }
    };
    let fewshot = matches!(variant, Variant::Fewshot | Variant::CotFewshot);
    let generation = Generation {
        until: if fewshot { &["</s>", "Q", "\n\n"] } else { &["</s>", "Q:", "<|im_end|>"] },
        max_gen_toks: (variant == Variant::CotFewshot).then_some(1024),
        states_temperature: true,
    };
    Output::Text { generation, filters, metric }
}

fn strict() -> Filter {
    Filter {
        name: "strict-match",
        extract: Extract::After {
            phrases: &["The answer is ", "the answer is ", "The answer: ", "The final answer: "],
            source: "((?<=The answer is )(.*)(?=.)|(?<=the answer is )(.*)(?=.)|(?<=The answer: )(.*)(?=.)|\
                (?<=The final answer: )(.*)(?=.))",
            empty_is_nothing: EmptyMatch::Nothing,
        },
    }
}

fn extract(kind: Kind, pick: Pick) -> Extract {
    match kind {
        Kind::Match(source) => Extract::Match(Pattern::new(source), pick),
        Kind::Brackets => Extract::Match(Pattern::equal(BRACKETS, ANY_BRACKETS), pick),
        Kind::Letter => Extract::Letter(Pattern::new(r"(\([A-Z]\))"), pick),
        Kind::Number => Extract::Number(Pattern::new("([-0-9]+)"), pick),
        Kind::Mapped(values, whole) => Extract::Mapped(
            Pattern::new(whole),
            pick,
            values.map(|(pattern, value)| (Pattern::new(pattern), value)).to_vec(),
        ),
        Kind::Words => Extract::Words,
    }
}

/// The group of a variant, and `bbh`, which is the worked few-shot one.
pub(super) fn group(name: &str) -> Option<Group> {
    let prefix = match name {
        "bbh" => "bbh_cot_fewshot_".to_owned(),
        other => format!("{other}_"),
    };
    let (_, variant) = VARIANTS.into_iter().find(|(known, _)| *known == prefix)?;
    let filter = match variant {
        Variant::Zeroshot | Variant::CotZeroshot => "flexible-extract",
        Variant::Fewshot => "none",
        Variant::CotFewshot => "get-answer",
    };
    Some(Group {
        name: name.to_owned(),
        members: SUBSETS.iter().map(|(subset, ..)| format!("{prefix}{subset}")).collect(),
        metric: "exact_match",
        filter,
        alias: name.to_owned(),
        version: "3.0",
    })
}

/// The names of all tasks.
pub(super) fn names() -> impl Iterator<Item = String> {
    VARIANTS
        .into_iter()
        .flat_map(|(prefix, _)| SUBSETS.iter().map(move |(subset, ..)| format!("{prefix}{subset}")))
}

/// Where a copy of BIG-Bench Hard holds the worked examples of a subset, from the folder of its repository.
pub fn cot_prompts(subset: &str) -> String {
    format!("cot-prompts/{subset}.txt")
}

/// The three examples that a task shows, read from the benchmark's own `cot-prompts` file of the subset: the worked ones for
/// `bbh_cot_fewshot`, bare answers for `bbh_fewshot`.
pub fn shots_of_cot_prompts(task: &Task, text: &str) -> Result<Vec<Record>, Error> {
    let refuse = |problem: &str| Error::Malformed {
        format: "cot-prompts file",
        at: format!("subset `{}`", task.subset),
        problem: problem.to_owned(),
    };
    let worked = task.delimiter.is_empty();
    let text = text.replace("\r\n", "\n");
    let (_, body) = text.split_once("-----\n").ok_or_else(|| refuse("no line `-----` after the canary"))?;
    let mut shots = Vec::with_capacity(3);
    for part in body.split("\n\nQ: ").skip(1) {
        let (question, answer) = part
            .split_once("\nA: Let's think step by step.")
            .ok_or_else(|| refuse("a question without `A: Let's think step by step.`"))?;
        let answer = answer.trim_start().trim_end_matches('\n');
        let bare = answer.rsplit("So the answer is ").next().unwrap_or(answer).trim_end_matches('.');
        let gold = if worked { answer } else { bare };
        let answer = Answer::Open { gold: gold.to_owned() };
        shots.push(Record { context: None, question: question.to_owned(), answer });
    }
    if shots.len() == 3 { Ok(shots) } else { Err(refuse("not three worked examples")) }
}
