//! Where things lie in a submission: `DIVISION/SUBMITTER/{systems,src,results/SYSTEM/BENCHMARK/SCENARIO}`.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::DIVISIONS;

/// The folder of one result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The division.
    pub(super) division: String,
    /// Who submits.
    pub(super) submitter: String,
    /// The system.
    pub(super) system: String,
    /// The benchmark, as its folder is named.
    pub(super) benchmark: String,
    /// The scenario.
    pub(super) scenario: String,
}

impl Place {
    /// The folder of the submitter.
    pub(super) fn submitter_folder(&self) -> String {
        format!("{}/{}", self.division, self.submitter)
    }

    /// A file of this result's folder.
    pub(super) fn file(&self, name: &str) -> String {
        let Self { system, benchmark, scenario, .. } = self;
        format!("{}/results/{system}/{benchmark}/{scenario}/{name}", self.submitter_folder())
    }

    /// The description of the system.
    pub(super) fn system_file(&self) -> String {
        format!("{}/systems/{}.json", self.submitter_folder(), self.system)
    }

    /// A file among the sources of the benchmark.
    pub(super) fn source(&self, name: &str) -> String {
        format!("{}/src/{}/{name}", self.submitter_folder(), self.benchmark)
    }

    /// Where the untruncated accuracy log is kept, in the layout of the official `truncate_accuracy_log.py --backup`.
    pub(super) fn untruncated(&self) -> String {
        self.file("mlperf_log_accuracy.json")
    }
}

/// The results among files, by path.
pub(super) fn results<T>(files: &BTreeMap<String, T>) -> BTreeSet<Place> {
    files.keys().filter_map(|path| place(path)).collect()
}

fn place(path: &str) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').collect();
    let &[division, submitter, "results", system, benchmark, scenario, _, ..] = parts.as_slice() else {
        return None;
    };
    let known = DIVISIONS.contains(&division);
    let [submitter, system, benchmark, scenario] =
        [submitter, system, benchmark, scenario].map(str::to_owned);
    known.then(|| Place { division: division.to_owned(), submitter, system, benchmark, scenario })
}

/// Whether paths, relative to a folder, look like a submission.
pub fn is_submission(paths: &[String]) -> bool {
    paths.iter().any(|path| {
        let mut parts = path.split('/');
        let division = parts.next().is_some_and(|first| DIVISIONS.contains(&first));
        division && matches!(parts.nth(1), Some("results" | "systems" | "src"))
    })
}
