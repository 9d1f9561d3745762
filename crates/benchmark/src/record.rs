//! One item of a benchmark, as its dataset holds it: before any prompt template, nothing trimmed.
//!
//! The canonical bytes of a record are JSON in the canonical form of RFC 8785 with the keys of docs/spec/benchmark-digest.md; the
//! only change to the text is that line ends CR LF become LF.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

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
    /// Those of encoding: see [`loose`].
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

    /// Appends the canonical bytes of what a view shows.
    pub fn write(&self, view: View, out: &mut Vec<u8>) {
        let mut object = Object { out, view, is_first: true };
        // The keys stand in the order that RFC 8785 wants.
        if let (View::Unordered, Answer::Choice { .. } | Answer::Labels { .. }) = (view, &self.answer) {
            self.write_unordered(&mut object);
            return;
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
        if view.shows_gold() {
            match &self.answer {
                Answer::Choice { gold, .. } => object.gold(gold),
                Answer::Labels { labels, .. } => object.labels(labels),
                Answer::Open { gold } | Answer::Code { gold, .. } => object.text("gold", gold),
            }
        }
        object.text("question", &self.question);
        if let Answer::Code { test, .. } = &self.answer {
            object.text("test", test);
        }
        object.close();
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

/// A text without what differs between encodings of the same words: typographic quotes become plain ones, then the text is
/// brought to NFKC, and white space is trimmed and collapsed to single spaces.
pub fn loose(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if is_collapsed(text) { Cow::Borrowed(text) } else { Cow::Owned(collapsed(text.chars())) };
    }
    let folded = text.chars().map(plain_quote);
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Owned(collapsed(folded));
    }
    // NFKC makes some characters into quotes and spaces of their own, so these are folded after it as well.
    Cow::Owned(collapsed(folded.nfkc().map(plain_quote)))
}

fn is_collapsed(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_inner = bytes.windows(2).all(|pair| !(pair[0] == b' ' && pair[1] == b' '));
    is_inner
        && !bytes.iter().any(|byte| matches!(byte, b'\t'..=b'\r'))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
}

fn collapsed(text: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut is_after_space = false;
    for character in text {
        if character.is_whitespace() {
            is_after_space = true;
            continue;
        }
        if is_after_space && !out.is_empty() {
            out.push(' ');
        }
        is_after_space = false;
        out.push(character);
    }
    out
}

fn plain_quote(character: char) -> char {
    match character {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{2039}' | '\u{203a}' | '\u{b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ab}' | '\u{bb}' => '"',
        other => other,
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
    for (idx, byte) in bytes.iter().enumerate() {
        if 0x20 <= *byte && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[written..idx]);
        written = idx + 1;
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 if bytes.get(idx + 1) == Some(&b'\n') => continue,
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
