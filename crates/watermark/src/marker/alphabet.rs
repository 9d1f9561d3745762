//! The characters that show nothing.

/// A class of characters that show nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Spaces without width and word joiners (U+200B, U+2060, U+FEFF).
    ZeroWidth,
    /// The joiner and the non-joiner of letters and emoji (U+200C, U+200D).
    Joiner,
    /// Invisible operators of mathematics, the separator among them (U+2061 to U+2064).
    InvisibleOperator,
    /// Variation selectors (U+FE00 to U+FE0F, U+E0100 to U+E01EF).
    VariationSelector,
    /// Tag characters (U+E0000 to U+E007F).
    Tag,
    /// Controls of the direction of writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
    BidiControl,
    /// The soft hyphen (U+00AD).
    SoftHyphen,
    /// Hangul fillers (U+115F, U+1160, U+3164, U+FFA0).
    HangulFiller,
    /// Other characters that are ignored where they are not supported.
    Format,
}

impl Class {
    /// The class of a character; none where it can be seen, or is a space.
    pub fn of(c: char) -> Option<Self> {
        // Nothing below U+00AD is one of them, and most text lies there.
        if c < '\u{AD}' {
            return None;
        }
        Some(match c {
            '\u{200B}' | '\u{2060}' | '\u{FEFF}' => Self::ZeroWidth,
            '\u{200C}' | '\u{200D}' => Self::Joiner,
            '\u{2061}'..='\u{2064}' => Self::InvisibleOperator,
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => Self::VariationSelector,
            '\u{E0000}'..='\u{E007F}' => Self::Tag,
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                Self::BidiControl
            }
            '\u{AD}' => Self::SoftHyphen,
            '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => Self::HangulFiller,
            // The combining grapheme joiner, Khmer's inherent vowels, Mongolian selectors, deprecated controls, and what Unicode
            // keeps back for more of the kind (Default_Ignorable_Code_Point).
            '\u{34F}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{2065}'
            | '\u{206A}'..='\u{206F}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0080}'..='\u{E00FF}'
            | '\u{E01F0}'..='\u{E0FFF}' => Self::Format,
            _ => return None,
        })
    }

    /// The name of the class.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ZeroWidth => "zero-width",
            Self::Joiner => "joiner",
            Self::InvisibleOperator => "invisible-operator",
            Self::VariationSelector => "variation-selector",
            Self::Tag => "tag",
            Self::BidiControl => "bidi-control",
            Self::SoftHyphen => "soft-hyphen",
            Self::HangulFiller => "hangul-filler",
            Self::Format => "format",
        }
    }
}
