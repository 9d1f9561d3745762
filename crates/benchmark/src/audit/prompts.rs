//! Prompts, derived anew from the items.

use std::borrow::Cow;

use super::Class;
use super::examples::{self, Drawn, Examples};
use super::findings::{Contrast, Findings};
use super::frames::{holds, inserted, spoken};
use crate::json::{Text, Value};
use crate::log::{About, Request, Sample};
use crate::record::{Answer, Record};
use crate::task::{Output, Sampler, Task, Template};

/// More worked examples than any prompt shows.
const MOST_SHOTS: u64 = 10_000;

/// How white space between the parts of a prompt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    /// The log is of the harness whose recipes are pinned.
    Strict,
    /// Another version may put other space there.
    Free,
    /// It did, and that is told.
    Told,
}

/// Derives the prompts of a task, row by row.
#[derive(Debug)]
pub(super) struct Prompts<'c> {
    task: Option<&'c Task>,
    /// The task whose choices are put to the model, where its templates may be others.
    choices: Option<&'c Task>,
    shots: u64,
    /// The worked examples that the task draws, where their source is at hand or pinned.
    examples: Option<Examples<'c>>,
    is_chat: bool,
    space: Space,
    /// What stood before the first question, where it must be the same for all.
    shown: Option<String>,
}

impl<'c> Prompts<'c> {
    pub(super) fn new(
        about: &About<'_>,
        task: Option<&'c Task>,
        pool: Option<&'c [Record]>,
        findings: &mut Findings<'_, '_>,
    ) -> Self {
        let setup = &about.setup;
        let is_chat = setup.chat_template.is_some() || setup.system.is_some();
        let shots = setup.shots.unwrap_or_default().min(MOST_SHOTS);
        let declared = task.map(|task| declared(about, task, findings));
        let choices = task.filter(|_| declared.is_some_and(|declared| declared.same_choices));
        let task = task.filter(|_| declared.is_some_and(|declared| declared.same_templates));
        if task.is_none() {
            findings.unchecked(
                Class::PromptChanged,
                "the prompts are not derived anew: their templates are none that is pinned",
            );
        } else if is_chat {
            findings.unchecked(
                Class::ShotsChanged,
                "the prompts went through a chat template: only their question is looked for",
            );
        }
        let mut examples = None;
        if let Some(task) = task.as_ref().filter(|_| shots > 0 && !is_chat) {
            let seed = setup.shot_seed.unwrap_or(1234);
            let drawn = Examples::new(task, pool, shots as usize, seed);
            if let Some(Err(err)) = &drawn {
                let detail = format!("so many worked examples cannot be: {err}");
                findings.task(
                    Class::ShotsChanged,
                    detail,
                    Contrast { expected: None, found: Some(shots.to_string()) },
                );
            }
            let is_unknown = drawn.is_none();
            examples = drawn.and_then(Result::ok);
            if is_unknown {
                let why = "which worked examples were shown is not derived anew, only how many: give the part they are drawn from with `--against`";
                findings.unchecked(Class::ShotsChanged, why);
            }
        }
        let is_pinned = about.version.as_deref() == Some(crate::task::HARNESS_VERSION);
        let space = if is_pinned { Space::Strict } else { Space::Free };
        Self { task, choices, shots, examples, is_chat, space, shown: None }
    }

    /// Whether whole prompts are derived anew.
    pub(super) fn are_derived(&self) -> bool {
        self.task.is_some() && !self.is_chat
    }

