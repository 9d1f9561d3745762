//! The names that GGUF files give to ways of cutting text before merging bytes (`tokenizer.ggml.pre`), and what each means in
//! the terms of `tokenizer.json`.
//!
//! llama.cpp keeps the name only: what it stands for is known from the `tokenizer.json` of the models that carry it.

use serde_json::{Value, json};

/// One way of cutting.
#[derive(Clone, Copy, Debug)]
pub struct PreTokenizer {
    /// The names it goes by.
    pub names: &'static [&'static str],
    /// How the text is cut.
    cut: Cut,
    /// What is done to the text first.
    form: Form,
    /// Whether a piece that is a token as it stands is not merged.
    pub(super) ignore_merges: bool,
    /// Whether a sequence starts with the first token where the file does not say.
    pub(super) add_bos: bool,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// Nothing.
    AsItIs,
    /// It is brought to Unicode's normal form C.
    Nfc,
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Each digit alone, then words, numbers, signs and blanks as GPT-2 cuts them.
    DigitsThenGpt2,
    /// As GPT-2.
    Gpt2,
    /// By one pattern.
    Pattern(&'static str),
    /// By several patterns one after the other, then each digit alone.
    PatternsThenDigits(&'static [&'static str]),
}

const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Line ends, words of cased letters (those of the Unicode version at hand when the model was made), signs, trailing blanks,
/// ideographs.
const DEEPSEEK_LLM: &[&str] = &[
    r"[\r\n]",
    concat!(
        r"\s?[",
        r"A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}",
        r"\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}",
        r"\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}",
        r"\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}",
        r"\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}",
        r"\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}",
        r"\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}",
        r"\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}",
        r"\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}",
        r"\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}",
        r"\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}",
        r"\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}",
        r"\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}",
        r"\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}",
        r"\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}",
        r"\x{1E900}-\x{1E943}",
        r"]+",
    ),
    r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+",
    r"\s+$",
    r"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+",
];

/// Every way that is known.
pub const PRE_TOKENIZERS: &[PreTokenizer] = &[
    PreTokenizer {
        names: &["smollm"],
        cut: Cut::DigitsThenGpt2,
        form: Form::AsItIs,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &["gpt-2"],
        cut: Cut::Gpt2,
        form: Form::AsItIs,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &["qwen2"],
        cut: Cut::Pattern(QWEN2),
        form: Form::Nfc,
        ignore_merges: false,
        add_bos: false,
    },
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3"],
        cut: Cut::Pattern(LLAMA3),
        form: Form::AsItIs,
        ignore_merges: true,
        add_bos: true,
    },
    PreTokenizer {
        names: &["tekken"],
        cut: Cut::Pattern(TEKKEN),
        form: Form::AsItIs,
        ignore_merges: true,
        add_bos: true,
    },
    PreTokenizer {
        names: &["deepseek-llm"],
        cut: Cut::PatternsThenDigits(DEEPSEEK_LLM),
        form: Form::AsItIs,
        ignore_merges: false,
        add_bos: false,
    },
];

impl PreTokenizer {
    /// The way that goes by `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        PRE_TOKENIZERS.iter().find(|one| one.names.contains(&name))
    }

    /// `normalizer` of `tokenizer.json`.
    pub(super) fn normalizer(&self) -> Value {
        match self.form {
            Form::AsItIs => Value::Null,
            Form::Nfc => json!({"type": "NFC"}),
        }
    }

    /// `pre_tokenizer` of `tokenizer.json`.
    pub(super) fn pre_tokenizer(&self) -> Value {
        let gpt2 =
            json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let bytes =
            json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
        let digits = json!({"type": "Digits", "individual_digits": true});
        let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        match self.cut {
            Cut::Gpt2 => gpt2,
            Cut::DigitsThenGpt2 => json!({"type": "Sequence", "pretokenizers": [digits, gpt2]}),
            Cut::Pattern(pattern) => json!({"type": "Sequence", "pretokenizers": [split(pattern), bytes]}),
            Cut::PatternsThenDigits(patterns) => {
                let mut steps: Vec<Value> = patterns.iter().map(|pattern| split(pattern)).collect();
                steps.extend([digits, bytes]);
                json!({"type": "Sequence", "pretokenizers": steps})
            }
        }
    }
}
