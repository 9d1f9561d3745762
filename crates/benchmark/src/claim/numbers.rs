//! The numbers of a clause, and which of them is the score.

use regex::{Captures, Regex};

use super::stated::Count;
use super::{Printed, Unclear};

/// What the numbers of a clause say.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The score.
    pub(super) value: Option<Printed>,
    /// Whether `%` stands behind it.
    pub(super) is_percent: bool,
    /// `k of n`.
    pub(super) count: Option<Count>,
    /// Its standard error.
    pub(super) stderr: Option<Printed>,
    /// Worked examples.
    pub(super) shots: Option<u64>,
}

/// What stands behind a number: nobody writes thousands of percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Percent,
    Nothing,
}

/// A number that may be the score.
struct Candidate {
    written: String,
    printed: Printed,
    is_percent: bool,
    has_stderr: bool,
}

/// Everything that holds digits; the kinds are tried in this order at each place.
pub(super) fn pattern() -> Result<Regex, regex::Error> {
    const NUMBER: &str = r"(?:\d+(?:[.,]\d+)*|[.,]\d+)";
    Regex::new(&format!(
        r"(?xi)
        (?P<shots> \b\d+ \s* -? \s* shots?\b )
        | (?: \b\d+(?:\.\d+)? \s* % \s* -? \s* (?: ci\b | conf\w* ) (?:\s*interval)?
              (?: \s* [:=]? \s* [\[(]? \s* [\d.%]+ \s* (?: - | – | to | , | ; ) \s* [\d.%]+ \s* [\])]? )? )
        | (?: \b(?: n | k | t | temp | temperature | top_?p | top_?k | seeds? | version | shots? | num_fewshot ) \s* = \s* [\d.]+ )
        | (?: \b(?: pass | maj | avg | mean | cons | best | top ) \s* (?: @ | \^ ) \s* \d+ )
        | (?P<count> \b\d+(?:,\d{{3}})* \s* (?: (?: right | correct | solved | passed ) \s* )?
              (?: / | \(? (?:\s*\bout)? \s*\bof\b (?: \s+ (?:the|all)\b )? ) \s* \d+(?:,\d{{3}})* \b )
        | (?: \b\d+ \s* (?: items | problems | questions | tasks | samples | examples | runs | seeds | epochs | parameters | tokens )\b )
        | (?: [a-z@_/\-]+ \d [\w@.\-]* | \d+(?:\.\d+)? [a-z_] [\w\-]* )
        | (?: (?: ± | \+\s*/?\s*- | \\pm | \(? \b(?: se | stderr | standard\s+error )\b \s* (?: = | : | of\b )? )
              \s* (?P<stderr> {NUMBER} ) \s* %? )
        | (?P<value> {NUMBER} ) \s* (?P<percent> % | (?: percent | pct )\b )?"
    ))
}

/// Reads the numbers of a clause.
pub(super) fn read(clause: &str, pattern: &Regex) -> Result<Numbers, Unclear> {
    let mut numbers = Numbers::default();
    let (mut candidates, mut counts): (Vec<Candidate>, Vec<(String, Count)>) = (Vec::new(), Vec::new());
    for found in pattern.captures_iter(clause) {
        let text = |name: &str| found.name(name).map(|found| found.as_str());
        if let Some(shots) = text("shots") {
            let end = shots.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(shots.len());
            numbers.shots = shots[..end].parse().ok();
        } else if let Some(count) = text("count") {
            counts.push((count.to_owned(), read_count(count)?));
        } else if let Some(stderr) = text("stderr") {
            if let Some(before) = candidates.last_mut() {
                before.has_stderr = true;
            }
            numbers.stderr = numbers.stderr.or(decimal(stderr, Behind::Nothing)?);
        } else {
            candidates.extend(candidate(&found)?);
        }
    }
    if let [.., (_, second)] = counts.as_slice()
        && counts[0].1 != *second
    {
        let numbers = counts.into_iter().map(|(written, _)| written).collect();
        return Err(Unclear::Several { clause: clause.to_owned(), numbers });
    }
    numbers.count = counts.first().map(|(_, count)| *count);
    // Beside a count a whole number is part of a name: `Claude 3: 110/164`.
    candidates.retain(|one| numbers.count.is_none() || one.is_marked() || one.printed.decimals > 0);
    if let Some(score) = score(clause, candidates)? {
        (numbers.value, numbers.is_percent) = (Some(score.printed), score.is_percent);
    }
    Ok(numbers)
}

impl Candidate {
    fn is_marked(&self) -> bool {
        self.is_percent || self.has_stderr
    }

    /// Whether two numbers are one, as a fraction and as a percentage.
    fn agrees(&self, other: &Self) -> bool {
        let same = |first: &Self, second: &Self, factor: f64| {
            let off = factor * first.printed.half_unit() + second.printed.half_unit();
            (factor * first.printed.value() - second.printed.value()).abs() <= off
        };
        self.printed == other.printed || same(self, other, 100.0) || same(other, self, 100.0)
    }
}

/// The score: the number with `%` or `±`, else the one with decimals, else the only one.
fn score(clause: &str, candidates: Vec<Candidate>) -> Result<Option<Candidate>, Unclear> {
    let ranks: [fn(&Candidate) -> bool; 3] = [Candidate::is_marked, |one| one.printed.decimals > 0, |_| true];
    for rank in ranks {
        let of_rank: Vec<&Candidate> = candidates.iter().filter(|one| rank(one)).collect();
        let Some(first) = of_rank.first() else { continue };
        if of_rank.iter().all(|one| one.agrees(first)) {
            let at = candidates.iter().position(rank);
            return Ok(at.and_then(|at| candidates.into_iter().nth(at)));
        }
        let numbers = of_rank.iter().map(|one| one.written.clone()).collect();
        return Err(Unclear::Several { clause: clause.to_owned(), numbers });
    }
    Ok(None)
}

fn candidate(found: &Captures<'_>) -> Result<Option<Candidate>, Unclear> {
    let Some(value) = found.name("value").map(|value| value.as_str()) else { return Ok(None) };
    let is_percent = found.name("percent").is_some();
    let behind = if is_percent { Behind::Percent } else { Behind::Nothing };
    let written = if is_percent { format!("{value}%") } else { value.to_owned() };
    let printed = decimal(value, behind)?;
    Ok(printed.map(|printed| Candidate { written, printed, is_percent, has_stderr: false }))
}

fn read_count(text: &str) -> Result<Count, Unclear> {
    let whole = |part: &str| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        digits.parse().map_err(|_| Unclear::Number { number: part.trim().to_owned() })
    };
    let is_digit = |letter: char| letter.is_ascii_digit() || letter == ',';
    let first = text.find(|letter| !is_digit(letter)).unwrap_or(text.len());
    let second = text.rfind(|letter| !is_digit(letter)).map_or(0, |at| at + 1);
    Ok(Count { right: whole(&text[..first])?, items: whole(&text[second..])? })
}

/// Reads a number with a point or a comma before its decimals, or with thousands set off; none where it is a version (`0.4.9`).
fn decimal(text: &str, mark: Behind) -> Result<Option<Printed>, Unclear> {
    let is_grouped = |whole: &str, mark: char| {
        let mut groups = whole.split(mark);
        groups.next().is_some_and(|first| (1..=3).contains(&first.len()))
            && groups.all(|group| group.len() == 3)
    };
    let wrong = || Unclear::Number { number: text.to_owned() };
    let plain = match (text.matches('.').count(), text.matches(',').count()) {
        (2.., 0) => return Ok(None),
        (_, 0) => text.to_owned(),
        (0, 1) => {
            let (whole, behind) = text.split_once(',').ok_or_else(wrong)?;
            if behind.len() == 3 && is_grouped(text, ',') && whole != "0" && mark == Behind::Nothing {
                return Err(Unclear::Comma { number: text.to_owned() });
            }
            format!("{whole}.{behind}")
        }
        (0, _) if is_grouped(text, ',') => text.replace(',', ""),
        (1, _)
            if text
                .rsplit_once('.')
                .is_some_and(|(whole, behind)| is_grouped(whole, ',') && !behind.contains(',')) =>
        {
            text.replace(',', "")
        }
        (_, 1)
            if text
                .rsplit_once(',')
                .is_some_and(|(whole, behind)| is_grouped(whole, '.') && !behind.contains('.')) =>
        {
            text.replace('.', "").replace(',', ".")
        }
        _ => return Err(wrong()),
    };
    Printed::parse(&plain).map(Some).ok_or_else(wrong)
}
