//! One item of a benchmark, as its dataset holds it: before any prompt template, nothing trimmed.
//!
//! The canonical bytes of a record are JSON in the canonical form of RFC 8785 with the keys of docs/spec/benchmark-digest.md; the
//! only change to the text is that line ends CR LF become LF.

mod loose;

use std::borrow::Cow;

use crate::bytes::next_special;
use loose::is_plain;
pub use loose::loose;

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// A passage that the question is about, where the dataset keeps it apart.
    pub context: Option<String>,
    /// The question.
    pub question: String,
    /// What may be answered, and what is right.
    pub answer: Answer,
}

/// What may be answered, and what is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One of several choices.
    Choice {
        /// The choices, in the dataset's order.
        choices: Vec<String>,
        /// The right ones, by index; most datasets have one. None where a damaged copy does not say.
        gold: Vec<usize>,
    },
    /// Each choice is right or wrong (TruthfulQA mc2).
    Labels {
        /// The choices, in the dataset's order.
        choices: Vec<String>,
        /// Whether each is right.
        labels: Vec<bool>,
    },
    /// Free text.
    Open {
        /// The right answer, as the dataset spells it: for GSM8K the whole worked solution.
        gold: String,
    },
    /// A program (HumanEval).
    Code {
        /// The function that is tested.
        entry_point: String,
        /// The reference solution.
        gold: String,
        /// The test program.
        test: String,
    },
}

/// One subset of a benchmark: a subject of MMLU, a task of BBH, or the whole where it has no parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// Its name in the field: `abstract_algebra`, `arc_challenge`.
    pub name: String,
    /// Which part of the dataset: `test`, `validation`, `dev`, `train`; empty where nothing says it.
    pub split: String,
    /// The items, in the dataset's order, with their repetitions.
    pub records: Vec<Record>,
}

/// Which differences between records are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// None.
    Strict,
    /// Those of encoding: see [`loose()`].
    Loose,
    /// What is right.
    GoldFree,
    /// Those of encoding, and what is right.
    LooseGoldFree,
    /// Those of encoding, and the order of the choices; what is right is named by its text.
    Unordered,
}

impl View {
    fn is_loose(self) -> bool {
        matches!(self, Self::Loose | Self::LooseGoldFree | Self::Unordered)
    }

    fn shows_gold(self) -> bool {
        !matches!(self, Self::GoldFree | Self::LooseGoldFree)
    }
}

