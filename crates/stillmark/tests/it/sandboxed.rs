//! Programs of unknown origin, held by what the kernel takes from them.

use std::fs;

use serde_json::Value;

use crate::place::Place;

const PROBLEM: &str = r#"{"task_id":"P/0","prompt":"def f():\n","entry_point":"f","test":"def check(candidate):\n    assert candidate() == 1\n"}"#;

/// Whether a body of the function passes, and what was taken from it.
fn run(place: &Place, body: &str) -> (bool, Value) {
    let sample = serde_json::json!({"task_id": "P/0", "completion": body});
    fs::write(place.path("problems.jsonl"), PROBLEM).unwrap();
    fs::write(place.path("samples.jsonl"), sample.to_string()).unwrap();
    let words = [
        "--quiet",
        "--format",
        "json",
        "benchmark",
        "humaneval",
        "samples.jsonl",
        "--problems",
        "problems.jsonl",
    ];
    let said = place.done(&[&words[..], &["--run-code", "--timeout", "3"]].concat());
    let answer: Value = serde_json::from_str(&said).unwrap();
    (answer["passed"] == 1, answer)
}

#[test]
fn a_program_that_only_computes_passes() {
    let place = Place::bare();
    assert!(run(&place, "    import math, re, hashlib\n    return int(math.sqrt(1))\n").0);
    assert!(run(&place, "    open('own', 'w').write('1')\n    return int(open('own').read())\n").0);
    assert!(!run(&place, "    import sys\n    sys.exit(0)\n").0, "leaving early is not passing");
}

#[test]
fn a_program_can_neither_leave_its_folder_nor_start_others_nor_go_on_for_ever() {
    let place = Place::bare();
    let outside = place.path("outside");
    let (wrote, answer) = run(&place, &format!("    open({outside:?}, 'w').write('x')\n    return 1\n"));
    if answer["files"] == "taken away" {
        assert!(!wrote && !outside.exists());
        let read = format!("    open({:?}).read()\n    return 1\n", place.path("problems.jsonl"));
        assert!(!run(&place, &read).0, "it reads what the user may read");
    } else {
        println!("skipped: this kernel takes no files away");
    }
    if answer["processes"] == "taken away" {
        for body in ["os.fork()", "os.execv('/bin/true', ['true'])", "os.kill(os.getppid(), 0)"] {
            assert!(!run(&place, &format!("    import os\n    {body}\n    return 1\n")).0, "{body}");
        }
        assert!(!run(&place, "    import socket\n    socket.socket()\n    return 1\n").0);
    } else {
        println!("skipped: this kernel takes no processes away");
    }
    let (passed, answer) = run(&place, "    while True: pass\n");
    assert!(!passed && answer["timed_out"] == 1);
    assert!(!run(&place, "    x = bytearray(6 << 30)\n    return 1\n").0, "memory is limited");
    assert!(!run(&place, "    f = open('big', 'wb')\n    while True: f.write(bytes(1 << 20))\n").0);
}
