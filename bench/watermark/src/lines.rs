//! What the table holds: our figure, the peer's, the target, and the machine's limit.

use crate::figures::VOCABULARIES;

/// What a figure is counted in; time an item lies behind each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    NanosecondsAnEntry,
    MillisecondsAToken,
    TokensASecond,
    Seconds,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// The figure to measure, and how many items are in one of what it measures.
    pub(crate) ours: String,
    pub(crate) items: f64,
    pub(crate) unit: Unit,
    /// What the figure is held to, in its unit.
    pub(crate) target: Option<f64>,
    pub(crate) peer: Option<Peer>,
    /// Cycles an item below which the machine cannot go.
    pub(crate) limit: Option<f64>,
}

/// The peer's figure.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) figure: String,
    /// How many of our items are in one of its.
    pub(crate) items: f64,
    /// How many times as fast ours is held to be.
    pub(crate) ratio: Option<f64>,
}

/// Philox at one token of 32 words: twenty multiplications of 8 lanes, one a cycle.
const CHOICE: f64 = 20.0 / 32.0;

/// Two Philox blocks a site of width 4: forty multiplications of 8 lanes, one a cycle.
const SITE: f64 = 40.0 / 8.0;

/// A draw swaps two entries: two stores, one a cycle; a quarter of the entries is drawn.
const LIST: f64 = 0.5;

/// A draw for 16 tokens is about 36 vector instructions (generator, remainder, following), two a cycle; a quarter of the
/// entries is drawn.
const FOLLOWED: f64 = 36.0 / 2.0 / 16.0 / 4.0;

/// Thirty-one passes of 12 bytes a place, 32 bytes a cycle, over 2^16 places, or as many as the vocabulary has.
const TOURNAMENT: f64 = 31.0 * 12.0 / 32.0;

/// One line of 64 bytes from level 2 for the table of bits and one for the set of windows, 32 bytes a cycle.
const LOOKED_UP: f64 = 4.0;

impl Line {
    fn new(name: impl Into<String>, ours: impl Into<String>, unit: Unit) -> Self {
        Self { name: name.into(), ours: ours.into(), items: 1.0, unit, target: None, peer: None, limit: None }
    }

    fn items(self, items: f64) -> Self {
        Self { items, ..self }
    }

