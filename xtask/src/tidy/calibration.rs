//! A detector without a calibration test does not ship.

use super::Breach;
use super::tree::Tree;

/// The rooms whose answers are accusations.
const DETECTORS: [&str; 3] = ["watermark", "extraction", "lineage"];

/// Detector rooms without calibration tests.
pub(crate) fn breaches(tree: &Tree) -> Vec<Breach> {
    let lacking = |room: &&&str| {
        let tests = format!("crates/{room}/tests/it/calibration");
        let there = tree.has(&format!("crates/{room}"));
        there && !tree.has(&tests) && !tree.has(&format!("{tests}.rs"))
    };
    DETECTORS
        .iter()
        .filter(lacking)
        .map(|room| Breach::new(format!("crates/{room}"), "has detectors and no tests/it/calibration"))
        .collect()
}
