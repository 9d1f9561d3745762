//! What the numbers rest on and cannot show, in words.

use stillmark_stats::decoys::{Agreement, Check, Verdict};

use super::Settings;
use crate::scheme::{Null, Scheme};
use crate::sites::Once;

/// The assumption behind a reference's own p-value.
pub(super) const RAW: &str = "The reference's own analytic p-value, not checked against decoys: repeated or templated \
                              text can make it far too small.";

/// What no result of this test shows.
pub(crate) const CANNOT_SHOW: [&str; 4] = [
    "Who wrote, sent or copied the text: a mark says that text came from a generator holding the key, or from someone \
     who learned its marks.",
    "That a text without evidence of a mark is unmarked or human: editing, paraphrase, translation and low entropy remove \
     marks.",
    "When the key was first used, unless its commitment was logged before the text was made.",
    "Anything about other keys, schemes or tokenizers than the ones stated.",
];

/// What `statistic` is.
pub(super) fn statistic(null: &Null) -> &'static str {
    match null {
        Null::Exponential => "sum of -ln(1 - u) over the scored tokens; Gamma(scored, 1) without a mark",
        Null::Fused { .. } => "sum of the two keys' scores, weighted by how often each is drawn",
        Null::Green { .. } => "z: green tokens above their mean, in standard deviations",
        Null::Bits { .. } => "mean of the layers' bits, weighted by layer; 1/2 without a mark",
    }
}

/// Why the analytic p-value is not stated, where it is not.
pub(super) fn withheld(agreement: &Agreement) -> Option<String> {
    let check = match agreement.verdict {
        Verdict::TooFew => {
            return Some(format!("{} decoys are too few to check the analytic null", agreement.decoys));
        }
        Verdict::TooHeavy { check, .. } => check,
        verdict if verdict.admits_analytic() => return None,
        _ => return Some("the decoys do not bear out the analytic null".to_owned()),
    };
    let what = match check {
        Check::Distribution => "their distribution lies above it",
        Check::Variance => "they vary more than it says",
        Check::Tail(_) => "too many of them lie in its tail",
        _ => "the largest of them is too large for it",
    };
    Some(format!(
        "decoy keys score this text too high for the analytic null: {what}; the rank among decoys holds"
    ))
}

/// What the numbers of a finding rest on.
pub(super) fn assumptions(scheme: &dyn Scheme, settings: &Settings) -> Vec<String> {
    let mut said = vec![
        format!(
            "The key was chosen as the {} decoys are, at random and without looking at these texts: then the decoy \
             p-value holds for any text.",
            settings.decoys
        ),
        repetitions(scheme).to_owned(),
        "The analytic p-value also assumes that the scheme's hash acts as a random function on these texts; it is withheld where \
         the decoys contradict that."
            .to_owned(),
        "The p-value that decides is corrected by Holm over the texts of the file and multiplied by the keys said to have been \
         tried; tries that were not declared are not corrected for."
            .to_owned(),
        "The token ids are those of the marking model's tokenizer.".to_owned(),
    ];
    if settings.level * (settings.decoys as f64 + 1.0) < 1.0 {
        said.push(
            "The decoys are too few for this level: a marked text scores above all of them, and the rest of the claim is the \
             analytic p-value's."
                .to_owned(),
        );
    }
    if scheme.reference().starts_with("unverified") {
        said.push(format!("This variant is {}.", scheme.reference()));
    }
    said
}

/// What becomes of windows that repeat.
fn repetitions(scheme: &dyn Scheme) -> &'static str {
    if scheme.effective_rule().once == Once::Never {
        return "Windows that repeat are scored each time, as the key file asks: the analytic p-value is for text without any, and the \
                decoys say whether this is one.";
    }
    "Windows that repeat are scored once, and a token that shares what the key draws with an earlier one counts as chance would \
     have it; which tokens are scored does not depend on the key."
}

/// What an attribution rests on.
pub(crate) fn attribution_assumptions(keys: usize, texts: usize) -> Vec<String> {
    vec![
        format!("Each of the {keys} keys was made at random and kept apart; p-values are corrected by Holm over all keys and {texts} texts."),
        "The text bears the mark of one of these keys or of none of them; a text of several tenants is inconclusive. What a \
         key has in common with the best is evidence for the best alone."
            .to_owned(),
        "The analytic p-value assumes that the scheme's hash acts as a random function on these texts; where decoy keys \
         contradict that, nothing is attributed."
            .to_owned(),
        "The token ids are those of the marking model's tokenizer.".to_owned(),
    ]
}
