//! Runs that are killed, interrupted, or run out of disk, and then resumed: the same bits come of them. And replays, which
//! give the recorded bits or name the first step that differs.
//!
//! The default run kills a tiny model's run a few times. With `STILLMARK_TEST_LONG` set, twenty runs of the real teacher are
//! killed, each at least once during capture and once during training. `STILLMARK_TEST_SEED` repeats other moments.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::place::{Dice, Place, told};

const TINY: &str = r#"
[student]
name = "student"
license = "apache-2.0"
init = { from = "teacher", layers = 2, by = "influence" }
[teacher]
model = "tiny"
terms = ["apache-2.0"]
[[prompts]]
file = "prompts.jsonl"
terms = ["cc0-1.0"]
[capture]
max_tokens = 40
top_logprobs = 8
shard_rows = 4
seed = 7
[train]
steps = 60
seq_len = 96
batch = 3
lr = 1e-3
checkpoint_every = 5
keep = 0
eval_every = 20
seed = 7
[declared]
commercial = false
audience = "private"
"#;
const TINY_PROMPTS: usize = 40;

/// As the quickstart's plan, made small.
const REAL: &str = r#"
[student]
name = "student"
license = "apache-2.0"
init = { from = "teacher", layers = 5, by = "influence" }
[teacher]
model = "TEACHER"
terms = ["apache-2.0"]
[[prompts]]
file = "prompts.jsonl"
terms = ["cc0-1.0"]
[capture]
temperature = 0.7
top_p = 0.95
max_tokens = 32
top_logprobs = 16
shard_rows = 3
seed = 7
[train]
steps = 8
seq_len = 64
batch = 2
lr = 2e-4
precision = "bf16"
checkpoint_every = 2
keep = 0
held_out = 0.1
seed = 7
[declared]
commercial = false
audience = "private"
"#;
const REAL_PROMPTS: usize = 12;

fn seed(usual: u64) -> u64 {
    std::env::var_os("STILLMARK_TEST_SEED")
        .and_then(|text| text.to_str().and_then(|text| text.parse().ok()))
        .unwrap_or(usual)
}

/// A sign on the disk that a run came to a certain point.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// So many files of records.
    Shards(u64),
    /// So many lines of metrics.
    Lines(u64),
}

impl Sign {
    fn is_given(self, run: &Path) -> bool {
        match self {
            Self::Shards(count) => {
                let files = fs::read_dir(run.join("data")).into_iter().flatten().flatten();
                let is_shard = |name: &str| name.starts_with("records-") && name.ends_with(".parquet");
                let shards = files.filter(|file| file.file_name().to_str().is_some_and(is_shard)).count();
                count <= shards as u64
            }
            Self::Lines(count) => fs::read(run.join("metrics.jsonl"))
                .is_ok_and(|bytes| count <= bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()),
        }
    }
}

