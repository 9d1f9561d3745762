//! The curves: what part of the texts is found, by the strength of an attack.

use std::path::Path;

use stillmark_report::Unit;
use stillmark_report::chart::{Axis, Chart, Plot, Size, Spread, Weight, file};

use crate::results::Results;
use crate::schemes;

/// A family of attacks, as one chart.
struct Family {
    file: &'static str,
    attack: &'static str,
    across: &'static str,
    unit: Unit,
    /// The strength that stands for the text as it was.
    untouched: f64,
}

const FAMILIES: [Family; 7] = [
    of_share("deletion", "words deleted"),
    of_share("insertion", "words inserted"),
    of_share("substitution", "words substituted"),
    of_share("dilution", "unmarked words around"),
    of_share("homoglyphs", "homoglyphs"),
    of_tokens("first", "first tokens kept"),
    of_tokens("last", "last tokens kept"),
];

const fn of_share(file: &'static str, attack: &'static str) -> Family {
    Family { file, attack, across: attack, unit: Unit::Percent, untouched: 0.0 }
}

const fn of_tokens(file: &'static str, attack: &'static str) -> Family {
    Family { file, attack, across: attack, unit: Unit::Count, untouched: 300.0 }
}

/// Writes a chart for each family.
pub(crate) fn write(results: &Results, folder: &Path) -> Result<(), String> {
    for family in FAMILIES {
        let path = folder.join(format!("{}.svg", family.file));
        std::fs::write(&path, file(&chart(results, &family)))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn chart(results: &Results, family: &Family) -> Chart {
    let lines = schemes::ALL.iter().map(|entry| {
        let own = results.cells.iter().filter(|cell| cell.scheme == entry.name);
        let mut points: Vec<(f64, f64)> = own
            .filter_map(|cell| {
                let at = match cell.attack.as_str() {
                    attack if attack == family.attack => cell.strength,
                    "re-tokenization alone" => family.untouched,
                    _ => return None,
                };
                Some((at, cell.detected as f64 / cell.texts.max(1) as f64))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Plot { name: entry.name.to_owned(), points, weight: Weight::Told }
    });
    Chart {
        title: format!("Texts of 300 tokens that are found at level 0.001, by {}", family.attack),
        across: Axis {
            label: family.across.to_owned(),
            unit: family.unit,
            spread: Spread::Even,
            range: Some((0.0, family.untouched)),
        },
        up: Axis {
            label: "texts found".to_owned(),
            unit: Unit::Percent,
            spread: Spread::Even,
            range: Some((0.0, 1.0)),
        },
        lines: lines.collect(),
        threshold: None,
        size: Size::Whole,
    }
}