impl Record {
    /// The canonical bytes.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(View::Strict, &mut out);
        out
    }

    /// Appends the canonical bytes, and the same without what is right to another buffer.
    pub(crate) fn write_both(&self, out: &mut Vec<u8>, gold_free: &mut Vec<u8>) {
        let start = out.len();
        let gold = self.write_noting(View::Strict, out);
        gold_free.extend_from_slice(&out[start..gold.start]);
        // Before the gold stands the brace that opens the record, or a comma; behind it always a comma.
        let is_first = gold.start == start && !gold.is_empty();
        gold_free.extend_from_slice(if is_first { b"{" } else { b"" });
        gold_free.extend_from_slice(&out[gold.end + usize::from(is_first)..]);
    }

    /// Whether [`View::Loose`] shows the very same bytes as [`View::Strict`].
    pub(crate) fn is_plain(&self) -> bool {
        let context = self.context.as_deref().is_none_or(is_plain);
        context
            && is_plain(&self.question)
            && match &self.answer {
                Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => {
                    choices.iter().all(|choice| is_plain(choice))
                }
                Answer::Open { gold } => is_plain(gold),
                Answer::Code { entry_point, gold, test } => {
                    [entry_point, gold, test].into_iter().all(|text| is_plain(text))
                }
            }
    }

    /// Appends the canonical bytes of what a view shows.
    pub fn write(&self, view: View, out: &mut Vec<u8>) {
        self.write_noting(view, out);
    }

    /// The same; returns where what is right stands, with the brace or comma before it.
    fn write_noting(&self, view: View, out: &mut Vec<u8>) -> std::ops::Range<usize> {
        let mut object = Object { out, view, is_first: true };
        // The keys stand in the order that RFC 8785 wants.
        if let (View::Unordered, Answer::Choice { .. } | Answer::Labels { .. }) = (view, &self.answer) {
            self.write_unordered(&mut object);
            return 0..0;
        }
        match &self.answer {
            Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => {
                object.texts("choices", choices);
            }
            Answer::Open { .. } | Answer::Code { .. } => {}
        }
        if let Some(context) = &self.context {
            object.text("context", context);
        }
        if let Answer::Code { entry_point, .. } = &self.answer {
            object.text("entry_point", entry_point);
        }
        let from = object.out.len();
        if view.shows_gold() {
            match &self.answer {
                Answer::Choice { gold, .. } => object.gold(gold),
                Answer::Labels { labels, .. } => object.labels(labels),
                Answer::Open { gold } | Answer::Code { gold, .. } => object.text("gold", gold),
            }
        }
        let gold = from..object.out.len();
        object.text("question", &self.question);
        if let Answer::Code { test, .. } = &self.answer {
            object.text("test", test);
        }
        object.close();
        gold
    }

    /// The choices sorted, each with whether it is right.
    fn write_unordered(&self, object: &mut Object<'_>) {
        let mut sorted: Vec<(Cow<'_, str>, bool)> =
            self.choices().iter().enumerate().map(|(idx, text)| (loose(text), self.is_right(idx))).collect();
        sorted.sort();
        let (texts, right): (Vec<_>, Vec<_>) = sorted.into_iter().unzip();
        object.texts("choices", &texts);
        if let Some(context) = &self.context {
            object.text("context", context);
        }
        object.labels(&right);
        object.text("question", &self.question);
        object.close();
    }

    /// The choices; none where the answer is free.
    pub fn choices(&self) -> &[String] {
        match &self.answer {
            Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => choices,
            Answer::Open { .. } | Answer::Code { .. } => &[],
        }
    }

    /// Whether the choice of this index is right.
    pub fn is_right(&self, idx: usize) -> bool {
        match &self.answer {
            Answer::Choice { gold, .. } => gold.contains(&idx),
            Answer::Labels { labels, .. } => labels.get(idx).copied().unwrap_or_default(),
            Answer::Open { .. } | Answer::Code { .. } => false,
        }
    }
}

/// An object that is being written.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    view: View,
    is_first: bool,
}

impl Object<'_> {
    fn key(&mut self, name: &str) {
        self.out.extend_from_slice(if self.is_first { b"{\"" } else { b",\"" });
        self.is_first = false;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn string(&mut self, text: &str) {
        if self.view.is_loose() { write_string(&loose(text), self.out) } else { write_string(text, self.out) }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        self.string(text);
    }

    fn texts(&mut self, name: &str, texts: &[impl AsRef<str>]) {
        self.key(name);
        self.list(texts, |object, text| object.string(text.as_ref()));
    }

    fn gold(&mut self, gold: &[usize]) {
        self.key("gold");
        match gold {
            [one] => self.number(*one),
            _ => self.list(gold, |object, idx| object.number(*idx)),
        }
    }

    fn labels(&mut self, labels: &[bool]) {
        self.key("labels");
        self.list(labels, |object, label| object.number(usize::from(*label)));
    }

    fn number(&mut self, number: usize) {
        self.out.extend_from_slice(number.to_string().as_bytes());
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.out.push(b'[');
        for (idx, item) in items.iter().enumerate() {
            if idx > 0 {
                self.out.push(b',');
            }
            write(self, item);
        }
        self.out.push(b']');
    }

    fn close(&mut self) {
        self.out.push(b'}');
    }
}

/// A string as RFC 8785 writes it, with CR LF as LF.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    let mut idx = 0;
    while let Some(next) = next_special(&bytes[idx..]) {
        idx += next;
        let byte = &bytes[idx];
        out.extend_from_slice(&bytes[written..idx]);
        idx += 1;
        written = idx;
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 if bytes.get(idx) == Some(&b'\n') => continue,
            13 => b'r',
            control => {
                out.extend_from_slice(format!("\\u{control:04x}").as_bytes());
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}
