//! The machine that the figures hold for.

use stillmark_kernels::isa::Isa;

/// One line: the processor, the instruction set that the kernels use, threads, memory.
pub(crate) fn describe() -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let numbers = ["cpu family", "model", "stepping"].map(|key| field("/proc/cpuinfo", key));
    let numbers = match numbers {
        [Some(family), Some(model), Some(stepping)] => {
            format!(" (family {family}, model {model}, stepping {stepping})")
        }
        _ => String::new(),
    };
    let threads = rayon::current_num_threads();
    let kib = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let memory = kib.map_or_else(String::new, |kib| format!(", {:.0} GiB", kib / 1024.0 / 1024.0));
    format!("{cpu}{numbers}, kernels for {}, {threads} threads{memory}", Isa::detected().name())
}

/// Which of the processor's features matter for the figures.
pub(crate) fn features() -> String {
    let flags = field("/proc/cpuinfo", "flags").unwrap_or_default();
    let of_note = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16"];
    let found: Vec<&str> =
        of_note.into_iter().filter(|name| flags.split(' ').any(|flag| flag == *name)).collect();
    let missing = if found.contains(&"avx512_bf16") {
        ""
    } else {
        "; no avx512_bf16: the bf16 targets do not hold here"
    };
    format!("{}{missing}", found.join(" "))
}

/// How much else ran: the mean number of processes that wanted a processor in the last minute.
pub(crate) fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

fn field(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}
