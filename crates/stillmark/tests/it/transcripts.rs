//! The transcripts of `tests/cli` and the commands of `docs/guide` and `docs/course`, run as they are written.
//!
//! A page with a folder `PAGE.in` beside it runs in a copy of that folder. The home folder is `home` below
//! the current one, so that nothing of the user's is read or touched. `fixture` is the tests' own program, of `fixture/`.

use std::path::Path;

use crate::place;

fn cases() -> trycmd::TestCases {
    let cases = trycmd::TestCases::new();
    cases.register_bin("fixture", place::fixture());
    cases.env("FIXTURE_STILLMARK", env!("CARGO_BIN_EXE_stillmark"));
    for (name, value) in
        [("HOME", "home"), ("NO_COLOR", "1"), ("XDG_CACHE_HOME", ""), ("XDG_CONFIG_HOME", "")]
    {
        cases.env(name, value);
    }
    cases
}

#[test]
fn transcripts_of_tests_cli() {
    cases().case("../../tests/cli/*.md").run();
}

#[test]
fn transcripts_of_the_guides() {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
    assert!(guides.is_dir(), "the guides are gone");
    cases().case("../../docs/guide/*.md").run();
}

#[test]
fn transcripts_of_the_course() {
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/course");
    assert!(course.is_dir(), "the course is gone");
    cases().case("../../docs/course/*.md").run();
}