/// Lets a run go on until the sign is given and a moment longer, then sends the signal. How it ended; a run may end before.
fn stopped(mut run: Child, folder: &Path, sign: Sign, moment: Duration, signal: &str) -> ExitStatus {
    // The one place where a test waits by the clock: there is no other way to hit a process in the midst of its work.
    while !sign.is_given(folder) {
        if let Some(status) = run.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    std::thread::sleep(moment);
    // It may have ended in this very moment: its status is what counts.
    let _ = Command::new("kill").args([signal, &run.id().to_string()]).stderr(Stdio::null()).status();
    run.wait().unwrap()
}

/// How long things take, so that a moment falls anywhere in them.
struct Pace {
    shards: u64,
    lines: u64,
    between_shards_us: u64,
    between_lines_us: u64,
}

/// Kills a run once during its capture and once or twice during its training, resuming each time; how often it was hit.
fn killed_and_resumed(place: &Place, name: &str, pace: &Pace, dice: &mut Dice) -> [usize; 2] {
    let folder = place.path(name);
    let mut hits = [0, 0];
    let last = dice.below(2);
    for kill in 0..=1 + last {
        let (phase, sign, moment) = match kill {
            0 => (0, Sign::Shards(dice.below(pace.shards)), dice.below(pace.between_shards_us)),
            _ => (1, Sign::Lines(dice.below(pace.lines)), dice.below(pace.between_lines_us)),
        };
        let mut command =
            place.stillmark(&["--quiet", "distill", "run", "plan.toml", "--resume", "--out", name]);
        let run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let status = stopped(run, &folder, sign, Duration::from_micros(moment), "-KILL");
        println!("{name}: {sign:?} and {moment} us: {status}");
        hits[phase] += usize::from(status.code().is_none());
    }
    place.done(&["--quiet", "distill", "run", "plan.toml", "--resume", "--out", name]);
    hits
}

/// What must not depend on how often a run was stopped.
fn result(place: &Place, name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = place.path(name);
    let mut files = vec!["metrics.jsonl".to_owned()];
    for inner in ["model", "data"] {
        let entries = fs::read_dir(folder.join(inner)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        files.extend(names.map(|name| format!("{inner}/{name}")));
    }
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read(folder.join(file)).unwrap())).collect()
}

fn same(place: &Place, whole: &[(String, Vec<u8>)], name: &str) {
    let found = result(place, name);
    let names = |all: &[(String, Vec<u8>)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(whole), names(&found), "{name}");
    for ((file, expected), (_, found)) in whole.iter().zip(&found) {
        assert!(expected == found, "{name}/{file} differs from that of the uninterrupted run");
    }
    place.done(&["--quiet", "verify", name]);
}

fn kill_all(place: &Place, runs: usize, pace: &Pace, dice: &mut Dice) {
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "whole"]);
    let whole = result(place, "whole");
    let mut hits = [0, 0];
    for run in 0..runs {
        let name = format!("killed-{run}");
        let [capture, training] = killed_and_resumed(place, &name, pace, dice);
        same(place, &whole, &name);
        hits = [hits[0] + capture, hits[1] + training];
        fs::remove_dir_all(place.path(&name)).unwrap();
    }
    println!(
        "{runs} of {runs} runs ended with the same bits; killed {} times in capture, {} in training",
        hits[0], hits[1]
    );
    assert!(hits.iter().all(|hits| runs <= 2 * hits), "too few kills hit: {hits:?}");
}

/// Ten random stretches give the same bits; one altered bit of a checkpoint's weights does not pass, wherever it lies.
fn replays(place: &Place, steps: u64, every: u64, dice: &mut Dice) {
    let replay = |code: i32, first: u64, last: u64| {
        let stretch = format!("{first}..{last}");
        place.ends(code, &["--quiet", "distill", "replay", "whole", "--steps", &stretch])
    };
    for _ in 0..10 {
        let first = 1 + dice.below(steps);
        let last = first + dice.below((steps - first + 1).min(3 * every));
        let said = replay(0, first, last);
        assert!(said.starts_with("same: "), "{said}");
    }
    let saved = every * (1 + dice.below(steps / every - 1));
    let weights = format!("whole/checkpoints/step-{saved:08}/weights.safetensors");
    place.fixture(&["flip", &weights]);
    let named = |said: &str, first: u64, last: u64| {
        let says = |step: u64| said.starts_with(&format!("differs: step {step} is the first that does"));
        assert!((first..=last).any(says), "{said}");
    };
    // Begun from it: a bit that bf16 rounds away shows in no loss, and then in the next checkpoint's weights.
    named(&replay(1, saved + 1, saved + every), saved + 1, saved + every);
    named(&replay(1, saved + 1, saved + 1), saved + 1, saved + 1);
    // Come to it.
    named(&replay(1, saved, saved), saved, saved);
    if saved > every {
        named(&replay(1, saved - every + 1, saved + 1), saved, saved);
    }
    place.fixture(&["flip", &weights]);
    assert!(replay(0, saved + 1, saved + 2).starts_with("same: "));
    println!("ten stretches gave the same bits; one altered bit of step {saved} was named");
}

