//! What this machine says of itself, as a description to fill in.

use std::fs;

/// The TOML that `pack mlperf --about` reads, with what this machine says of itself.
pub(crate) fn about() -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "FILL IN".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .map_or_else(|| "FILL IN".to_owned(), |kib| format!("{} GB", kib.div_ceil(1 << 20)));
    let system = fs::read_to_string("/etc/os-release").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
        Some(line.trim_matches('"').to_owned())
    });
    let system = system.unwrap_or_else(|| std::env::consts::OS.to_owned());
    let filled: [(&str, &str); 4] = [
        ("@PROCESSOR@", &processor),
        ("@CORES@", &cores.to_string()),
        ("@MEMORY@", &memory),
        ("@SYSTEM@", &system),
    ];
    let quoted = |value: &str| value.replace(['\\', '"'], " ");
    filled.iter().fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(name, &quoted(value)))
}

/// A value of a file of lines `name : value`.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

const TEMPLATE: &str = include_str!("about.toml");
