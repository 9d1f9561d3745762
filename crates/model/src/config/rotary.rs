//! Rotary positions in `config.json`, in the form of transformers 4 (`rope_theta` and `rope_scaling`) and of transformers 5
//! (`rope_parameters`).

use serde_json::Value;

use super::fields::Fields;
use super::{Rope, RopeScaling};
use crate::Error;

/// The base where a file does not say.
pub(super) const DEFAULT_THETA: f64 = 10_000.0;

pub(super) fn parse(fields: &Fields<'_>, max_positions: usize) -> Result<Rope, Error> {
    let field = if fields.get("rope_parameters").is_some() { "rope_parameters" } else { "rope_scaling" };
    let outer_theta = fields.positive("rope_theta")?;
    let object = match fields.get(field) {
        None => return Ok(Rope { theta: outer_theta.unwrap_or(DEFAULT_THETA), scaling: RopeScaling::None }),
        Some(Value::Object(object)) => object,
        Some(other) => return fields.refuse(field, format!("`{other}` is not an object")),
    };
    let prefix = format!("{field}.");
    let inner = Fields { path: fields.path, object, prefix: &prefix };
    let theta = inner.positive("rope_theta")?.or(outer_theta).unwrap_or(DEFAULT_THETA);
    if inner.float("partial_rotary_factor")?.is_some_and(|part| part != 1.0) {
        return inner.refuse("partial_rotary_factor", "is not supported by this decoder");
    }
    Ok(Rope { theta, scaling: scaling(&inner, fields, max_positions)? })
}

fn scaling(inner: &Fields<'_>, outer: &Fields<'_>, max_positions: usize) -> Result<RopeScaling, Error> {
    let kind = match inner.text("rope_type")? {
        Some(kind) => Some(kind),
        None => inner.text("type")?,
    };
    let Some(kind) = kind else {
        let theta_only = inner.object.keys().all(|key| key == "rope_theta" || key == "partial_rotary_factor");
        return if theta_only { Ok(RopeScaling::None) } else { inner.refuse("rope_type", "is missing") };
    };
    let factor = || inner.required("factor", inner.positive("factor")?);
    let original = |fallback: Option<usize>| {
        let stated = match inner.size("original_max_position_embeddings")? {
            Some(stated) => Some(stated),
            None => outer.size("original_max_position_embeddings")?,
        };
        match inner.required("original_max_position_embeddings", stated.or(fallback))? {
            0 => inner.refuse("original_max_position_embeddings", "is 0"),
            context => Ok(context),
        }
    };
    match kind {
        "default" => Ok(RopeScaling::None),
        "linear" => Ok(RopeScaling::Linear { factor: factor()? }),
        "llama3" => {
            let low = inner.required("low_freq_factor", inner.positive("low_freq_factor")?)?;
            let high = inner.required("high_freq_factor", inner.positive("high_freq_factor")?)?;
            if high <= low {
                return inner
                    .refuse("high_freq_factor", format!("{high} is not above `low_freq_factor`, {low}"));
            }
            Ok(RopeScaling::Llama3 {
                factor: factor()?,
                low_freq_factor: low,
                high_freq_factor: high,
                original_context: original(None)?,
            })
        }
        "yarn" => yarn(inner, factor()?, original(Some(max_positions))?),
        other => inner.refuse("rope_type", format!("`{other}` is none of default, linear, llama3, yarn")),
    }
}

fn yarn(inner: &Fields<'_>, factor: f64, original_context: usize) -> Result<RopeScaling, Error> {
    if inner.flag("truncate")? == Some(false) {
        return inner.refuse("truncate", "false is not supported by this decoder");
    }
    let attention_factor = match inner.positive("attention_factor")? {
        Some(stated) => stated,
        None => match (inner.positive("mscale")?, inner.positive("mscale_all_dim")?) {
            (Some(over), Some(under)) => {
                scaled_attention_factor(factor, over) / scaled_attention_factor(factor, under)
            }
            _ => yarn_attention_factor(factor),
        },
    };
    Ok(RopeScaling::Yarn {
        factor,
        beta_fast: inner.positive("beta_fast")?.unwrap_or(32.0),
        beta_slow: inner.positive("beta_slow")?.unwrap_or(1.0),
        attention_factor,
        original_context,
    })
}

/// The paper's rule for a stretch by `factor` (arXiv:2309.00071, equation 22).
pub(crate) fn yarn_attention_factor(factor: f64) -> f64 {
    scaled_attention_factor(factor, 1.0)
}

fn scaled_attention_factor(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
}
