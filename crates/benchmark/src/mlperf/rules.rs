//! The facts of MLPerf Inference v6.1 that directories are held to.
//! From mlcommons/inference: `tools/submission/submission_checker/constants.py`, `loadgen/mlperf.conf`, `truncate_accuracy_log.py`.

/// The round.
pub const ROUND: &str = "v6.1";

/// The seeds of the round, by the names that LoadGen logs them under.
pub const SEEDS: [(&str, u64); 3] = [
    ("qsl_rng_seed", 2_085_463_073_848_966_840),
    ("sample_index_rng_seed", 2_747_215_439_041_700_203),
    ("schedule_rng_seed", 16_159_082_839_903_944_936),
];

/// How long a performance run lasts at least.
pub const MIN_DURATION_MS: u64 = 600_000;

/// An accuracy log that is larger must be truncated.
pub const MAX_ACCURACY_LOG_BYTES: usize = 10 * 1024;

/// How much of either end of an accuracy log is kept.
pub const KEPT_BYTES: usize = 4096;

/// What stands between the two ends.
pub const ELLIPSIS: &[u8] = b"\n\n...\n\n";

/// The divisions.
pub const DIVISIONS: [&str; 3] = ["open", "closed", "network"];

/// The scenarios, as folders are named.
pub const SCENARIOS: [&str; 5] = ["SingleStream", "MultiStream", "Server", "Offline", "Interactive"];

/// What stands in the folder of a scenario; LoadGen 6 carries its `mlperf.conf` within itself.
pub const SCENARIO_FILES: [&str; 3] = ["measurements.json", "user.conf", "README.md"];

/// What stands in its folder `accuracy`.
pub const ACCURACY_FILES: [&str; 4] =
    ["accuracy.txt", "mlperf_log_accuracy.json", "mlperf_log_detail.txt", "mlperf_log_summary.txt"];

/// What stands in its folder `performance/run_1`.
pub const PERFORMANCE_FILES: [&str; 2] = ["mlperf_log_detail.txt", "mlperf_log_summary.txt"];

/// The fields of `measurements.json`, none of them empty.
pub const MEASUREMENT_FIELDS: [&str; 5] = [
    "input_data_types",
    "retraining",
    "starting_weights_filename",
    "weight_data_types",
    "weight_transformations",
];

/// The fields of a system description that must say something.
pub const SYSTEM_MEANINGFUL: [&str; 26] = [
    "division",
    "submitter",
    "system_type",
    "status",
    "system_name",
    "number_of_nodes",
    "host_processor_model_name",
    "host_processors_per_node",
    "host_processor_core_count",
    "host_memory_capacity",
    "host_memory_configuration",
    "host_storage_capacity",
    "host_storage_type",
    "host_networking",
    "host_network_card_count",
    "host_networking_topology",
    "accelerators_per_node",
    "accelerator_model_name",
    "accelerator_memory_capacity",
    "accelerator_host_interconnect",
    "accelerator_memory_configuration",
    "accelerator_interconnect",
    "cooling",
    "framework",
    "operating_system",
    "other_software_stack",
];

/// The other fields of a system description, which may be empty.
pub const SYSTEM_OTHER: [&str; 9] = [
    "host_processor_frequency",
    "host_processor_caches",
    "host_processor_interconnect",
    "accelerator_frequency",
    "accelerator_interconnect_topology",
    "accelerator_on-chip_memories",
    "hw_notes",
    "sw_notes",
    "system_type_detail",
];

/// What the description of a system across a network says besides; `is_network` first.
pub const SYSTEM_NETWORK: [&str; 13] = [
    "is_network",
    "network_type",
    "network_media",
    "network_rate",
    "nic_loadgen",
    "number_nic_loadgen",
    "net_software_stack_loadgen",
    "network_protocol",
    "number_connections",
    "nic_sut",
    "number_nic_sut",
    "net_software_stack_sut",
    "network_topology",
];

/// What the name of a system under test across a network holds.
pub const NETWORK_NAME: &str = "Network SUT";

/// The greatest `target_latency` of a Server run, in milliseconds, by benchmark.
pub const TARGET_LATENCY_MS: [(&str, u64); 12] = [
    ("resnet", 15),
    ("retinanet", 100),
    ("llama3.1-8b", 20_000),
    ("stable-diffusion-xl", 20_000),
    ("llama2-70b-99", 20_000),
    ("llama2-70b-99.9", 20_000),
    ("mixtral-8x7b", 20_000),
    ("llama3.1-405b", 60_000),
    ("deepseek-r1", 60_000),
    ("gpt-oss-120b", 60_000),
    ("qwen3-vl-235b-a22b", 60_000),
    ("dlrm-v3", 60_000),
];