    /// Compares one sample's prompt with what its item makes.
    pub(super) fn check(
        &mut self,
        sample: &Sample<'_>,
        prompt: &str,
        record: &Record,
        findings: &mut Findings<'_, '_>,
    ) {
        if !self.are_derived()
            && let Some(task) = self.choices
            && names_others(task, sample, record)
        {
            let detail = "the continuations are not the item's choices".to_owned();
            findings.sample(Class::PromptChanged, sample, detail, Contrast::default());
            return;
        }
        let Some(task) = self.task else { return };
        let Some(request) = sample.requests.first() else { return };
        let asked = as_asked(&task.name, sample);
        let record = asked.as_ref().unwrap_or(record);
        let (Ok(question), Some(follows)) = (task.template.text(record), continues(sample, task, record))
        else {
            return;
        };
        if sample
            .requests
            .iter()
            .any(|other| !other.prompt.same_spelling(&request.prompt) && other.prompt != request.prompt)
        {
            let detail = "not all choices were asked after the same prompt".to_owned();
            findings.sample(Class::PromptChanged, sample, detail, Contrast::default());
            return;
        }
        if !self.is_chat && !follows {
            let detail = "the continuations are not the item's choices".to_owned();
            findings.sample(Class::PromptChanged, sample, detail, Contrast::default());
            return;
        }
        if self.is_chat {
            if !spoken(prompt).contains(question.trim()) {
                Self::tell(sample, record, &question, prompt, findings);
            }
            return;
        }
        let after = self.after_description(task, prompt, findings);
        if self.shots == 0 && after == Some(question.as_str()) {
            return;
        }
        if let Some(shown) = after.and_then(|after| after.strip_suffix(question.as_str())) {
            self.shown(task, sample, record, shown, findings);
            return;
        }
        let whole = format!("{}{question}", task.description);
        if self.space == Space::Strict || squeezed(prompt) != squeezed(&whole) {
            Self::tell(sample, record, &whole, prompt, findings);
        } else {
            self.spaced(findings);
        }
    }

    /// What stands after the task's description; another version of the harness may end it otherwise: Jinja, by which lm-evaluation-harness
    /// 0.4.2 wrote descriptions, drops a line feed at the end.
    fn after_description<'p>(
        &mut self,
        task: &Task,
        prompt: &'p str,
        findings: &mut Findings<'_, '_>,
    ) -> Option<&'p str> {
        let after = prompt.strip_prefix(task.description.as_str());
        if after.is_some() || self.space == Space::Strict {
            return after;
        }
        let stem = task.description.trim_end();
        let rest = prompt.strip_prefix(stem)?;
        let after = rest.trim_start();
        let space = &rest[..rest.len() - after.len()];
        if space.contains('\n') != task.description[stem.len()..].contains('\n') {
            return None;
        }
        self.spaced(findings);
        Some(after)
    }

    /// Tells, once, that another version put other white space into the prompts.
    fn spaced(&mut self, findings: &mut Findings<'_, '_>) {
        if std::mem::replace(&mut self.space, Space::Told) == Space::Free {
            let detail = "the prompts differ from those of the pinned harness by white space only".to_owned();
            findings.departs(detail, Contrast::default());
        }
    }

    /// Judges what stands between description and question.
    fn shown(
        &mut self,
        task: &Task,
        sample: &Sample<'_>,
        record: &Record,
        shown: &str,
        findings: &mut Findings<'_, '_>,
    ) {
        let own = record.question.trim();
        let mut others = |contrast| {
            let detail = "other worked examples were shown than the task draws".to_owned();
            findings.sample(Class::ShotsChanged, sample, detail, contrast);
        };
        match self.examples.as_mut().map(|examples| examples.check(task, sample, record, shown)) {
            Some(Some(Drawn::Shown)) => return,
            Some(Some(Drawn::Others(Some(expected))))
                if !leaks(inserted(&expected, shown), record) || looks_like_examples(task, shown) =>
            {
                return others(Contrast::of(&expected, &shown));
            }
            Some(Some(Drawn::Others(None))) if !shown.contains(own) => {
                return others(Contrast { expected: None, found: Some(super::findings::short(shown)) });
            }
            Some(Some(Drawn::Open | Drawn::Others(_))) | None => {}
            Some(None) => {
                self.examples = None;
                examples::unordered(findings);
            }
        }
        if shown.is_empty() && self.shots == 0 {
            return;
        }
        // Where all questions share their examples, one of them may be the question itself: MMLU's own dev part repeats a test question.
        let is_shared = matches!(task.sampler, Sampler::FirstN)
            && self.shown.as_deref().is_none_or(|before| before == shown);
        if own.len() > 20 && shown.contains(own) && !is_shared {
            let detail = "the question itself stands among the worked examples, with its answer".to_owned();
            findings.sample(
                Class::KeyLeaked,
                sample,
                detail,
                Contrast { expected: None, found: Some(super::findings::short(shown)) },
            );
            return;
        }
        let count = examples(task, shown);
        if count != self.shots && (looks_like_examples(task, shown) || shown.is_empty()) {
            let detail = "the prompt shows another number of worked examples than is said".to_owned();
            findings.sample(Class::ShotsChanged, sample, detail, Contrast::of(&self.shots, &count));
        } else if count != self.shots || !shown.ends_with("\n\n") || !begins_with_an_example(task, shown) {
            Self::tell(sample, record, "", shown, findings);
        } else if matches!(task.sampler, Sampler::FirstN)
            && self.shown.get_or_insert_with(|| shown.to_owned()) != shown
        {
            let detail =
                "other worked examples than before the other questions, where the task shows the same to all"
                    .to_owned();
            findings.sample(Class::ShotsChanged, sample, detail, Contrast::default());
        }
    }

    /// Tells of a prompt that is not the derived one: one that holds the answer where it should not is the worse.
    fn tell(
        sample: &Sample<'_>,
        record: &Record,
        expected: &str,
        prompt: &str,
        findings: &mut Findings<'_, '_>,
    ) {
        let (class, detail) = if leaks(inserted(expected, prompt), record) {
            (Class::KeyLeaked, "the prompt tells the answer")
        } else {
            (Class::PromptChanged, "the prompt is not the one that the task makes of the item")
        };
        let contrast = if expected.is_empty() {
            Contrast { expected: None, found: Some(super::findings::short(prompt)) }
        } else {
            Contrast::of(&inserted(prompt, expected), &inserted(expected, prompt))
        };
        findings.sample(class, sample, detail.to_owned(), contrast);
    }
}

