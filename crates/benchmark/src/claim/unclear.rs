//! What a claim leaves open.

/// Why a claim cannot be read: to guess would be to judge a number that nobody stated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// More than one number may be the score.
    #[error("`{clause}` holds more than one number that may be the score: {}", numbers.join(", "))]
    Several {
        /// The clause.
        clause: String,
        /// The numbers, as they are written.
        numbers: Vec<String>,
    },
    /// The comma of a number may stand before decimals or between thousands.
    #[error("the comma of `{number}` may stand before decimals or between thousands")]
    Comma {
        /// The number.
        number: String,
    },
    /// Digits that are no number, or are more than any score has.
    #[error("`{number}` is no number, or has more than 18 digits")]
    Number {
        /// What was found.
        number: String,
    },
}
