//! Claims in prose: "76.4% on GSM8K", "acc 0.7642 ± 0.0041 on mmlu 5-shot, 67.1 pass@1 humaneval".

use regex::Regex;

use super::Printed;
use super::grain::Scale;

/// What kind of score is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Each item is right or wrong.
    RightOrWrong,
    /// Items may be partly right (TruthfulQA mc2, F1, BLEU): no count of items stands behind the mean.
    Graded,
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The clause it stands in.
    pub text: String,
    /// The number.
    pub value: Printed,
    /// How it is scaled.
    pub scale: Scale,
    /// The stated standard error, on the same scale.
    pub stderr: Option<Printed>,
    /// The benchmark, spelled as the registry does.
    pub benchmark: Option<&'static str>,
    /// What kind of score it is.
    pub metric: Metric,
    /// Worked examples.
    pub shots: Option<u64>,
}

/// Benchmarks by what they are called, letters and digits only; the longest that is found counts.
const NAMES: [(&str, &str); 20] = [
    ("massivemultitasklanguageunderstanding", "mmlu"),
    ("mmlu", "mmlu"),
    ("gsm8k", "gsm8k"),
    ("gradeschoolmath", "gsm8k"),
    ("arcchallenge", "arc_challenge"),
    ("arcc", "arc_challenge"),
    ("aichallenge", "arc_challenge"),
    ("arceasy", "arc_easy"),
    ("arce", "arc_easy"),
    ("hellaswag", "hellaswag"),
    ("truthfulqa", "truthfulqa"),
    ("tqa", "truthfulqa"),
    ("humaneval", "humaneval"),
    ("bbh", "bbh"),
    ("bigbenchhard", "bbh"),
    // Other benchmarks whose names hold one of these.
    ("mmlupro", ""),
    ("mmluredux", ""),
    ("humanevalplus", ""),
    ("cmmlu", ""),
    ("mmmlu", ""),
];

/// Scores that are no share of right items.
const GRADED: [&str; 7] = ["mc2", "f1", "bleu", "rouge", "perplexity", "byte", "brier"];

/// Reads all claims of a text, clause by clause: clauses end at `;`, at a line's end, and at `,` or `and` before the next number
/// or name.
pub fn parse(text: &str) -> Vec<Stated> {
    let (Ok(clauses), Ok(numbers)) = (Regex::new(r"(?i)[;\n]|,\s+|\s+and\s+|\s+vs\.?\s+"), number_pattern())
    else {
        return Vec::new();
    };
    clauses.split(text).filter_map(|clause| stated(clause.trim(), &numbers)).collect()
}

fn number_pattern() -> Result<Regex, regex::Error> {
    Regex::new(
        r"(?xi)
        (?P<shots> \d+ \s* -? \s* shots? \b)
        | (?P<named> [a-z@=_/\-]+ \d [\w@.\-]* | \d+(?:\.\d+)? [a-z_] [\w\-]*)
        | (?P<stderr> (?: ± | \+/?- | \\pm | \(\s*(?:se|stderr)\s*=? ) \s* \d*\.?\d+ )
        | (?P<value> \d+(?:\.\d+)? | \.\d+ ) \s* (?P<percent> % | percent\b )?",
    )
}

fn stated(clause: &str, numbers: &Regex) -> Option<Stated> {
    let (mut value, mut stderr, mut shots) = (None, None, None);
    for found in numbers.captures_iter(clause) {
        let digits = |name: &str| {
            let found = found.name(name)?.as_str();
            let start = found.find(|character: char| character.is_ascii_digit() || character == '.')?;
            let rest = &found[start..];
            let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.');
            Printed::parse(&rest[..end.unwrap_or(rest.len())])
        };
        if let Some(number) = digits("shots") {
            shots = Some(number.digits);
        } else if let Some(number) = digits("stderr") {
            stderr = stderr.or(Some(number));
        } else if let (Some(number), None) = (digits("value"), value) {
            value = Some((number, found.name("percent").is_some()));
        }
    }
    let (value, percent) = value?;
    let scale = if percent || value.value() > 1.0 { Scale::Percent } else { Scale::Fraction };
    let lower = clause.to_lowercase();
    let metric =
        if GRADED.iter().any(|word| lower.contains(word)) { Metric::Graded } else { Metric::RightOrWrong };
    Some(Stated {
        text: clause.to_owned(),
        value,
        scale,
        stderr,
        benchmark: benchmark(&lower),
        metric,
        shots,
    })
}

fn benchmark(lower: &str) -> Option<&'static str> {
    let letters: String =
        lower.chars().filter(|character| character.is_alphanumeric() || *character == '+').collect();
    let letters = letters.replace('+', "plus");
    let found = NAMES.iter().filter(|(name, _)| letters.contains(name)).max_by_key(|(name, _)| name.len());
    found.map(|&(_, benchmark)| benchmark).filter(|benchmark| !benchmark.is_empty())
}