/// What of a log's templates is as pinned.
#[derive(Debug, Clone, Copy)]
struct Declared {
    same_templates: bool,
    /// What is asked of the model, but for the space before it.
    same_choices: bool,
}

/// Whether the log's templates are the pinned ones; where it declares others, that is told.
fn declared(about: &About<'_>, task: &Task, findings: &mut Findings<'_, '_>) -> Declared {
    let config = about.setup.config.as_ref();
    let text = |key: &str| config.and_then(|config| config.get(key)).and_then(Value::string);
    let mut same = true;
    let pinned = [
        ("description", task.description.as_str()),
        ("target_delimiter", task.delimiter),
        ("fewshot_delimiter", "\n\n"),
        ("gen_prefix", ""),
    ];
    for (key, expected) in pinned {
        if let Some(found) = text(key).filter(|found| found != expected) {
            findings.departs(
                format!(
                    "the task's `{key}` is another than lm-evaluation-harness {} has",
                    crate::task::HARNESS_VERSION
                ),
                Contrast::of(expected, &found),
            );
            same = false;
        }
    }
    let delimiter = text("target_delimiter");
    let mut same_choices = delimiter.is_none_or(|delimiter| delimiter.trim().is_empty());
    let choices = config.and_then(|config| config.get("doc_to_choice")).filter(|choices| !choices.is_null());
    let found = choices.map(|choices| choices.string().unwrap_or(Cow::Borrowed(choices.raw)));
    same_choices &= found.as_ref().is_some_and(|found| squeezed(found) == squeezed(task.doc_to_choice));
    let found = found.filter(|found| !is_a_program(found) && squeezed(found) != squeezed(task.doc_to_choice));
    if let Some(found) = found {
        let detail = "the task's `doc_to_choice` is another than the pinned one".to_owned();
        findings.departs(detail, Contrast::of(task.doc_to_choice, &found));
        same = false;
    }
    let template = text("doc_to_text").map(|found| squeezed(&found));
    let expected = squeezed(task.doc_to_text);
    if let Some(found) =
        template.filter(|found| *found != expected && !found.ends_with(&expected) && !is_a_program(found))
    {
        findings.departs(
            "the task's `doc_to_text` is another than the pinned one".to_owned(),
            Contrast::of(&expected, &found),
        );
        same = false;
    }
    Declared { same_templates: same, same_choices }
}

/// The texts that a log says stand in its prompts.
pub(super) fn declared_texts(about: &About<'_>) -> Vec<String> {
    let setup = &about.setup;
    let config = setup.config.as_ref();
    let of_config = ["description", "doc_to_text", "gen_prefix"]
        .into_iter()
        .filter_map(|key| config?.get(key)?.string().map(Cow::into_owned));
    [&setup.system, &setup.chat_template].into_iter().flatten().cloned().chain(of_config).collect()
}

