//! The wall clock of a run: LoadGen writes `11-27-2026 14:45:40.987` where measuring begins and ends.

use super::detail::Detail;

/// How long a run measured by its wall clock, in milliseconds; none where it does not say.
pub(super) fn measured_ms(detail: &Detail) -> Option<i64> {
    Some(instant_ms(detail.text("power_end")?)? - instant_ms(detail.text("power_begin")?)?)
}

/// Milliseconds since 1970.
fn instant_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ')?;
    let date: Vec<i64> = date.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let &[month, day, year] = date.as_slice() else { return None };
    let (clock, millis) = time.split_once('.').unwrap_or((time, "0"));
    let clock: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let &[hours, minutes, seconds] = clock.as_slice() else { return None };
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day) && (1970..=9999).contains(&year);
    let is_time = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..=60).contains(&seconds);
    if !is_date || !is_time || millis.len() > 3 {
        return None;
    }
    let millis: i64 = format!("{millis:0<3}").parse().ok().filter(|millis| (0..1000).contains(millis))?;
    let minutes = (days(year, month, day) * 24 + hours) * 60 + minutes;
    Some((minutes * 60 + seconds) * 1000 + millis)
}

/// Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that a leap day ends one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}