    fn target(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    fn limit(self, cycles: f64) -> Self {
        Self { limit: Some(cycles), ..self }
    }

    fn peer(self, figure: impl Into<String>, items: f64) -> Self {
        Self { peer: Some(Peer { figure: figure.into(), items, ratio: None }), ..self }
    }

    fn ratio(self, ratio: f64) -> Self {
        let peer = self.peer.map(|peer| Peer { ratio: Some(ratio), ..peer });
        Self { peer, ..self }
    }
}

/// Every line.
pub(crate) fn all() -> Vec<Line> {
    let mut lines: Vec<Line> = VOCABULARIES.into_iter().flat_map(marking).collect();
    lines.extend(detecting());
    lines.extend(keys());
    lines
}

fn marking(vocabulary: usize) -> Vec<Line> {
    let line = |name: &str, ours: &str, unit| {
        Line::new(format!("{name}, V = {vocabulary}"), format!("{ours}:{vocabulary}"), unit)
    };
    let peer = |name: &str| format!("{name}, V={vocabulary}");
    let (entry, entries) = (Unit::NanosecondsAnEntry, vocabulary as f64);
    let gumbel = peer("vllm gumbel sampling");
    let synthid = peer("transformers synthid processor, depth 30");
    let places = vocabulary.min(1 << 16) as f64;
    vec![
        line("philox-Gumbel choice", "gumbel-kernel", entry)
            .target(2.5)
            .limit(CHOICE)
            .peer(gumbel.as_str(), 1.0),
        line("the same, a step of marking", "choose:vllm-philox", entry)
            .items(entries)
            .target(2.5)
            .limit(CHOICE)
            .peer(gumbel, 1.0),
        line("`stillmark-gumbel`, a step of marking", "choose:stillmark-gumbel", entry).items(entries),
        line("KGW exact list / transformers' detector", "list", entry)
            .target(0.8)
            .limit(LIST)
            .peer(peer("transformers kgw lefthash detector"), entries),
        line("KGW lefthash, a step of marking", "bias:lefthash", entry)
            .items(entries)
            .limit(LIST)
            .peer(peer("transformers kgw lefthash processor"), entries),
        line("KGW selfhash, a step of marking", "bias:selfhash", Unit::MillisecondsAToken)
            .peer(peer("transformers kgw selfhash processor"), 1.0),
        line("SynthID tournament, depth 30", "tournament", Unit::MillisecondsAToken)
            .target(2.0)
            .limit(TOURNAMENT * places)
            .peer(synthid.as_str(), 1.0),
        line("the same, a step of marking", "choose:synthid-transformers", Unit::MillisecondsAToken)
            .target(2.0)
            .limit(TOURNAMENT * places)
            .peer(synthid, 1.0),
    ]
}

fn detecting() -> Vec<Line> {
    let rate = Unit::TokensASecond;
    let mut lines = Vec::new();
    for length in [200, 2000, 100_000] {
        let line = |name: &str, ours: &str| {
            Line::new(format!("{name}, texts of {length}"), format!("{ours}:{length}"), rate)
        };
        let peer = |keys: &str| format!("vllm {keys}-key gumbel detector, texts of {length} tokens");
        lines.extend([
            line("Gumbel, raw", "sites:raw").target(10e6).limit(SITE),
            line("Gumbel, deduplicated", "sites:vllm-philox")
                .target(4e6)
                .limit(SITE + 2.0)
                .peer(peer("single"), 1.0),
            line("the same, finding and p-value", "detect:vllm-philox").target(4e6).peer(peer("single"), 1.0),
            line("Gumbel of two keys", "sites:vllm-philox-dual")
                .limit(2.0 * SITE + 2.0)
                .peer(peer("dual"), 1.0),
            line("SynthID, with its mask", "sites:synthid-transformers")
                .target(50e6)
                .limit(LOOKED_UP)
                .peer("transformers synthid detector, depth 30", 1.0),
        ]);
    }
    for (name, scheme) in [("Gumbel", "vllm-philox"), ("SynthID", "synthid-transformers")] {
        lines.push(Line::new(
            format!("{name}, 200 texts of 2,000 in one call"),
            format!("pool:{scheme}:2000"),
            rate,
        ));
    }
    for variant in ["lefthash", "selfhash"] {
        for vocabulary in VOCABULARIES {
            lines.push(
                Line::new(
                    format!("KGW {variant}, every list new, V = {vocabulary}"),
                    format!("fresh:{variant}:{vocabulary}"),
                    rate,
                )
                .limit(FOLLOWED * vocabulary as f64)
                .peer(format!("transformers kgw {variant} detector, V={vocabulary}"), 1.0)
                .ratio(14.0),
            );
        }
    }
    lines.push(
        Line::new("KGW, 2,000 texts of 500 that share 512 lists", "shared", rate)
            .target(5e6)
            .peer(format!("transformers kgw lefthash detector, V={}", VOCABULARIES[0]), 1.0),
    );
    lines
}

fn keys() -> Vec<Line> {
    let test = |scheme: &str| {
        let name = format!("1,000 decoys, a text of 100,000, `{scheme}`");
        Line::new(name, format!("decoys:{scheme}"), Unit::Seconds)
    };
    let mut lines = vec![test("vllm-philox").target(5.0).limit(SITE * 1e8)];
    let others = [
        "vllm-philox-dual",
        "stillmark-gumbel",
        "synthid-transformers",
        "synthid-deepmind",
        "synthid-vllm",
        "sglang-gumbel",
        "textseal-gumbel",
        "textseal-gumbel-dual",
        "textseal-greenlist",
        "three-bricks-openai",
        "three-bricks-maryland",
        "kgw-transformers",
        "kgw-lm-watermarking",
        "sbw",
    ];
    lines.extend(others.into_iter().map(test));
    for (scheme, target) in
        [("vllm-philox", Some(1.5)), ("synthid-transformers", None), ("stillmark-gumbel", None)]
    {
        let name = format!("attribution, 10,000 tenants, a text of 2,000, `{scheme}`");
        let line = Line::new(name, format!("attribution:{scheme}"), Unit::Seconds);
        lines.push(Line { target, ..line });
    }
    lines
}
