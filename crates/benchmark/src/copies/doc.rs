//! From a row, in whatever layout, to its canonical record.

use super::golds::{self, Spelling, Votes};
use super::hellaswag;
use super::json::{Field, Json};
use super::layout::{self, Choices, HellaSwag, Layout};
use crate::record::{Answer, Record};

/// Why a row gives no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field that is at fault; empty for the row itself.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A record and the part of its benchmark that it belongs to, where a row holds several: `mc1`, `mc2`, `generation`.
pub(super) type Parted = (&'static str, Record);

/// The canonical record of a document as harnesses log it, for a task of the field's name (`mmlu_anatomy`, `truthfulqa_mc2`).
///
/// The same item gives the same record whatever the layout; where a document holds both what its dataset has and what a harness made of
/// it, and the two disagree, the record is what was shown.
pub fn record_of_doc(task: &str, doc: &Json<'_>) -> Result<Record, Fault> {
    let fields = doc.fields().ok_or_else(|| fault("", format!("is {}, not an object", doc.kind())))?;
    let layout = layout_of(fields)?;
    let records = records(&layout, fields, None)?;
    let wanted = ["mc1", "mc2"].into_iter().find(|part| task.contains(part));
    let place = wanted.and_then(|wanted| records.iter().position(|(part, _)| *part == wanted));
    let chosen = records.into_iter().nth(place.unwrap_or_default());
    chosen.map(|(_, record)| record).ok_or_else(|| fault("", "holds no item".to_owned()))
}

/// The layout of a row.
pub(super) fn layout_of(fields: &[Field<'_>]) -> Result<Layout, Fault> {
    let keys: Vec<&str> = fields.iter().map(|(key, _)| key.as_ref()).collect();
    layout::hellaswag(&keys).or_else(|| layout::of(&keys)).ok_or_else(|| unknown(&keys))
}

fn unknown(keys: &[&str]) -> Fault {
    let shown: Vec<String> = keys.iter().take(8).map(|key| format!("`{key}`")).collect();
    fault("", format!("no layout of a benchmark has the fields {}", shown.join(", ")))
}

/// Counts how a row spells its gold, where it may be spelled in several ways.
pub(super) fn vote(layout: &Layout, fields: &[Field<'_>], votes: &mut Votes) {
    let Layout::Choice { choices, gold, .. } = layout else { return };
    let Some((_, gold)) = fields.get(*gold) else { return };
    // A table's cells are compared where they lie.
    if let Choices::Fields(places) = choices {
        let cell = |idx: &usize| fields.get(*idx)?.1.text();
        if let Some(cells) = places.iter().map(cell).collect::<Option<Vec<_>>>() {
            votes.add(gold, &cells);
            return;
        }
    }
    if let Ok((choices, None)) = choices_of(choices, fields) {
        votes.add(gold, &choices);
    }
}

/// The records of a row.
pub(super) fn records(
    layout: &Layout,
    fields: &[Field<'_>],
    spelling: Option<Spelling>,
) -> Result<Vec<Parted>, Fault> {
    let text = |idx: usize| text_at(fields, idx);
    let context_of = |idx: &Option<usize>| -> Result<Option<String>, Fault> {
        let value = idx.and_then(|idx| fields.get(idx)).filter(|(_, value)| *value != Json::Null);
        value.map(|(name, value)| words(name, value)).transpose()
    };
    match layout {
        Layout::Code { prompt, entry_point, solution, test } => {
            let (entry_point, gold) = (text(*entry_point)?, text(*solution)?);
            let answer = Answer::Code { entry_point, gold, test: text(*test)? };
            Ok(whole(None, text(*prompt)?, answer))
        }
        Layout::Targets { question, mc1, mc2 } => targets(text(*question)?, *mc1, *mc2, fields),
        Layout::Answers { question, correct, incorrect } => {
            let mut choices = answers(fields, *correct)?;
            let mut labels = vec![true; choices.len()];
            choices.extend(answers(fields, *incorrect)?);
            labels.resize(choices.len(), false);
            let record = Record {
                context: None,
                question: text(*question)?,
                answer: Answer::Labels { choices, labels },
            };
            Ok(vec![("generation", record)])
        }
        Layout::HellaSwag(places) => hellaswag_record(places, fields),
        Layout::Stem { question, gold } => stem(*question, *gold, fields),
        Layout::Choice { question, choices, gold, context } => {
            let (choices, labels) = choices_of(choices, fields)?;
            let gold = gold_of(&choices, labels.as_deref(), at(fields, *gold)?, spelling)?;
            let question = asked(fields, *question)?;
            Ok(whole(context_of(context)?, question, Answer::Choice { choices, gold }))
        }
        Layout::Open { question, gold, context } => {
            let answer = Answer::Open { gold: text(*gold)? };
            Ok(whole(context_of(context)?, text(*question)?, answer))
        }
    }
}

/// What a row that cannot be read by its layout still shows: the question, the choices, and no gold.
pub(super) fn remains(layout: &Layout, fields: &[Field<'_>]) -> Option<Record> {
    let Layout::Choice { question, choices, .. } = layout else { return None };
    let (choices, _) = choices_of(choices, fields).ok()?;
    let question = asked(fields, *question).ok()?;
    Some(Record { context: None, question, answer: Answer::Choice { choices, gold: Vec::new() } })
}

fn whole(context: Option<String>, question: String, answer: Answer) -> Vec<Parted> {
    vec![("", Record { context, question, answer })]
}

fn fault(field: &str, problem: String) -> Fault {
    Fault { field: field.to_owned(), problem }
}

fn at<'f, 'a>(fields: &'f [Field<'a>], idx: usize) -> Result<&'f Field<'a>, Fault> {
    fields.get(idx).ok_or_else(|| fault("", "has fewer fields than the rows before it".to_owned()))
}

fn text_at(fields: &[Field<'_>], idx: usize) -> Result<String, Fault> {
    let (name, value) = at(fields, idx)?;
    words(name, value)
}

/// The question; a copy of ARC puts a template's word in front of it.
fn asked(fields: &[Field<'_>], idx: usize) -> Result<String, Fault> {
    let text = text_at(fields, idx)?;
    let is_query = fields.get(idx).is_some_and(|(name, _)| name == "query");
    Ok(if is_query { text.strip_prefix("Question: ").map(str::to_owned).unwrap_or(text) } else { text })
}

fn words(name: &str, value: &Json<'_>) -> Result<String, Fault> {
    Ok(match value {
        Json::Text(text) => text.as_ref().to_owned(),
        Json::Whole(number) => number.to_string(),
        Json::Real(number) => number.to_string(),
        Json::Bool(truth) => truth.to_string(),
        other => return Err(fault(name, format!("must be a string, it is {}", other.kind()))),
    })
}

fn list(name: &str, value: &Json<'_>) -> Result<Vec<String>, Fault> {
    let items =
        value.items().ok_or_else(|| fault(name, format!("must be an array, it is {}", value.kind())))?;
    items.iter().map(|item| words(name, item)).collect()
}

/// The choices, and their own labels where they have some.
fn choices_of(choices: &Choices, fields: &[Field<'_>]) -> Result<(Vec<String>, Option<Vec<String>>), Fault> {
    let place = match choices {
        Choices::Fields(places) => {
            let texts = places.iter().map(|idx| text_at(fields, *idx)).collect::<Result<_, _>>()?;
            return Ok((texts, None));
        }
        Choices::Field(place) => *place,
    };
    let (name, value) = at(fields, place)?;
    labeled_choices(name, value)
}

fn labeled_choices(name: &str, value: &Json<'_>) -> Result<(Vec<String>, Option<Vec<String>>), Fault> {
    if let (Some(texts), Some(labels)) = (value.get("text"), value.get("label")) {
        let (texts, labels) = (list(name, texts)?, list(name, labels)?);
        if texts.len() != labels.len() {
            let problem = format!("has {} texts and {} labels", texts.len(), labels.len());
            return Err(fault(name, problem));
        }
        return Ok((texts, Some(labels)));
    }
    if let Some(items @ [Json::Object(_), ..]) = value.items() {
        let part = |item: &Json<'_>, key: &str| {
            let value = item.get(key).ok_or_else(|| fault(name, format!("a choice has no `{key}`")))?;
            words(name, value)
        };
        let texts = items.iter().map(|item| part(item, "text")).collect::<Result<_, _>>()?;
        let labels = items.iter().map(|item| part(item, "label")).collect::<Result<_, _>>()?;
        return Ok((texts, Some(labels)));
    }
    if let Some(fields @ [_, ..]) = value.fields() {
        let texts = fields.iter().map(|(key, value)| words(key, value)).collect::<Result<_, _>>()?;
        return Ok((texts, Some(fields.iter().map(|(key, _)| key.as_ref().to_owned()).collect())));
    }
    Ok((list(name, value)?, None))
}

fn gold_of(
    choices: &[String],
    labels: Option<&[String]>,
    (name, gold): &Field<'_>,
    spelling: Option<Spelling>,
) -> Result<Vec<usize>, Fault> {
    let one = |gold: &Json<'_>| {
        let by_label = labels.and_then(|labels| {
            let word = words(name, gold).ok()?;
            labels.iter().position(|label| *label == word)
        });
        let found = by_label.or_else(|| match spelling {
            Some(spelling) if labels.is_none() => golds::index_in(spelling, gold, choices),
            _ => golds::index(gold, choices),
        });
        found.ok_or_else(|| fault(name, format!("{} names none of {} choices", spelled(gold), choices.len())))
    };
    match gold {
        Json::List(several) => several.iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}

fn spelled(gold: &Json<'_>) -> String {
    match words("", gold) {
        Ok(word) => format!("`{}`", word.chars().take(40).collect::<String>()),
        Err(_) => gold.kind().to_owned(),
    }
}

fn targets(
    question: String,
    mc1: Option<usize>,
    mc2: Option<usize>,
    fields: &[Field<'_>],
) -> Result<Vec<Parted>, Fault> {
    let mut records = Vec::new();
    if let Some(idx) = mc1 {
        let (choices, labels) = labeled(at(fields, idx)?)?;
        let gold = labels.iter().enumerate().filter(|(_, label)| **label).map(|(idx, _)| idx).collect();
        let answer = Answer::Choice { choices, gold };
        records.push(("mc1", Record { context: None, question: question.clone(), answer }));
    }
    if let Some(idx) = mc2 {
        let (choices, labels) = labeled(at(fields, idx)?)?;
        records.push(("mc2", Record { context: None, question, answer: Answer::Labels { choices, labels } }));
    }
    Ok(records)
}

/// TruthfulQA's targets: two lists, or an object from each choice to its label.
fn labeled((name, value): &Field<'_>) -> Result<(Vec<String>, Vec<bool>), Fault> {
    let truth = |value: &Json<'_>| match value {
        Json::Whole(0) | Json::Bool(false) => Ok(false),
        Json::Whole(1) | Json::Bool(true) => Ok(true),
        other => Err(fault(name, format!("a label must be 0 or 1, it is {}", spelled(other)))),
    };
    if let (Some(choices), Some(labels)) = (value.get("choices"), value.get("labels").and_then(Json::items)) {
        let choices = list(name, choices)?;
        let labels = labels.iter().map(truth).collect::<Result<Vec<_>, _>>()?;
        if choices.len() != labels.len() {
            return Err(fault(name, format!("has {} choices and {} labels", choices.len(), labels.len())));
        }
        return Ok((choices, labels));
    }
    let fields =
        value.fields().ok_or_else(|| fault(name, format!("must be an object, it is {}", value.kind())))?;
    let choices = fields.iter().map(|(choice, _)| choice.as_ref().to_owned()).collect();
    Ok((choices, fields.iter().map(|(_, label)| truth(label)).collect::<Result<_, _>>()?))
}

/// TruthfulQA's answers: a list, or one text with semicolons.
fn answers(fields: &[Field<'_>], idx: usize) -> Result<Vec<String>, Fault> {
    let (name, value) = at(fields, idx)?;
    if value.items().is_some() {
        return list(name, value);
    }
    let text = words(name, value)?;
    Ok(text.split(';').map(str::trim).filter(|answer| !answer.is_empty()).map(str::to_owned).collect())
}

fn stem(question: usize, gold: usize, fields: &[Field<'_>]) -> Result<Vec<Parted>, Fault> {
    let (name, value) = at(fields, question)?;
    let missing = |key: &str| fault(name, format!("must be an object with `{key}`"));
    let stem = words(name, value.get("stem").ok_or_else(|| missing("stem"))?)?;
    let (choices, labels) = labeled_choices(name, value.get("choices").ok_or_else(|| missing("choices"))?)?;
    let gold = gold_of(&choices, labels.as_deref(), at(fields, gold)?, None)?;
    Ok(whole(None, stem, Answer::Choice { choices, gold }))
}

fn hellaswag_record(places: &HellaSwag, fields: &[Field<'_>]) -> Result<Vec<Parted>, Fault> {
    let activity = text_at(fields, places.activity)?;
    let halves = places.halves.map(|(first, second)| {
        let second = second.map(|idx| text_at(fields, idx)).transpose()?.unwrap_or_default();
        Ok::<_, Fault>((text_at(fields, first)?, second))
    });
    let halves = halves.transpose()?;
    let context = match (places.whole, &halves) {
        (Some(idx), _) => text_at(fields, idx)?,
        (None, Some((first, second))) => format!("{first} {second}"),
        (None, None) => String::new(),
    };
    let (name, endings) = at(fields, places.endings)?;
    let endings = list(name, endings)?;
    let gold = gold_of(&endings, None, at(fields, places.label)?, Some(Spelling::FromZero))?;
    if let (Some((query, choices, scored)), Some((first, second))) = (places.shown, &halves) {
        let joined = format!("{activity}: {first} {}", hellaswag::capitalized(second));
        let (query, (name, choices)) = (text_at(fields, query)?, at(fields, choices)?);
        let choices = list(name, choices)?;
        let scored = scored.map(|idx| gold_of(&choices, None, at(fields, idx)?, Some(Spelling::FromZero)));
        let scored = scored.transpose()?.unwrap_or_else(|| gold.clone());
        let made = endings.iter().map(|ending| hellaswag::shown(ending));
        if query != hellaswag::shown(&joined) || !made.eq(choices.iter().cloned()) || scored != gold {
            return Ok(whole(None, query, Answer::Choice { choices, gold: scored }));
        }
    }
    let question = format!("{}: {}", hellaswag::cleaned(&activity), hellaswag::cleaned(&context));
    let choices = endings.iter().map(|ending| hellaswag::cleaned(ending)).collect();
    Ok(whole(None, question, Answer::Choice { choices, gold }))
}
