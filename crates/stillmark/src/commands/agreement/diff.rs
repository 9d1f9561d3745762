//! `stillmark agreement terms diff A B`.

use serde::Serialize;
use stillmark_agreement::{Difference, Pack, diff};

use super::heads::{Head, find, head};
use crate::problem::Stop;
use crate::session::Session;

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    left: Head<'a>,
    right: Head<'a>,
    same: bool,
    differences: Vec<Difference>,
}

/// Says what two texts say differently.
pub(super) fn run(pack: &Pack, left: &str, right: &str, session: &Session) -> Result<(), Stop> {
    let (left, right) = (find(pack, left)?, find(pack, right)?);
    let differences = diff(left, right);
    let answer = Answer {
        schema: "stillmark/terms-diff/v1",
        left: head(left),
        right: head(right),
        same: differences.is_empty(),
        differences,
    };
    session.answer(&answer, || {
        let mut lines = vec![
            format!("- {}: {} ({})", left.id, left.name, left.version),
            format!("+ {}: {} ({})", right.id, right.name, right.version),
        ];
        if answer.same {
            lines.push("No listed rule differs.".to_owned());
        }
        lines.extend(answer.differences.iter().map(told));
        lines.join("\n")
    })
}

fn told(difference: &Difference) -> String {
    let actions: Vec<&str> = difference.actions.iter().map(|action| action.as_str()).collect();
    let mut lines = vec![format!("\n{}: {}", difference.aspect.as_str(), actions.join(", "))];
    let mut side = |mark: &str, text: &Option<String>, clause: &Option<String>| {
        if let (Some(text), Some(clause)) = (text, clause) {
            lines.push(format!("  {mark} {text} ({clause})"));
        }
    };
    side("-", &difference.left, &difference.left_clause);
    side("+", &difference.right, &difference.right_clause);
    lines.join("\n")
}
