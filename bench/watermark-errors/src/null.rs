//! How often is unmarked text called marked?

use std::fmt::Write as _;

use serde_json::Value;

use crate::cell::{self, LEVELS, material};
use crate::charts;
use crate::classes::{self, CLASSES};
use crate::options::Options;
use crate::schemes::{REPEATING, SMALL, TESTED, Takes, Tested};
use crate::store;
use crate::teacher::Teacher;

/// Measures what is not there yet, and prints the tables.
pub(crate) fn print(options: &Options) -> Result<(), String> {
    let teacher = Teacher::open(options)?;
    let classes: Vec<&str> = CLASSES.into_iter().filter(|class| options.wants_class(class)).collect();
    let mut rows = Vec::new();
    for tested in TESTED.iter().filter(|tested| options.wants_scheme(tested.name)) {
        rows.push((tested.name, cells(tested, &classes, options, &teacher)?));
    }
    for (index, level) in LEVELS.iter().enumerate() {
        for (kind, words) in
            [("decoy", "Rank among 999 decoys"), ("analytic", "Analytic p-value where it is stated")]
        {
            println!("\n{words}: false alarms at α = {level}, as a multiple of α\n");
            rates(&rows, &classes, kind, index, *level);
        }
    }
    println!(
        "\nTexts whose analytic p-value is withheld, in percent; in brackets the p-value of uniformity where p is exact\n"
    );
    gate(&rows, &classes);
    println!("\nRepeated windows scored each time, templated text\n");
    let mut repeating = Vec::new();
    for tested in REPEATING.iter().filter(|tested| options.wants_scheme(tested.name)) {
        for class in ["templated", "repetitive"].into_iter().filter(|class| options.wants_class(class)) {
            let cells = cells(tested, &[class], options, &teacher)?;
            repeating.push((format!("{} | {class}", tested.name), cells));
        }
    }
    repeats(&repeating);
    charts::realized(options, &rows, &repeating, &classes)
}

fn cells(
    tested: &Tested,
    classes: &[&str],
    options: &Options,
    teacher: &Teacher,
) -> Result<Vec<Value>, String> {
    let one = |class: &&str| {
        let name = format!("null-{}-{class}-{}-{}", tested.name, options.texts, options.keys);
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        store::kept(&plain, &mut || {
            let texts = tokens(tested, class, options, teacher)?;
            // Keys that keep nothing: each is at work once a text.
            let like = tested.key(&material(0, 0))?;
            let keys: Vec<_> =
                (0..options.keys).map(|number| like.scheme().with_key(&material(0, number as u64))).collect();
            eprintln!("{} on {class}", tested.name);
            Ok(cell::measure(&texts, &keys))
        })
    };
    classes.iter().map(one).collect()
}

fn tokens(
    tested: &Tested,
    class: &str,
    options: &Options,
    teacher: &Teacher,
) -> Result<Vec<Vec<u32>>, String> {
    let (Takes::Tokens(length) | Takes::Small(length) | Takes::Words(length)) = tested.takes;
    let texts = classes::texts(class, options, teacher, length)?;
    match tested.takes {
        Takes::Tokens(_) => Ok(texts),
        Takes::Small(_) => {
            let folded = |text: Vec<u32>| text.into_iter().map(|token| token % SMALL).collect();
            Ok(texts.into_iter().map(folded).collect())
        }
        Takes::Words(_) => {
            let words = |text: &Vec<u32>| teacher.decode(text).map(|text| stillmark_watermark::words(&text));
            texts.iter().map(words).collect()
        }
    }
}

/// Count, pairs and the band of a test in a cell.
fn rate(cell: &Value, kind: &str, level: usize) -> Option<[f64; 4]> {
    let rate = cell[kind][level].as_array()?;
    let number = |index: usize| rate.get(index).and_then(Value::as_f64);
    Some([number(0)?, number(1)?, number(2)?, number(3)?])
}

fn rates(rows: &[(&str, Vec<Value>)], classes: &[&str], kind: &str, index: usize, level: f64) {
    head(classes, "pooled");
    let (mut all, mut above) = ((0.0, 0.0), 0);
    for (name, cells) in rows {
        let mut line = format!("| {name} |");
        let mut total = (0.0, 0.0);
        for cell in cells {
            let Some([count, pairs, low, high]) = rate(cell, kind, index) else {
                line += " - |";
                continue;
            };
            total = (total.0 + count, total.1 + pairs);
            above += usize::from(count > high);
            let sign = if count > high {
                " ↑"
            } else if count < low {
                " ↓"
            } else {
                ""
            };
            let _ = write!(line, " {:.2}{sign} |", count / pairs / level);
        }
        all = (all.0 + total.0, all.1 + total.1);
        println!("{line} {:.3} |", total.0 / total.1 / level);
    }
    let cells = rows.iter().map(|(_, cells)| cells.len()).sum::<usize>();
    println!(
        "\nAll pairs together: {:.3} of α ({:.0} of {:.0}); {above} of {cells} cells above their 99.9 % band.",
        all.0 / all.1 / level,
        all.0,
        all.1
    );
}

fn gate(rows: &[(&str, Vec<Value>)], classes: &[&str]) {
    head(classes, "tokens scored");
    let (mut sample, mut texts, mut refused) = (Vec::new(), 0.0, 0.0);
    for (name, cells) in rows {
        let mut line = format!("| {name} |");
        let mut sites = 0.0;
        for cell in cells {
            let number = |field: &str| cell[field].as_f64();
            let (own, all) = (number("refused").unwrap_or(0.0), number("texts").unwrap_or(1.0));
            (texts, refused) = (texts + all, refused + own);
            sites += number("sites").unwrap_or(0.0) / cells.len() as f64;
            let ks = number("ks").map(|p| format!(" ({p:.3})"));
            sample.extend(number("ks"));
            let _ = write!(line, " {:.2}{} |", 100.0 * own / all, ks.unwrap_or_default());
        }
        println!("{line} {sites:.0} |");
    }
    let least = sample.iter().copied().fold(1.0, f64::min);
    println!(
        "\nWithheld: {refused:.0} of {texts:.0} texts. Smallest p-value of uniformity: {least:.4} in {} cells.",
        sample.len()
    );
}

fn repeats(rows: &[(String, Vec<Value>)]) {
    println!("| scheme | class | peer's p ≤ .01 | p ≤ .001 | decoys' rank ≤ .01 | ≤ .001 | withheld here |");
    println!("|---|---|---|---|---|---|---|");
    for (name, cells) in rows {
        for cell in cells {
            let share = |kind, level| {
                rate(cell, kind, level)
                    .map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", 100.0 * rate[0] / rate[1]))
            };
            let number = |field: &str| cell[field].as_f64().unwrap_or(0.0);
            println!(
                "| {name} | {} | {} | {} | {} | {:.0} % |",
                share("ungated", 0),
                share("ungated", 1),
                share("decoy", 0),
                share("decoy", 1),
                100.0 * number("refused") / number("texts")
            );
        }
    }
}

fn head(classes: &[&str], last: &str) {
    println!("| scheme | {} | {last} |", classes.join(" | "));
    println!("|---|{}---|", "---|".repeat(classes.len()));
}
