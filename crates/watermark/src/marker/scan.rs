//! One walk over a text that tells hidden characters from those that their neighbors want.
//!
//! An invisible character is kept for what stands directly before it, which must be kept itself, and directly after it, which must be
//! visible. So what is kept would be kept again in the text without the hidden ones: stripping twice is stripping once.

use std::collections::BTreeMap;

use super::alphabet::Class;
use super::report::Place;
use super::scripts::{
    has_no_spaces, has_standard_variant, is_choseong, is_emoji, is_ideograph, is_jungseong, is_mongolian,
    is_right_to_left, uses_joiners,
};

/// The longest row of direction controls that is kept: one closes what another opened.
const BIDI_ROW: usize = 2;

/// A walk over a text.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    /// How many bytes lie behind.
    at: usize,
    characters: usize,
    before: Before,
    line: Line,
    hidden: Counts,
    kept: Counts,
}

/// What stands directly before the next character.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    /// The character, unless it is hidden.
    kept: Option<char>,
    /// Whether something hidden stands there.
    is_hidden: bool,
    /// The visible character that it belongs to.
    base: Option<char>,
    /// How many direction controls stand there in a row.
    bidi_row: usize,
    /// How many tag characters are still to come of a flag.
    flag_tags: usize,
}

/// The last line that was asked about.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    /// Where the next one begins.
    end: usize,
    /// Whether it has letters written from right to left.
    is_rtl: bool,
}

/// Characters by class.
#[derive(Debug, Clone, Copy, Default)]
struct Counts([usize; CLASSES.len()]);

const CLASSES: [Class; 9] = [
    Class::ZeroWidth,
    Class::Joiner,
    Class::InvisibleOperator,
    Class::VariationSelector,
    Class::Tag,
    Class::BidiControl,
    Class::SoftHyphen,
    Class::HangulFiller,
    Class::Format,
];

impl Counts {
    fn add(&mut self, class: Class) {
        self.0[class as usize] += 1;
    }

    fn map(&self) -> BTreeMap<Class, usize> {
        CLASSES.into_iter().zip(self.0).filter(|(_, count)| 0 < *count).collect()
    }
}

impl<'a> Scan<'a> {
    /// A walk that begins at the text's start.
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            characters: 0,
            before: Before::default(),
            line: Line::default(),
            hidden: Counts::default(),
            kept: Counts::default(),
        }
    }

    /// How many characters lie behind.
    pub(super) fn characters(&self) -> usize {
        self.characters
    }

    /// Hidden characters so far, by class.
    pub(super) fn hidden(&self) -> BTreeMap<Class, usize> {
        self.hidden.map()
    }

    /// Invisible characters so far that were kept, by class.
    pub(super) fn kept(&self) -> BTreeMap<Class, usize> {
        self.kept.map()
    }

    /// Passes what is visible: all of the ASCII characters that come next, or one other.
    fn pass(&mut self, c: char) {
        let rest = &self.text.as_bytes()[self.at..];
        let skipped = if c.is_ascii() { ascii_prefix(rest) } else { 0 };
        let last = skipped.checked_sub(1).map_or(c, |last| char::from(rest[last]));
        // Each of them is one byte.
        self.at += skipped;
        self.characters += skipped;
        self.before = Before { kept: Some(last), base: Some(last), ..Before::default() };
    }

    /// Judges an invisible character, and counts it.
    fn is_hidden(&mut self, byte: usize, c: char, class: Class) -> bool {
        if c >= '\u{E0000}' && self.before.kept == Some('\u{1F3F4}') {
            self.before.flag_tags = flag_tags(&self.text[byte..]);
        }
        let after = self.text[self.at..].chars().next();
        if !self.is_wanted(byte, c, class, after) {
            self.hidden.add(class);
            self.before = Before { is_hidden: true, ..Before::default() };
            return true;
        }
        self.kept.add(class);
        self.before = Before {
            kept: Some(c),
            is_hidden: false,
            base: self.before.base.filter(|_| c != '\u{200D}'),
            bidi_row: if class == Class::BidiControl { self.before.bidi_row + 1 } else { 0 },
            flag_tags: self.before.flag_tags.saturating_sub(1),
        };
        false
    }

    fn is_wanted(&mut self, byte: usize, c: char, class: Class, after: Option<char>) -> bool {
        let visible = |c: &char| Class::of(*c).is_none();
        let (before, after_visible) = (self.before.kept.filter(visible), after.filter(visible));
        let either = |is: fn(char) -> bool| match (before, after_visible) {
            (Some(before), _) if is(before) => true,
            (Some(_), Some(after)) => is(after),
            _ => false,
        };
        match class {
            // A byte order mark leads a text; before a variation selector it leads a wrapper.
            Class::ZeroWidth if c == '\u{FEFF}' => {
                byte == 0 && after.and_then(Class::of) != Some(Class::VariationSelector)
            }
            Class::ZeroWidth => c == '\u{200B}' && either(has_no_spaces),
            Class::Joiner => {
                let joins_emoji = c == '\u{200D}'
                    && self.before.base.is_some_and(is_emoji)
                    && after_visible.is_some_and(is_emoji);
                joins_emoji || either(uses_joiners)
            }
            Class::InvisibleOperator => false,
            Class::VariationSelector => before.is_some_and(|base| has_variant(base, c, after)),
            Class::Tag => 0 < self.before.flag_tags,
            Class::BidiControl => {
                let overrides = matches!(c, '\u{202D}' | '\u{202E}');
                let room = !self.before.is_hidden && self.before.bidi_row < BIDI_ROW;
                !overrides && room && self.line_is_rtl(byte)
            }
            Class::SoftHyphen => {
                before.is_some_and(char::is_alphabetic) && after_visible.is_some_and(char::is_alphabetic)
            }
            Class::HangulFiller => match c {
                '\u{115F}' => after_visible.is_some_and(is_jungseong),
                '\u{1160}' => before.is_some_and(is_choseong),
                _ => false,
            },
            Class::Format => match c {
                // The grapheme joiner keeps combining marks apart.
                '\u{34F}' => before.is_some() && after_visible.is_some_and(combines),
                '\u{180B}'..='\u{180F}' => before.is_some_and(is_mongolian),
                _ => false,
            },
        }
    }

    fn line_is_rtl(&mut self, byte: usize) -> bool {
        if self.line.end <= byte {
            // What lies before the end of a line that was asked about is not looked at again.
            let start =
                self.text[self.line.end..byte].rfind('\n').map_or(self.line.end, |at| self.line.end + at + 1);
            let end = self.text[byte..].find('\n').map_or(self.text.len(), |at| byte + at + 1);
            // Controls and marks without letters say nothing about the line.
            let is_rtl = self.text[start..end].chars().any(|c| is_right_to_left(c) && c.is_alphabetic());
            self.line = Line { end, is_rtl };
        }
        self.line.is_rtl
    }
}

