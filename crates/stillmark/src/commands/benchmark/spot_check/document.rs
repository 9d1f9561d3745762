//! The plan of a spot check, as it is written down (docs/spec/spot-check.md).

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use stillmark_benchmark::spot_check::draw;
use stillmark_benchmark::spot_check::plan::Aim;
use stillmark_evidence::Digest;

use crate::files;
use crate::problem::Problem;

/// The plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(super) schema: String,
    pub(super) root: String,
    pub(super) commitment: String,
    pub(super) nonce: String,
    pub(super) seed: String,
    pub(super) population: u64,
    pub(super) margin_points: f64,
    pub(super) alpha: f64,
    pub(super) power: f64,
    pub(super) flip_rate: f64,
    /// Whether a re-run is said to repeat exactly.
    pub(super) exact: bool,
    /// The items, by their places in the log's order, as they were drawn.
    pub(super) drawn: Vec<u64>,
    /// The same by task and number in it, as `lm_eval --samples` takes them, where a log was given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) samples: BTreeMap<String, Vec<u64>>,
}

pub(super) const SCHEMA: &str = "stillmark/benchmark-spot-check-plan/v1";

impl Plan {
    /// Reads a plan and draws again: one whose items do not follow from its seed is refused.
    pub(super) fn read(path: &Path) -> Result<Self, Problem> {
        let broken = |problem: String| {
            Problem::new(format!("{} is no plan of a spot check", path.display()))
                .cause(problem)
                .hint("`stillmark benchmark spot-check plan --out FILE` writes one")
        };
        let text = files::read_text(path)?;
        let plan: Self = serde_json::from_str(&text).map_err(|err| broken(err.to_string()))?;
        if plan.schema != SCHEMA {
            return Err(broken(format!("`schema` is `{}`, not `{SCHEMA}`", plan.schema)));
        }
        plan.aim().map_err(broken)?;
        let digest = |name: &str, text: &str| {
            digest(text).ok_or_else(|| broken(format!("`{name}` is no SHA-256 in hexadecimal")))
        };
        let (root, nonce) = (digest("root", &plan.root)?, digest("nonce", &plan.nonce)?);
        let seed = draw::seed(root.as_bytes(), nonce.as_bytes());
        let agree = [
            (
                "commitment",
                plan.commitment == Digest::from_bytes(draw::commitment(nonce.as_bytes())).to_string(),
            ),
            ("seed", plan.seed == Digest::from_bytes(seed).to_string()),
            ("drawn", plan.drawn == draw::draw(&seed, plan.population, plan.drawn.len() as u64)),
        ];
        match agree.into_iter().find(|(_, agrees)| !agrees) {
            Some((name, _)) => {
                Err(broken(format!("`{name}` does not follow from the root and the number: it was changed")))
            }
            None => Ok(plan),
        }
    }

    /// What is aimed at, where it makes sense.
    pub(super) fn aim(&self) -> Result<Aim, String> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            let holds = low < value && value < high;
            if holds { Ok(()) } else { Err(format!("`{name}` is {value}: it lies between {low} and {high}")) }
        };
        within("margin", self.margin_points, 0.0, 100.0)?;
        within("alpha", self.alpha, 0.0, 1.0)?;
        within("power", self.power, 0.0, 1.0)?;
        if !(0.0..=0.5).contains(&self.flip_rate) {
            return Err(format!("the flip rate is {}: it lies between 0 and 0.5", self.flip_rate));
        }
        if !(1..=1 << 32).contains(&self.population) {
            return Err(format!("{} items cannot be drawn from", self.population));
        }
        Ok(Aim {
            population: self.population,
            margin_points: self.margin_points,
            alpha: self.alpha,
            power: self.power,
            flip_rate: self.flip_rate,
        })
    }
}

/// 32 bytes from 64 hexadecimal digits.
pub(super) fn digest(text: &str) -> Option<Digest> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(Digest::from_bytes(bytes))
}
