//! When to try again, and after how long.

use std::time::Duration;

/// How often a question is tried and how long the waits between are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// Attempts at one question, the first included.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub first_wait: Duration,
    /// No wait is longer. A server that asks for more ends the question.
    pub longest_wait: Duration,
}

impl Patience {
    /// The wait after failure number `failures` (from 1): half of the doubled wait for certain and half by chance, so that
    /// clients that failed together do not come back together; never less than the server asked for.
    ///
    /// None when the server asks for a longer wait than allowed.
    pub(super) fn wait(&self, failures: u32, asked: Option<Duration>, random: f64) -> Option<Duration> {
        let doubled =
            self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.longest_wait);
        let own = doubled.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0));
        match asked {
            None => Some(own),
            Some(asked) if asked > self.longest_wait => None,
            // What the server asks for, and a little apart from the others.
            Some(asked) => {
                Some((asked + self.first_wait.mul_f64(random.clamp(0.0, 1.0))).min(self.longest_wait))
            }
        }
    }
}

/// Whether a reply with this status may be followed by a better one.
pub(super) fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// The wait that `retry-after` asks for: seconds, or a date measured against the reply's own `date`, which needs no clock
/// of ours.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (until, now) = (http_date(value)?, http_date(date?.trim())?);
    Some(Duration::from_secs(u64::try_from(until - now).unwrap_or(0)))
}

/// Seconds from 1970 to a date like `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if words.next() != Some("GMT") || !(1970..10_000).contains(&year) {
        return None;
    }
    // Days of the proleptic Gregorian calendar, years counted from March (Richards 2013, "Calendars").
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let days = days + (153 * shifted_month + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}