impl Iterator for Scan<'_> {
    type Item = Place;

    /// The next run of hidden characters.
    fn next(&mut self) -> Option<Place> {
        let mut run: Option<Place> = None;
        while let Some(c) = self.text[self.at..].chars().next() {
            let class = Class::of(c);
            if run.is_some() && class.is_none() {
                break;
            }
            let (byte, character) = (self.at, self.characters);
            self.at += c.len_utf8();
            self.characters += 1;
            match class {
                None => self.pass(c),
                Some(class) if self.is_hidden(byte, c, class) => {
                    let place = run.get_or_insert(Place { byte, character, bytes: 0, characters: 0 });
                    place.bytes += c.len_utf8();
                    place.characters += 1;
                }
                Some(_) if run.is_some() => break,
                Some(_) => {}
            }
        }
        run
    }
}

/// How many bytes at the start are ASCII.
fn ascii_prefix(bytes: &[u8]) -> usize {
    const STEP: usize = 64;
    let whole = bytes.chunks_exact(STEP).take_while(|chunk| chunk.is_ascii()).count() * STEP;
    whole + bytes[whole..].iter().take_while(|byte| byte.is_ascii()).count()
}

/// Whether a character before a combining mark combines with it.
fn combines(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Whether a selector may follow a base.
fn has_variant(base: char, selector: char, after: Option<char>) -> bool {
    match selector {
        // Text and emoji form; a digit only as a part of a keycap.
        '\u{FE0E}' | '\u{FE0F}' if matches!(base, '0'..='9' | '#' | '*') => after == Some('\u{20E3}'),
        '\u{FE0E}' | '\u{FE0F}' => is_emoji(base),
        '\u{E0100}'..='\u{E01EF}' => is_ideograph(base),
        '\u{FE00}'..='\u{FE06}' => has_standard_variant(base),
        _ => false,
    }
}

/// How many tag characters make a black flag that stands before them one of a region: 3 to 6 letters or digits and the end (UTS #51, ED-14a).
fn flag_tags(rest: &str) -> usize {
    let letters = rest
        .chars()
        .take(7)
        .take_while(|c| matches!(c, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}'))
        .count();
    let closed = rest.chars().nth(letters) == Some('\u{E007F}');
    if closed && (3..=6).contains(&letters) { letters + 1 } else { 0 }
}
