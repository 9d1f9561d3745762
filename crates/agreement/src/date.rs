//! A calendar day, without a clock.

use std::fmt;
use std::str::FromStr;

/// A day of the Gregorian calendar, ordered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no day of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a date such as 2026-11-01")]
pub struct NoDate {
    /// The text.
    pub text: String,
}

impl Date {
    /// Days since the first of March of the year 0, for differences between days.
    fn day_number(self) -> i64 {
        let shifted_month = (i64::from(self.month) + 9) % 12;
        let year = i64::from(self.year) - shifted_month / 10;
        365 * year + year / 4 - year / 100 + year / 400
            + (shifted_month * 306 + 5) / 10
            + (i64::from(self.day) - 1)
    }

    /// How many days lie between an earlier day and this one; negative when that day is later.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.day_number() - earlier.day_number()
    }
}

impl FromStr for Date {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Self, NoDate> {
        let no_date = || NoDate { text: text.to_owned() };
        let digits_at = |range: std::ops::Range<usize>| {
            let part = text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            part.and_then(|part| part.parse::<u16>().ok()).ok_or_else(no_date)
        };
        let shape_holds = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        if !shape_holds {
            return Err(no_date());
        }
        let (year, month, day) = (digits_at(0..4)?, digits_at(5..7)?, digits_at(8..10)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u16::from(leap),
            _ => return Err(no_date()),
        };
        if !(1..=days).contains(&day) {
            return Err(no_date());
        }
        Ok(Self { year, month: month as u8, day: day as u8 })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
