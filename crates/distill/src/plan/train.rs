//! The `[train]` table.

use super::reader::Reader;
use crate::Error;

/// How the student is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainPlan {
    /// When it ends.
    pub length: TrainLength,
    /// Tokens of a packed sequence.
    pub seq_len: usize,
    /// Sequences of a micro-batch.
    pub batch: usize,
    /// Micro-batches of a step.
    pub accumulation: usize,
    /// What is minimized: the weighted sum of these.
    pub losses: Vec<Loss>,
    /// Peak learning rate.
    pub lr: f64,
    /// Learning rate at the end, as a fraction of the peak.
    pub lr_floor: f64,
    /// Steps of linear rise to the peak.
    pub warmup: u64,
    /// How the rate falls afterwards.
    pub schedule: Schedule,
    /// Largest norm of the gradient; 0 is no limit.
    pub clip: f64,
    /// `AdamW`'s decoupled weight decay.
    pub weight_decay: f64,
    /// `AdamW`'s decay of the first moment.
    pub beta1: f64,
    /// `AdamW`'s decay of the second moment.
    pub beta2: f64,
    /// Element type of the products.
    pub precision: Precision,
    /// Part of the sequences that the student writes itself (lambda of GKD, arXiv:2306.13649).
    pub on_policy: f64,
    /// Seed of the order of the data and of the initial weights.
    pub seed: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Checkpoints kept; 0 keeps all.
    pub keep: usize,
    /// Steps between evaluations; 0 evaluates only at the end.
    pub eval_every: u64,
    /// Part of the records held out for evaluation.
    pub held_out: f64,
}

/// When training ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainLength {
    /// After so many steps.
    Steps(u64),
    /// At the end of the step in which so many tokens were seen.
    Tokens(u64),
}

impl TrainPlan {
    /// Tokens of one optimizer step.
    pub fn tokens_per_step(&self) -> u64 {
        (self.seq_len * self.batch * self.accumulation) as u64
    }

    /// Optimizer steps in all.
    pub fn steps(&self) -> u64 {
        match self.length {
            TrainLength::Steps(steps) => steps,
            TrainLength::Tokens(tokens) => tokens.div_ceil(self.tokens_per_step()),
        }
    }
}

/// One term of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Which.
    pub kind: LossKind,
    /// Its weight in the sum.
    pub weight: f64,
    /// Both sides' temperature; the loss is multiplied by its square.
    pub temperature: f64,
    /// Over which tokens.
    pub support: Support,
}

/// A loss function (docs/spec/plan.md has the formulae).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossKind {
    /// Cross-entropy with the next token.
    CrossEntropy,
    /// KL(teacher || student).
    ForwardKl,
    /// KL(student || teacher).
    ReverseKl,
    /// Generalized Jensen-Shannon divergence with this beta.
    Jsd {
        /// Weight of the teacher in the mixture.
        beta: f64,
    },
    /// Total variation distance.
    Tvd,
}

/// Over which tokens a divergence is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The whole vocabulary: the embedded teacher runs beside the student.
    Full,
    /// The recorded tokens, and all others as one more outcome.
    TopK,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Half a cosine.
    Cosine,
    /// A line.
    Linear,
    /// Not at all.
    Constant,
}

/// Element type of the products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// bfloat16 products over f32 weights.
    Bf16,
}

const KEYS: &[&str] = &[
    "steps",
    "tokens",
    "minutes",
    "seq_len",
    "batch",
    "accumulation",
    "losses",
    "lr",
    "lr_floor",
    "warmup",
    "schedule",
    "clip",
    "weight_decay",
    "beta1",
    "beta2",
    "precision",
    "on_policy",
    "seed",
    "checkpoint_every",
    "keep",
    "eval_every",
    "held_out",
];

