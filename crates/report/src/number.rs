//! Numbers as people read them.

use crate::beside::Unit;

/// A whole number with a thin space between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A part of one as a percentage.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// A value in its unit, to about three digits.
pub(crate) fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Percent => percent(value),
        Unit::TokensPerSecond => grouped(value.max(0.0).round() as u64),
        // Six times 0.2 is not 1.2 to a machine.
        Unit::Count if value < 1000.0 => format!("{}", (value * 1e6).round() / 1e6),
        Unit::Count | Unit::Plain => plain(value),
        Unit::PowerOfTen => power_of_ten(value),
    }
}

/// The number of that natural logarithm, to two digits, however small or large.
pub(crate) fn of_logarithm(ln: f64) -> String {
    power_of_ten(ln / std::f64::consts::LN_10)
}

/// The number of that decimal logarithm, to two digits, however small or large.
fn power_of_ten(log10: f64) -> String {
    let rounded = (log10 * 1e9).round() / 1e9;
    if (-3.0..=4.0).contains(&rounded) {
        let value = 10f64.powf(rounded);
        let digits = (1.0 - rounded.floor()).max(0.0) as usize;
        let text = format!("{value:.digits$}");
        let is_fraction = text.contains('.');
        return if is_fraction { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    let mut exponent = rounded.floor();
    let mut mantissa = 10f64.powf(rounded - exponent);
    if mantissa >= 9.95 {
        (mantissa, exponent) = (1.0, exponent + 1.0);
    }
    let power = format!("10{}", raised(exponent as i64));
    if mantissa < 1.05 { power } else { format!("{mantissa:.1} × {power}") }
}

fn raised(exponent: i64) -> String {
    let digit = |character: char| match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4'..='9' => {
            char::from_u32(u32::from(character) - u32::from('4') + u32::from('⁴')).unwrap_or(character)
        }
        _ => '⁰',
    };
    exponent.to_string().chars().map(digit).collect()
}

/// A bare number, to about three digits.
pub(crate) fn plain(value: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", grouped(size.round() as u64));
    }
    let text = match size {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size == 0.0 || size >= 0.1 => format!("{value:.2}"),
        size if size >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.1e}"),
    };
    text.replace('-', "−")
}