#[test]
fn a_killed_run_resumes_with_the_same_bits_and_replays() {
    let place = Place::tiny(TINY, TINY_PROMPTS);
    let mut dice = Dice::of(seed(20_261_124));
    let pace = Pace { shards: 10, lines: 60, between_shards_us: 20_000, between_lines_us: 20_000 };
    kill_all(&place, 4, &pace, &mut dice);
    replays(&place, 60, 5, &mut dice);
}

/// A place for runs of the real teacher, where the long tests are wanted and the model is at hand.
fn long_place() -> Option<Place> {
    let named = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let (Some(_), Some(model)) = (named("STILLMARK_TEST_LONG"), named("STILLMARK_TEST_MODEL")) else {
        println!("skipped: STILLMARK_TEST_LONG and STILLMARK_TEST_MODEL are not both set");
        return None;
    };
    Some(Place::empty(&REAL.replace("TEACHER", &model), REAL_PROMPTS))
}

#[test]
fn long_kills_on_the_real_teacher() {
    let Some(place) = long_place() else { return };
    let pace = Pace { shards: 4, lines: 9, between_shards_us: 2_000_000, between_lines_us: 1_500_000 };
    kill_all(&place, 20, &pace, &mut Dice::of(seed(1)));
}

#[test]
fn long_replays_on_the_real_teacher() {
    let Some(place) = long_place() else { return };
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "whole"]);
    replays(&place, 8, 2, &mut Dice::of(seed(2)));
}

#[test]
fn ctrl_c_stops_with_130_and_nothing_is_lost() {
    let place = Place::tiny(TINY, TINY_PROMPTS);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "whole"]);
    let whole = result(&place, "whole");
    for (name, sign) in [("early", Sign::Shards(2)), ("late", Sign::Lines(7))] {
        let mut command = place.stillmark(&["--quiet", "distill", "run", "plan.toml", "--out", name]);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = run.stderr.take().unwrap();
        let status = stopped(run, &place.path(name), sign, Duration::ZERO, "-INT");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut said, &mut text).unwrap();
        assert_eq!(status.code(), Some(130), "{text}");
        assert!(text.starts_with("error: interrupted\n") && text.contains("--resume"), "{text}");
        place.done(&["--quiet", "distill", "run", "plan.toml", "--resume", "--out", name]);
        same(&place, &whole, name);
    }
}

#[test]
fn a_full_disk_stops_with_one_error_and_nothing_is_lost() {
    let place = Place::tiny(TINY, TINY_PROMPTS);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "whole"]);
    let whole = result(&place, "whole");
    // From a disk too small for the records, past one too small for a checkpoint, to one too small for the evidence.
    let mut sizes = vec![40, 150, 450, 900, 2_000, 4_150];
    if !place.fixture_command(&["small-disk-works"]).status().unwrap().success() {
        println!(
            "skipped: no disk may be mounted here; three limits on the size of a file stand in for full disks"
        );
        sizes.truncate(3);
    }
    for kib in sizes {
        let name = format!("full-{kib}");
        let run = ["stillmark", "--quiet", "distill", "run", "plan.toml", "--resume", "--out", &name];
        let size = kib.to_string();
        let words = [&["small-disk", &size, &name, "--"][..], &run].concat();
        let output = place.fixture_command(&words).output().unwrap();
        let said = told(&output);
        println!("{kib} KiB: {}", said.lines().next().unwrap_or_default());
        assert_eq!(output.status.code(), Some(2), "{kib} KiB: {said}");
        assert!(said.contains("(os error ") && said.contains("hint: make room"), "{kib} KiB: {said}");
        place.done(&run[1..]);
        same(&place, &whole, &name);
    }
}
