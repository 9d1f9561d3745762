//! Numbers that JSON can hold: an infinite one is an error and never a silent null.

use serde::ser::Error as _;
use serde::{Serialize as _, Serializer};

/// The e-value of that natural logarithm, clamped to what a number can hold.
pub fn e_value(ln_e_value: f64) -> f64 {
    ln_e_value.exp().min(f64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn finite<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        return number.serialize(serializer);
    }
    Err(S::Error::custom(format!("{number} is not finite")))
}

#[expect(clippy::ref_option, reason = "serde hands a reference")]
pub(super) fn finite_or_null<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => finite(number, serializer),
        None => serializer.serialize_none(),
    }
}
