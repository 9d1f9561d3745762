//! One canonical form of a plan's content, so that comments and spacing do not change its digest.

use std::fmt::Write as _;

use toml::de::{DeTable, DeValue};

/// Renders `table` with sorted keys, one form of each number, and no comments.
pub(super) fn render(table: &DeTable<'_>) -> String {
    let mut out = String::from("stillmark/plan/v1\n");
    write_table(&mut out, table);
    out
}

fn write_table(out: &mut String, table: &DeTable<'_>) {
    let mut keys: Vec<_> = table.iter().collect();
    keys.sort_by(|a, b| a.0.get_ref().cmp(b.0.get_ref()));
    out.push('{');
    for (idx, (key, value)) in keys.into_iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write_text(out, key.get_ref());
        out.push(':');
        write_value(out, value.get_ref());
    }
    out.push('}');
}

fn write_value(out: &mut String, value: &DeValue<'_>) {
    match value {
        DeValue::String(text) => write_text(out, text),
        DeValue::Integer(integer) => match i128::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => _ = write!(out, "{number}"),
            Err(_) => write_text(out, integer.as_str()),
        },
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) => _ = write!(out, "{number:?}"),
            Err(_) => write_text(out, float.as_str()),
        },
        DeValue::Boolean(flag) => _ = write!(out, "{flag}"),
        DeValue::Datetime(date) => write_text(out, &date.to_string()),
        DeValue::Array(items) => {
            out.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    out.push(',');
                }
                write_value(out, item.get_ref());
            }
            out.push(']');
        }
        DeValue::Table(table) => write_table(out, table),
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if letter.is_control() => _ = write!(out, "\\u{:04x}", u32::from(letter)),
            letter => out.push(letter),
        }
    }
    out.push('"');
}