/// A template without white space, spelled out or not.
fn squeezed(template: &str) -> String {
    template.replace("\\n", "").replace('"', "'").split_whitespace().collect()
}

/// Whether a template is the source of a function, which is not compared.
fn is_a_program(template: &str) -> bool {
    template.starts_with("def") || template.starts_with('<')
}

/// Whether the continuations are the item's choices; none where the item has none for the task.
fn continues(sample: &Sample<'_>, task: &Task, record: &Record) -> Option<bool> {
    if matches!(task.output, Output::Text { .. }) {
        return Some(true);
    }
    let expected = task.template.shown_choices(record).ok()?;
    let is_it = |(request, expected): (&Request<'_>, &&str)| {
        let asked = request.continuation.as_ref().map(Text::get);
        asked.is_some_and(|asked| asked.strip_prefix(task.delimiter) == Some(*expected))
    };
    Some(expected.len() <= sample.requests.len() && sample.requests.iter().zip(&expected).all(is_it))
}

/// Whether other continuations were asked of the model than the item's choices, white space aside: a chat has none before them.
fn names_others(task: &Task, sample: &Sample<'_>, record: &Record) -> bool {
    let put = as_asked(&task.name, sample);
    let Ok(expected) = task.template.shown_choices(put.as_ref().unwrap_or(record)) else { return false };
    if !matches!(task.output, Output::Choices { .. }) || sample.requests.len() < expected.len() {
        return false;
    }
    let is_other = |(request, expected): (&Request<'_>, &&str)| {
        request.continuation.as_ref().is_some_and(|asked| asked.get().trim() != expected.trim())
    };
    sample.requests.iter().zip(&expected).any(is_other)
}

/// How many worked examples a text holds.
fn examples(task: &Task, shown: &str) -> u64 {
    let count = match task.template {
        Template::Lettered => shown.matches("\nAnswer:").count(),
        Template::Around { after, .. } if !after.trim().is_empty() => shown.matches(after).count(),
        Template::Around { .. } => shown.matches("\n\n").count(),
    };
    count as u64
}

/// Whether nothing stands before the first worked example, as far as the template tells.
fn begins_with_an_example(task: &Task, shown: &str) -> bool {
    match task.template {
        Template::Lettered => examples(task, shown) > 0,
        Template::Around { before, .. } => examples(task, shown) > 0 && shown.starts_with(before),
    }
}

/// The item in the words that were put to the model, where the log keeps them beside the dataset's own: HellaSwag's are cleaned, and that
/// the clean ones follow from the others was checked where the record was read.
pub(super) fn as_asked(task: &str, sample: &Sample<'_>) -> Option<Record> {
    if task != "hellaswag" {
        return None;
    }
    let doc = sample.doc.as_ref()?;
    let question = doc.get("query")?.string()?.into_owned();
    let choices = doc.get("choices")?.items().iter().map(|choice| choice.string().map(Cow::into_owned));
    let gold = sample.target.as_ref()?.get().parse().ok()?;
    let answer = Answer::Choice { choices: choices.collect::<Option<Vec<_>>>()?, gold: vec![gold] };
    Some(Record { context: None, question, answer })
}

fn looks_like_examples(task: &Task, shown: &str) -> bool {
    shown.ends_with("\n\n") && examples(task, shown) > 0
}

/// Whether a text tells the right answer: its words, its letter, or the number after the marks.
fn leaks(text: &str, record: &Record) -> bool {
    let word = |wanted: &str| holds(text, wanted);
    match &record.answer {
        Answer::Choice { choices, gold } => gold.iter().any(|idx| {
            let letter =
                u8::try_from(*idx).ok().and_then(|idx| char::from_u32(u32::from(b'A' + idx.min(25))));
            choices.get(*idx).is_some_and(|choice| word(choice))
                || letter.is_some_and(|letter| word(&letter.to_string()))
        }),
        Answer::Labels { choices, labels } => {
            choices.iter().zip(labels).any(|(choice, right)| *right && word(choice))
        }
        Answer::Open { gold } => word(gold) || gold.rsplit("####").next().is_some_and(word),
        Answer::Code { gold, .. } => word(gold),
    }
}