/// Reads `[train]` out of the plan.
pub(super) fn read(plan: &Reader<'_>) -> Result<TrainPlan, Error> {
    let train = plan.required("train", plan.table("train", KEYS)?)?;
    let length = length(&train)?;
    let schedules =
        [("cosine", Schedule::Cosine), ("linear", Schedule::Linear), ("constant", Schedule::Constant)];
    let plan = TrainPlan {
        length,
        seq_len: train.count("seq_len", 8..=131_072)?.unwrap_or(256) as usize,
        batch: train.count("batch", 1..=4096)?.unwrap_or(4) as usize,
        accumulation: train.count("accumulation", 1..=4096)?.unwrap_or(1) as usize,
        losses: losses(&train)?,
        lr: train.real("lr", 1e-9..=1.0)?.unwrap_or(5e-4),
        lr_floor: train.real("lr_floor", 0.0..=1.0)?.unwrap_or(0.0),
        warmup: train.count("warmup", 0..=1_000_000)?.unwrap_or(0),
        schedule: train.choice("schedule", &schedules)?.unwrap_or(Schedule::Cosine),
        clip: train.real("clip", 0.0..=1e6)?.unwrap_or(1.0),
        weight_decay: train.real("weight_decay", 0.0..=1.0)?.unwrap_or(0.0),
        beta1: train.real("beta1", 0.0..=0.9999)?.unwrap_or(0.9),
        beta2: train.real("beta2", 0.0..=0.99999)?.unwrap_or(0.95),
        precision: train
            .choice("precision", &[("f32", Precision::F32), ("bf16", Precision::Bf16)])?
            .unwrap_or(Precision::F32),
        on_policy: train.real("on_policy", 0.0..=1.0)?.unwrap_or(0.0),
        seed: train.count("seed", 0..=i64::MAX as u64)?.unwrap_or(0),
        checkpoint_every: train.count("checkpoint_every", 1..=10_000_000)?.unwrap_or(50),
        keep: train.count("keep", 0..=10_000)?.unwrap_or(2) as usize,
        eval_every: train.count("eval_every", 0..=10_000_000)?.unwrap_or(0),
        held_out: train.real("held_out", 0.0..=0.5)?.unwrap_or(0.05),
    };
    if plan.warmup > plan.steps() {
        return Err(train.error("warmup", &format!("is longer than the {} steps of the run", plan.steps())));
    }
    Ok(plan)
}

fn length(train: &Reader<'_>) -> Result<TrainLength, Error> {
    if train.has("minutes") {
        let why = "cannot end a run: the same plan must give the same student on any machine; say `steps` or `tokens`";
        return Err(train.error("minutes", why));
    }
    let steps = train.count("steps", 1..=10_000_000)?;
    let tokens = train.count("tokens", 1..=1_000_000_000_000)?;
    match (steps, tokens) {
        (Some(steps), None) => Ok(TrainLength::Steps(steps)),
        (None, Some(tokens)) => Ok(TrainLength::Tokens(tokens)),
        (Some(_), Some(_)) => Err(train.error("tokens", "and `steps` exclude each other")),
        (None, None) => Err(train.error("steps", "or `tokens` is missing")),
    }
}

fn losses(train: &Reader<'_>) -> Result<Vec<Loss>, Error> {
    if !train.has("losses") {
        let kind = LossKind::ForwardKl;
        return Ok(vec![Loss { kind, weight: 1.0, temperature: 1.0, support: Support::TopK }]);
    }
    let tables = train.tables("losses", &["name", "weight", "temperature", "support", "beta"])?;
    if tables.is_empty() {
        return Err(train.error("losses", "is empty"));
    }
    tables.iter().map(loss).collect()
}

fn loss(table: &Reader<'_>) -> Result<Loss, Error> {
    let beta = table.real("beta", 0.001..=0.999)?;
    let kinds = [
        ("ce", LossKind::CrossEntropy),
        ("forward-kl", LossKind::ForwardKl),
        ("reverse-kl", LossKind::ReverseKl),
        ("jsd", LossKind::Jsd { beta: beta.unwrap_or(0.5) }),
        ("tvd", LossKind::Tvd),
    ];
    let kind = table.required("name", table.choice("name", &kinds)?)?;
    if beta.is_some() && !matches!(kind, LossKind::Jsd { .. }) {
        return Err(table.error("beta", "belongs to `jsd` only"));
    }
    let divergence = kind != LossKind::CrossEntropy;
    for key in ["temperature", "support"] {
        if table.has(key) && !divergence {
            return Err(table.error(key, "belongs to divergences from the teacher only"));
        }
    }
    Ok(Loss {
        kind,
        weight: table.real("weight", 1e-6..=1e6)?.unwrap_or(1.0),
        temperature: table.real("temperature", 0.05..=100.0)?.unwrap_or(1.0),
        support: table
            .choice("support", &[("full", Support::Full), ("top-k", Support::TopK)])?
            .unwrap_or(Support::TopK),
    })
}