/// The greatest 99th percentiles of the time to the first token and of the time per further token, in milliseconds.
pub const TOKEN_LIMITS_MS: [(&str, &str, [u64; 2]); 13] = [
    ("llama2-70b-99", "Server", [2000, 200]),
    ("llama2-70b-99", "Interactive", [450, 40]),
    ("llama2-70b-99.9", "Server", [2000, 200]),
    ("llama2-70b-99.9", "Interactive", [450, 40]),
    ("mixtral-8x7b", "Server", [2000, 200]),
    ("llama3.1-405b", "Server", [6000, 175]),
    ("llama3.1-405b", "Interactive", [4500, 80]),
    ("llama3.1-8b", "Server", [2000, 100]),
    ("llama3.1-8b", "Interactive", [500, 30]),
    ("deepseek-r1", "Server", [2000, 80]),
    ("deepseek-r1", "Interactive", [1500, 15]),
    ("gpt-oss-120b", "Server", [3000, 80]),
    ("gpt-oss-120b", "Interactive", [2000, 15]),
];

/// Other names of benchmarks that are taken without a mapping.
pub const OTHER_NAMES: [(&str, &str); 6] = [
    ("ssd-resnet34", "retinanet"),
    ("mobilenet", "resnet"),
    ("resnet50", "resnet"),
    ("llama3_1-405b", "llama3.1-405b"),
    ("llama3_1-8b", "llama3.1-8b"),
    ("llama3_1-8b-edge", "llama3.1-8b-edge"),
];

/// What a system's `status` may be.
pub const STATUS: [&str; 3] = ["available", "preview", "rdi"];

/// What a `system_type` may be.
pub const SYSTEM_TYPES: [&str; 4] = ["datacenter", "edge", "datacenter,edge", "edge,datacenter"];

/// The classes of what an audit of a directory finds: codes that `stillmark explain` explains.
pub const CLASSES: [&str; 15] = [
    "mlperf-missing-file",
    "mlperf-layout",
    "mlperf-system",
    "mlperf-malformed",
    "mlperf-seed",
    "mlperf-too-short",
    "mlperf-clock",
    "mlperf-result",
    "mlperf-logs-differ",
    "mlperf-loadgen-error",
    "mlperf-sample-count",
    "mlperf-hash",
    "mlperf-truncated",
    "mlperf-answers",
    "mlperf-accuracy",
];

/// A benchmark of the round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Benchmark {
    /// Its official name.
    pub name: &'static str,
    /// How many samples an accuracy run answers.
    pub accuracy_samples: u64,
    /// How many samples a performance run draws from, at least.
    pub performance_samples: u64,
    /// Whether LoadGen must count tokens.
    pub tokens: Tokens,
}

/// Whether LoadGen must count tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// It must: `use_token_latencies = 1`.
    Counted,
    /// It need not.
    Free,
}

const fn benchmark(name: &'static str, samples: [u64; 2], tokens: Tokens) -> Benchmark {
    Benchmark { name, accuracy_samples: samples[0], performance_samples: samples[1], tokens }
}

/// The benchmarks of the round whose answers are text or classes, and the others, by name.
pub const BENCHMARKS: [Benchmark; 23] = [
    benchmark("3d-unet-99", [43, 43], Tokens::Free),
    benchmark("3d-unet-99.9", [43, 43], Tokens::Free),
    benchmark("bert-99", [10833, 10833], Tokens::Free),
    benchmark("bert-99.9", [10833, 10833], Tokens::Free),
    benchmark("deepseek-r1", [4388, 4388], Tokens::Counted),
    benchmark("dlrm-v3", [349_823, 349_823], Tokens::Free),
    benchmark("gpt-oss-120b", [4395, 6396], Tokens::Counted),
    benchmark("llama2-70b-99", [24576, 24576], Tokens::Counted),
    benchmark("llama2-70b-99.9", [24576, 24576], Tokens::Counted),
    benchmark("llama3.1-405b", [8313, 8313], Tokens::Counted),
    benchmark("llama3.1-8b", [13368, 13368], Tokens::Counted),
    benchmark("llama3.1-8b-edge", [5000, 5000], Tokens::Counted),
    benchmark("mixtral-8x7b", [15000, 15000], Tokens::Counted),
    benchmark("pointpainting", [39987, 1024], Tokens::Free),
    benchmark("qwen3-vl-235b-a22b", [48289, 48289], Tokens::Free),
    benchmark("resnet", [50000, 1024], Tokens::Free),
    benchmark("retinanet", [24781, 64], Tokens::Free),
    benchmark("rgat", [788_379, 788_379], Tokens::Free),
    benchmark("stable-diffusion-xl", [5000, 5000], Tokens::Free),
    benchmark("wan-2.2-t2v-a14b", [248, 50], Tokens::Free),
    benchmark("whisper", [1633, 1633], Tokens::Free),
    benchmark("yolo-95", [1525, 64], Tokens::Free),
    benchmark("yolo-99", [1525, 64], Tokens::Free),
];

/// The benchmark of an official name, or of another name that is taken for one.
pub fn find(name: &str) -> Option<&'static Benchmark> {
    let name = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, official)| official);
    BENCHMARKS.iter().find(|benchmark| benchmark.name == name)
}
