//! Says where a newer text has taken the place of the one that is applied.

use super::Findings;
use crate::pack::{Entry, Pack};

/// Notes, at the first use of a text, which newer ones held on the day asked about.
pub(super) fn note_newer(findings: &mut Findings<'_>, pack: &Pack, entry: &Entry) {
    if findings.terms_digests.contains_key(&entry.id) {
        return;
    }
    for newer in pack.newer(&entry.id, &findings.on) {
        let since = newer.in_force.as_ref().map(ToString::to_string).unwrap_or_default();
        findings.notes.push(format!(
            "Judged by `{}` as named; `{}` has taken its place since {since}: \
             `stillmark agreement terms diff {} {}` shows what differs.",
            entry.id, newer.id, entry.id, newer.id
        ));
    }
}
