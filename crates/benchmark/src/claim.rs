//! What a bare number can and cannot be.
//!
//! [`parse`](parse()) reads claims out of prose and of tables that harnesses print, [`grain`] says whether a share of so many items can be
//! written so, [`spread`] what a standard error, a comparison and a choice among runs imply, [`subjects`] whether a mean fits the parts it is
//! made of. What a text leaves open is [`Unclear`], never guessed.

pub mod grain;
mod names;
mod numbers;
mod parse;
mod printed_table;
pub mod spread;
mod stated;
pub mod subjects;
mod unclear;

pub use names::Named;
pub use parse::parse;
pub use stated::{Count, Metric, Stated};
pub use unclear::Unclear;

/// A decimal number as it was printed: its digits and how many of them stand behind the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printed {
    /// The digits, without the point.
    pub digits: u64,
    /// How many stand behind the point.
    pub decimals: u32,
}

impl Printed {
    /// Reads digits with a point or without: 18 digits at most after leading zeros, and 20 behind the point.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{behind}");
        let is_number = !digits.is_empty()
            && digits.trim_start_matches('0').len() <= 18
            && behind.len() <= 20
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then_some(Self { digits: digits.parse().ok()?, decimals: behind.len() as u32 })
    }

    /// Its value.
    pub fn value(self) -> f64 {
        self.digits as f64 / 10_f64.powi(self.decimals as i32)
    }

    /// Half of the last digit's unit: how far what was rounded may lie.
    pub fn half_unit(self) -> f64 {
        0.5 / 10_f64.powi(self.decimals as i32)
    }
}
