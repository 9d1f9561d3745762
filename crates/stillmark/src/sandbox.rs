//! Programs of unknown origin, run with as little as this machine lets us take from them without rights of our own.
//!
//! Taken by limits: time, processor time, memory, file sizes, the environment. Taken by the kernel, where it can (`guard.py`, before the program is
//! read): by Landlock, every file but those of Python and the system, which are only read, and the folder of its own; by seccomp, other
//! processes and programs, sockets, signals. `unshare` takes the network a second time. Not taken: threads, and what a fault of the kernel
//! gives. Whoever runs hostile code should do so in a container or a virtual machine; [`Isolation`] says what was taken.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::problem::Problem;

/// What could be taken from programs on this machine, besides what limits take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Isolation {
    /// Files outside of a folder of its own.
    pub(crate) files: Access,
    /// Other processes, and sockets.
    pub(crate) processes: Access,
    /// The network, by a namespace without one.
    namespace: Access,
}

/// Whether something could be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It was taken.
    Taken,
    /// The kernel, or its settings, left it.
    Left,
}

impl Isolation {
    /// The network.
    pub(crate) fn network(self) -> Access {
        if self.namespace == Access::Taken { Access::Taken } else { self.processes }
    }
}

/// Runs before a program, and takes.
const GUARD: &str = include_str!("guard.py");

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, having written this (its first bytes).
    Said(Vec<u8>),
    /// It was killed when its time was over.
    TimedOut,
}

/// Limits of one program: seconds of processor, KiB of memory, blocks of a file.
const LIMITS: &str = "ulimit -t 20 -v 4194304 -f 20480 -c 0; exec \"$@\"";

/// How much of its output is kept.
const KEPT_BYTES: u64 = 64 << 10;

/// Finds out what can be taken.
pub(crate) fn probe() -> Isolation {
    let mut command = Command::new("unshare");
    let tried = command.args(["-r", "-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let mut guard = Command::new("python3");
    guard.args(["-I", "-S", "-c", GUARD, "probe"]).env_clear().env("PATH", PATH).stdin(Stdio::null());
    let said = guard.output().map(|output| output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let taken = |what: &str| match said.split_whitespace().find(|word| *word == what) {
        Some(_) => Access::Taken,
        None => Access::Left,
    };
    Isolation {
        files: taken("files"),
        processes: taken("processes"),
        namespace: match tried {
            Ok(status) if status.success() => Access::Taken,
            _ => Access::Left,
        },
    }
}

/// Where programs are looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Runs a Python program, read from stdin, in an empty folder that is its own.
pub(crate) fn python(
    program: &str,
    (folder, isolation): (&Path, Isolation),
    limit: Duration,
) -> Result<Ended, Problem> {
    let cannot = |err: std::io::Error| {
        Problem::new("a program cannot be run")
            .cause(err.to_string())
            .hint("`sh` and `python3` are needed; or leave `--run-code` out")
    };
    let mut command = Command::new("sh");
    command.args(["-c", LIMITS, "sh"]);
    if isolation.namespace == Access::Taken {
        command.args(["unshare", "-r", "-n"]);
    }
    command.args(["python3", "-I", "-S", "-c", GUARD]).current_dir(folder).env_clear();
    command.env("PATH", PATH).env("PYTHONHASHSEED", "0");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    in_own_group(&mut command);
    let mut child = command.spawn().map_err(cannot)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let text = program.as_bytes().to_vec();
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&text)));
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(mut stdout) = stdout {
            // What is beyond is read and dropped: a full pipe would stop the program.
            let _ = stdout.by_ref().take(KEPT_BYTES).read_to_end(&mut said);
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        }
        said
    });
    let started = Instant::now();
    let in_time = loop {
        if child.try_wait().map_err(cannot)?.is_some() {
            break true;
        }
        if started.elapsed() > limit {
            break false;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    // Its children go with it, also when it ended in time and left some behind.
    kill_group(child.id());
    let _ = child.kill();
    let _ = child.wait();
    let _ = writer.join();
    let said = reader.join().unwrap_or_default();
    Ok(if in_time { Ended::Said(said) } else { Ended::TimedOut })
}

#[cfg(unix)]
fn in_own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn in_own_group(_: &mut Command) {}

/// Ends a process group, which has the number of its first process.
fn kill_group(id: u32) {
    let mut command = Command::new("kill");
    let quiet = command.args(["-KILL", "--", &format!("-{id}")]).stdout(Stdio::null()).stderr(Stdio::null());
    // There may be nobody left.
    let _ = quiet.status();
}
